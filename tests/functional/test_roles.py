"""The four roles as four processes with homes of their own, as on four hosts, joined by TCP with mutual TLS alone."""
import os
import pathlib
import signal
import socket
import ssl
import subprocess

import pytest

from tests.support import apps
from tests.support.service import BUILD, free_ports, wait_for
from tests.support.visitors import Visitors

ROLES = ("api", "pomegranate", "git", "router")
OTHERS = ROLES[1:]


class Split:
    """service is the api role; the others have nothing of its home but the bundle that it issued for them."""

    def __init__(self, service):
        self.service = service
        self.ports = dict(zip(ROLES, free_ports(4)))
        self.processes = {}
        service.toml = self.configuration() + f'[engine]\ninstance = "{service.home.name.lower().replace("_", "-")}"\n'
        (service.home / "paastech.toml").write_text(service.toml)
        for role in OTHERS:
            self.home(role).mkdir(mode=0o700)
            done = service.daemon("authority", "issue", role, "--out", str(self.bundle(role)))
            assert done.returncode == 0, done.stderr
            (self.home(role) / "paastech.toml").write_text(
                service.toml.replace("[engine]", f'certificates = "{self.bundle(role)}"\n[engine]'))

    def configuration(self):
        return "[roles]\n" + "".join(f'{role} = "127.0.0.1:{port}"\n' for role, port in self.ports.items())

    def home(self, role):
        return self.service.home if role == "api" else self.service.home / f"host-of-{role}"

    def bundle(self, role):
        return self.home(role) / ("authority" if role == "api" else "bundle")

    def environment(self, role):
        return self.service.environment() | {"PAASTECH_HOME": str(self.home(role))}

    def log(self, role):
        return (self.home(role) / "daemon.log").read_text(errors="replace")

    def start(self, role):
        if role == "api":
            self.service.start("api")
            return
        with open(self.home(role) / "daemon.log", "ab") as log:
            self.processes[role] = subprocess.Popen([BUILD / "bin" / "paastechd", role], env=self.environment(role),
                                                    stdout=log, stderr=log, start_new_session=True)
        wait_for(lambda: self.listens(role), f"{role} to listen")

    def listens(self, role):
        assert self.processes[role].poll() is None, self.log(role)
        ports = [self.ports[role]] + {"git": [self.service.ssh_port], "router": [self.service.http_port]}.get(role, [])
        return set(ports) <= listening(self.processes[role].pid)

    def pid(self, role):
        return (self.service.process if role == "api" else self.processes[role]).pid

    def kill(self, role, how=signal.SIGKILL):
        process = self.service.process if role == "api" else self.processes[role]
        process.send_signal(how)
        process.wait(40)
        return process.returncode

    def run(self, role):
        """Starts a role that is expected to refuse."""
        return subprocess.run([BUILD / "bin" / "paastechd", role], env=self.environment(role), capture_output=True,
                              text=True, timeout=60)

    def tls(self, role, certificate_of=None):
        """A TLS connection as gRPC makes it, with a role's certificate or none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.bundle("api") / "ca.crt")
        context.set_alpn_protocols(["h2"])
        if certificate_of:
            folder = self.bundle(certificate_of)
            context.load_cert_chain(folder / f"{certificate_of}.crt", folder / f"{certificate_of}.key")
        plain = socket.create_connection(("127.0.0.1", self.ports[role]), timeout=10)
        return context.wrap_socket(plain, server_hostname=f"{role}.role.paastech.internal")


def listening(pid):
    """The TCP ports that a process listens on."""
    inodes = set()
    for name in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(name))
        except FileNotFoundError:
            pass
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports


@pytest.fixture
def split(fresh_service):
    made = Split(fresh_service())
    yield made
    for process in made.processes.values():
        if process.poll() is None:
            process.terminate()
    for process in made.processes.values():
        process.wait(40)


@pytest.fixture
def running(split):
    for role in (*OTHERS, "api"):
        split.start(role)
    return split


def test_a_push_deploys_across_four_hosts_and_any_of_them_may_die(running):
    service = running.service
    client = service.client("owner")
    client.project("apart")
    repository = client.repository("apart", apps.web("first"))
    repository.push()
    assert service.visit("apart").text == "first GET /"
    for role in ROLES:
        version = f"after-{role}"
        repository.commit(apps.web(version))

        def restart_and_push():
            running.kill(role)
            running.start(role)
            # The others meet it again by themselves; a push that comes too early is rejected, and may be repeated.
            wait_for(lambda: repository.push(check=False).returncode == 0, f"a push after {role} was killed", seconds=60)

        if role == "router":  # it is what serves: only after its start can it
            restart_and_push()
        else:
            with Visitors(service, "apart"):
                restart_and_push()
        assert service.visit("apart").text == f"{version} GET /"
    wait_for(lambda: len(service.docker.containers(service.label)) == 1, "the replaced Instances to be gone")
    for role in (*OTHERS, "api"):
        assert running.kill(role, signal.SIGTERM) == 0, role


def test_a_role_listens_on_nothing_but_its_ports(running):
    own = {"api": {running.service.api_port}, "pomegranate": set(), "git": {running.service.ssh_port},
           "router": {running.service.http_port}}
    for role in ROLES:
        assert listening(running.pid(role)) == own[role] | {running.ports[role]}, role
        assert (running.home(role) / "run" / f"{role}.sock").stat().st_mode & 0o777 == 0o600


def test_a_port_between_roles_speaks_to_nobody_without_a_certificate(running):
    for role in ROLES:
        with running.tls(role, certificate_of="router") as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            assert connection.recv(9)[3:4] == b"\4", "a SETTINGS frame for whoever shows a certificate"
        with pytest.raises((ssl.SSLError, ConnectionError)), running.tls(role) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            if not connection.recv(9):
                raise ConnectionError("closed without a word")
        with socket.create_connection(("127.0.0.1", running.ports[role]), timeout=10) as plain:
            try:
                plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
                assert plain.recv(9)[3:4] != b"\4"
            except ConnectionError:
                pass


@pytest.mark.parametrize("role,name", [("git", "git.key"), ("api", "api.key"), ("api", "ca.key")])
def test_a_key_that_others_can_read_is_refused(split, role, name):
    key = split.bundle(role) / name
    if not key.exists():
        split.start(role)
        assert split.kill(role, signal.SIGTERM) == 0
    key.chmod(0o644)
    done = split.run(role)
    assert done.returncode == 1 and name in done.stderr and f"chmod 600 {key}" in done.stderr, done


def test_a_role_without_its_certificate_says_how_to_make_one(split):
    (split.bundle("git") / "git.crt").unlink()
    done = split.run("git")
    assert done.returncode == 4 and "git.crt is missing" in done.stderr, done
    assert "paastechd authority issue git --out DIR" in done.stderr, done


def test_a_bundle_of_another_service_is_refused_by_name_and_by_its_peers(split, fresh_service):
    other = fresh_service()
    foreign = other.home / "bundle"
    assert other.daemon("authority", "issue", "pomegranate", "--out", str(foreign)).returncode == 0
    (foreign / "pomegranate.crt").rename(split.bundle("pomegranate") / "pomegranate.crt")
    (foreign / "pomegranate.key").rename(split.bundle("pomegranate") / "pomegranate.key")
    done = split.run("pomegranate")
    assert done.returncode == 1 and "signed by another authority" in done.stderr, done
    (foreign / "ca.crt").rename(split.bundle("pomegranate") / "ca.crt")  # now it is whole, and a stranger
    split.start("pomegranate")
    split.start("git")
    split.start("router")
    split.start("api")
    client = split.service.client("owner")
    client.project("alone")
    answer = client.call("GET", "/projects/alone/instances")
    assert answer.status == 503 and "127.0.0.1" not in answer.text and str(split.service.home) not in answer.text, answer
    done = split.service.daemon("authority", "issue", "pomegranate", "--out", str(split.bundle("pomegranate")))
    assert done.returncode == 0, done
    split.kill("pomegranate")
    split.start("pomegranate")
    wait_for(lambda: client.call("GET", "/projects/alone/instances").status == 200, "the right bundle to be accepted")


def test_a_bundle_is_issued_for_roles_alone(fresh_service):
    service = fresh_service()
    done = service.daemon("authority", "issue", "admin", "--out", str(service.home / "x"))
    assert done.returncode == 1 and "`admin` is not a role" in done.stderr and "pomegranate" in done.stderr, done
    assert not (service.home / "x").exists()
