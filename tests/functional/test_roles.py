"""The four roles as four processes with homes of their own, as on four hosts, joined by TCP with mutual TLS alone."""
import signal
import socket
import ssl

import pytest

from tests.support import apps
from tests.support.roles import OTHERS, ROLES, Split, listening
from tests.support.service import wait_for
from tests.support.visitors import Visitors


@pytest.fixture
def split(fresh_service):
    made = Split(fresh_service())
    yield made
    made.close()


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
