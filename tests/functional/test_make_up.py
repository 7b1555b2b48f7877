"""The newcomer's commands, and two Services on one machine."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.request

import pytest

from tests.support import apps
from tests.support.docker_api import Docker
from tests.support.service import BUILD, SOCKET, free_ports

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def newcomer():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-up-", dir="/tmp"))
    http, api, ssh = free_ports(3)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PAASTECH_", "GIT_", "XDG_"))}
    environment = kept | {"HOME": str(folder), "PAASTECH_HOME": str(folder / "home"), "PAASTECH_HTTP_PORT": str(http), "PAASTECH_API_PORT": str(api),
                          "PAASTECH_SSH_PORT": str(ssh), "PAASTECH_DOCKER_SOCKET": SOCKET}

    def make(target):
        return subprocess.run(["make", "-C", ROOT, target], env=environment, capture_output=True, text=True, timeout=300)
    yield make, folder, environment
    make("down")
    instance = (folder / "home" / "instance").read_text().strip()
    Docker(SOCKET).clean(f"paastech.instance={instance}")
    shutil.rmtree(folder)


@pytest.mark.skipif(BUILD.resolve() != (ROOT / "build").resolve(), reason="`make up` builds in build/, and this run tests another build")
def test_make_up_ends_with_a_live_page_and_changes_nothing_when_run_again(newcomer):
    make, folder, environment = newcomer
    first = make("up")
    assert first.returncode == 0, first.stdout + first.stderr
    lines = dict(line.split(": ", 1) for line in first.stdout.splitlines() if ": " in line)
    for name in ("Application", "API", "Git", "Push to live"):
        assert name in lines, first.stdout
    assert lines["Git"].startswith("ssh://") and re.match(r"\d+ ms$", lines["Push to live"])
    request = urllib.request.Request(f"http://127.0.0.1:{environment['PAASTECH_HTTP_PORT']}/", headers={"Host": lines["Application"].split("//")[1]})
    page = urllib.request.urlopen(request, timeout=10).read()
    assert b"Hello from PaaSTech" in page
    pid = (folder / "home/run/paastechd.pid").read_text()
    again = make("up")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Everything up-to-date" in again.stderr
    assert (folder / "home/run/paastechd.pid").read_text() == pid
    assert urllib.request.urlopen(request, timeout=10).read() == page
    down = make("down")
    assert down.returncode == 0, down.stderr
    with pytest.raises(OSError):
        urllib.request.urlopen(request, timeout=2)
    assert (folder / "home/paastech.db").exists()
    back = make("up")
    assert back.returncode == 0 and "Everything up-to-date" in back.stderr, back.stderr


def test_make_help_lists_the_commands():
    done = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True)
    for command in ("up", "down", "test", "bench"):
        assert re.search(rf"^{command}\s", done.stdout, re.M), done.stdout


def test_two_services_on_one_machine_leave_each_other_alone(fresh_service):
    one, other = fresh_service().start(), fresh_service().start()
    for service, version in ((one, "first"), (other, "second")):
        client = service.client("owner")
        client.project("same-name")
        client.repository("same-name", apps.web(version)).push()
    assert one.visit("same-name").text == "first GET /" and other.visit("same-name").text == "second GET /"
    assert one.admin().call("DELETE", "/projects/same-name?confirm=same-name").status == 200
    assert other.visit("same-name").text == "second GET /"
    one.restart()
    assert other.visit("same-name").text == "second GET /"
