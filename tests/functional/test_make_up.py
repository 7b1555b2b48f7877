"""The newcomer's commands, and two Services on one machine."""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.request

import pytest

from tests.support import apps, firewall
from tests.support.docker_api import Docker
from tests.support.service import ADMIN, BUILD, SOCKET, free_ports

ROOT = pathlib.Path(__file__).parents[2]


builds_here = pytest.mark.skipif(BUILD.resolve() != (ROOT / "build").resolve(),
                                 reason="`make up` builds in build/, and this run tests another build")
PORTS = ("PAASTECH_HTTP_PORT", "PAASTECH_API_PORT", "PAASTECH_SSH_PORT")


class Newcomer:
    """Has a folder with the home of a Service in it, and three free ports. A user other than root may become root by the
    program sudo() writes."""

    def __init__(self, user=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-up-", dir="/tmp"))
        self.home = self.folder / "home"
        self.root = ROOT
        self.user = user
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PAASTECH_", "GIT_", "XDG_"))}
        self.environment = kept | {"HOME": str(self.folder), "PAASTECH_HOME": str(self.home), "PAASTECH_DOCKER_SOCKET": SOCKET}
        self.environment |= {name: str(port) for name, port in zip(PORTS, free_ports(3))}

    def make(self, target):
        capabilities = ("--inh-caps=+setuid,+setgid", "--ambient-caps=+setuid,+setgid")
        become = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *capabilities] if self.user else []
        return subprocess.run([*become, "make", "-C", self.root, target], env=self.environment, capture_output=True, text=True, timeout=300)

    def up(self):
        """Returns the lines of standard output, by their names, and standard error."""
        done = self.make("up")
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line), done.stderr

    def pid(self, name="run/paastechd.pid"):
        return int((self.home / name).read_text())

    def own(self):
        """The processes that were started with this home."""
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if f"PAASTECH_HOME={self.home}\0".encode() in (process / "environ").read_bytes():
                    yield int(process.name)
            except OSError:
                pass  # ended meanwhile

    def close(self):
        self.make("down")
        for pid in self.own():  # what a failed test left
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if (self.home / "instance").exists():
            instance = (self.home / "instance").read_text().strip()
            Docker(SOCKET).clean("paastech.instance=" + instance)
            firewall.remove(instance)
        shutil.rmtree(self.folder)


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
    made.root = made.folder / "source"
    made.environment |= {"PATH": f"{made.folder}/bin:{os.environ['PATH']}", "PAASTECH_DOCKER_SOCKET": str(made.folder / "engine/docker.sock")}
    for name in ("scripts", "examples/hello"):
        shutil.copytree(ROOT / name, made.root / name)
    shutil.copy(ROOT / "Makefile", made.root)
    (made.root / "build/bin").mkdir(parents=True)
    for name in ("paastechd", "paastech", "paastech-hook"):
        shutil.copy(BUILD / "bin" / name, made.root / "build/bin")
    (made.folder / "bin").mkdir()
    for name, program in {"sudo": SUDO, "dockerd": DOCKERD.replace("SOCKET", SOCKET), "cmake": "#!/bin/sh\n", "ninja": "#!/bin/sh\n"}.items():
        (made.folder / "bin" / name).write_text(program)
        (made.folder / "bin" / name).chmod(0o755)
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
