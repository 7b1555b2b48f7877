"""What a first start makes (threat 34): secrets of its own, for its owner only, and no listener that nobody asked for. A
secret that is open to others or weak is refused at the next start."""
import signal
import stat
import subprocess

import pytest

from tests.support.roles import listening
from tests.support.service import Service

SECRETS = ["secret.key", "admin-password", "authority/ca.key", "authority/api.key", "authority/git.key",
           "authority/pomegranate.key", "authority/router.key"]


def host_key(service):
    [found] = [path for path in service.home.rglob("*") if path.is_file() and b"OPENSSH PRIVATE KEY" in path.read_bytes()[:100]]
    return found


@pytest.fixture(scope="module")
def two():
    made = []
    try:
        for _ in range(2):
            made.append(Service())
            made[-1].start()
        yield made
    finally:
        for each in made:
            each.close()


def test_no_file_of_a_new_home_is_open_to_others(two):
    for service in two:
        for name in SECRETS + [str(host_key(service).relative_to(service.home))]:
            mode = stat.S_IMODE((service.home / name).stat().st_mode)
            assert mode == 0o600, (name, oct(mode))
        readable = [str(path.relative_to(service.home)) for path in service.home.rglob("*")
                    if path.is_file() and path.suffix in (".key", ".db", ".db-wal", ".db-shm") and path.stat().st_mode & 0o077]
        assert not readable, readable


def test_no_secret_is_the_same_in_two_homes(two):
    one, other = two
    for name in SECRETS:
        assert (one.home / name).read_bytes() != (other.home / name).read_bytes(), name
    assert host_key(one).read_bytes() != host_key(other).read_bytes()
    assert len((one.home / "admin-password").read_text().strip()) >= 20


def test_it_listens_on_three_ports_of_its_own_and_the_api_on_loopback_alone(two):
    for service in two:
        assert listening(service.process.pid) == {service.http_port, service.api_port, service.ssh_port}
        lines = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout.splitlines()
        [api] = [line.split()[3] for line in lines if line.split()[3].endswith(f":{service.api_port}")]
        assert api == f"127.0.0.1:{service.api_port}", api
        sockets = [path for path in service.home.rglob("*") if path.is_socket()]
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in sockets), sockets


@pytest.mark.parametrize("name", ["secret.key", "host key", "authority/ca.key"])
def test_a_secret_that_others_can_read_is_refused(fresh_service, name):
    service = fresh_service().start()
    service.kill(signal.SIGTERM)
    path = host_key(service) if name == "host key" else service.home / name
    path.chmod(0o644)
    done = service.daemon("all")
    assert done.returncode not in (0, None), done
    assert str(path) in done.stderr and "chmod 600" in done.stderr, done.stderr
    path.chmod(0o600)
    service.start()


@pytest.mark.parametrize("name, weak", [("host key", b""), ("host key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"),
                                        ("authority/ca.key", b""), ("secret.key", b"k1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 1\n")],
                         ids=["host key empty", "host key damaged", "authority empty", "key of zeros"])
def test_a_weak_or_damaged_secret_is_refused_and_left_alone(fresh_service, name, weak):
    service = fresh_service().start()
    service.kill(signal.SIGTERM)
    path = host_key(service) if name == "host key" else service.home / name
    good = path.read_bytes()
    path.write_bytes(weak)
    done = service.daemon("all")
    assert done.returncode != 0 and str(path) in done.stderr, done
    assert path.read_bytes() == weak, "it is not made anew: what it opened would be lost"
    path.write_bytes(good)
    service.start()
