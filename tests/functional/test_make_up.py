"""The newcomer's commands, and two Services on one machine."""
import os
import pathlib
import pwd
import re
import subprocess
import urllib.request

import pytest

from tests.support import apps
from tests.support.newcomer import PORTS, ROOT, Newcomer
from tests.support.service import ADMIN, BUILD, SOCKET

builds_here = pytest.mark.skipif(BUILD.resolve() != (ROOT / "build").resolve(),
                                 reason="`make up` builds in build/, and this run tests another build")


@pytest.fixture
def newcomer():
    made = Newcomer()
    yield made
    made.close()


@builds_here
def test_make_up_ends_with_a_live_page_and_changes_nothing_when_run_again(newcomer):
    lines, _ = newcomer.up()
    for name in ("Application", "API", "Git", "Push to live"):
        assert name in lines
    assert lines["Git"].startswith("ssh://") and re.match(r"\d+ ms$", lines["Push to live"])
    request = urllib.request.Request(f"http://127.0.0.1:{newcomer.environment['PAASTECH_HTTP_PORT']}/",
                                     headers={"Host": lines["Application"].split("//")[1]})
    page = urllib.request.urlopen(request, timeout=10).read()
    assert b"Hello from PaaSTech" in page
    pid = newcomer.pid()
    assert "Everything up-to-date" in newcomer.up()[1]
    assert newcomer.pid() == pid
    assert urllib.request.urlopen(request, timeout=10).read() == page
    down = newcomer.make("down")
    assert down.returncode == 0, down.stderr
    with pytest.raises(OSError):
        urllib.request.urlopen(request, timeout=2)
    assert (newcomer.home / "paastech.db").exists()
    assert "Everything up-to-date" in newcomer.up()[1]


@builds_here
def test_make_up_does_not_take_another_service_for_its_own(newcomer, fresh_service):
    other = fresh_service().start()
    newcomer.environment["PAASTECH_API_PORT"] = str(other.api_port)
    login = [BUILD / "bin/paastech", "login", "--server", other.api, "--email", ADMIN, "--password-stdin"]
    subprocess.run(login, env=newcomer.environment, input=(other.home / "admin-password").read_bytes(), check=True)
    up = newcomer.make("up")
    assert up.returncode != 0 and "Application" not in up.stdout
    assert f"port {other.api_port} is already in use" in up.stderr and "PAASTECH_API_PORT" in up.stderr, up.stderr
    assert newcomer.make("down").returncode == 0
    assert other.healthy() and other.admin().call("GET", "/projects").json()["items"] == []


@builds_here
def test_make_up_reads_ports_and_the_administrator_from_the_file(newcomer):
    http, api, ssh = (newcomer.environment.pop(name) for name in PORTS)
    newcomer.home.mkdir(mode=0o700)
    (newcomer.home / "paastech.toml").write_text(f"""ingress.port = {http}
api.port = {api}
git.port = {ssh}
service.admin_email = "ada@example.org"
""")
    lines, page = newcomer.up()
    assert lines["Application"].endswith(f":{http}") and "Hello from PaaSTech" in page
    assert lines["API"] == f"http://127.0.0.1:{api}/api/v1" and lines["Git"] == f"ssh://git@127.0.0.1:{ssh}/hello"


def test_make_down_stops_no_process_that_has_an_old_number_by_now(newcomer):
    newcomer.environment["PAASTECH_DOCKER_SOCKET"] = str(newcomer.folder / "docker.sock")  # no Engine: nobody's containers
    with subprocess.Popen(["sleep", "300"]) as stranger:
        try:
            for name in ("docker/docker.pid", "run/paastechd.pid"):
                (newcomer.home / name).parent.mkdir(parents=True)
                (newcomer.home / name).write_text(str(stranger.pid))
            down = newcomer.make("down")
            assert down.returncode == 0, down.stderr
            assert stranger.poll() is None
        finally:
            stranger.kill()


# As the scripts call it: the program runs as root, with an environment of its own but for the named variables.
SUDO = """#!/usr/bin/python3
import os, sys
kept = sys.argv[1].removeprefix("--preserve-env=").split(",")
os.setgid(0)
os.setuid(0)
os.execve("/usr/bin/env", ["env", *sys.argv[2:]], {k: v for k, v in os.environ.items() if k in ("PATH", *kept)})
"""

# As scripts/engine sees it: the Engine of the tests, on the socket that was asked for.
DOCKERD = """#!/bin/sh
trap 'rm "$6"; exit' TERM
set -- "$1" "$2" "$3" "$4" "$5" "${6#unix://}" "$7" "$8"
ln -s SOCKET "$6" && echo $$ >"$8"
while sleep 0.1; do :; done
"""


@pytest.fixture
def user_with_sudo():
    """Has the sources and the programs in the folder, and sudo that asks nothing; the machine keeps no trace of it."""
    made = Newcomer(pwd.getpwnam("nobody").pw_uid)
    made.environment["PAASTECH_DOCKER_SOCKET"] = str(made.folder / "engine/docker.sock")
    made.copy_sources()
    made.write_program("sudo", SUDO)
    made.write_program("dockerd", DOCKERD.replace("SOCKET", SOCKET))
    subprocess.run(["chown", "-R", f"{made.user}:{made.user}", made.folder], check=True)
    yield made
    made.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_with_sudo_has_a_home_of_the_users_own_and_one_daemon(user_with_sudo):
    user_with_sudo.up()
    assert user_with_sudo.home.stat().st_uid == user_with_sudo.user
    pid = user_with_sudo.pid()
    assert os.stat(f"/proc/{pid}").st_uid == 0
    assert "Everything up-to-date" in user_with_sudo.up()[1]
    assert user_with_sudo.pid() == pid
    down = user_with_sudo.make("down")
    assert down.returncode == 0, down.stderr
    assert not pathlib.Path(f"/proc/{pid}").exists()


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
