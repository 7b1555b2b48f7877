"""What a Service makes for itself at its first start, and what it makes of its configuration."""
import ipaddress
import os
import pathlib
import random
import re
import signal
import stat
import subprocess

import pytest

from tests.support import apps
from tests.support.cli import ok
from tests.support.service import wait_for


def shown_to_clients(service):
    """Type and fingerprint of every host key that the Service has."""
    scanned = subprocess.run(["ssh-keyscan", "-T", "10", "-p", str(service.ssh_port), "-t", "ed25519,rsa,ecdsa", "127.0.0.1"],
                             capture_output=True, text=True, timeout=60)
    listed = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=scanned.stdout, capture_output=True, text=True)
    return [(line.split()[-1], line.split()[1]) for line in listed.stdout.splitlines()] or scanned.stderr


def test_the_host_key_is_made_once_and_its_fingerprint_is_printed_at_each_start(fresh_service):
    service = fresh_service().start()
    printed = lambda: re.findall(r"host key (SHA256:\S+)", service.log())
    assert len(printed()) == 1, service.log()
    assert shown_to_clients(service) == [("(ED25519)", printed()[0])]
    key = service.home / "ssh_host_ed25519_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and stat.S_IMODE(service.home.stat().st_mode) == 0o700
    service.restart(signal.SIGTERM)
    assert len(printed()) == 2 and len(set(printed())) == 1, printed()
    assert shown_to_clients(service) == [("(ED25519)", printed()[0])]


@pytest.mark.parametrize("toml, loops", [("", len(os.sched_getaffinity(0))), ("[ingress]\nloops = 3\n", 3)],
                         ids=["a core each", "as configured"])
def test_the_ingress_has_a_loop_a_core_each_of_which_listens(fresh_service, toml, loops):
    service = fresh_service(toml).start()
    port, listening = f"{service.http_port:04X}", "0A"
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert len([row for row in rows if row[1].endswith(":" + port) and row[3] == listening]) == loops


def test_each_project_has_a_network_of_the_pool_and_a_full_pool_is_said(fresh_service):
    pool = ipaddress.ip_network(f"10.{random.randrange(150, 200)}.{random.randrange(256)}.{random.randrange(16) * 16}/28")
    service = fresh_service(f'[engine]\nsubnet_pool = "{pool}"\nsubnet_bits = 29\n').start()
    client = service.client("owner")
    found = []
    for name in ("first", "second"):
        project = client.project(name)
        client.repository(name, apps.web(name)).push()
        network, = service.docker.networks(f"paastech.project={project['id']}")
        found.append(ipaddress.ip_network(network["IPAM"]["Config"][0]["Subnet"]))
        assert service.visit(name).text == f"{name} GET /"
    assert sorted(found) == sorted(pool.subnets(new_prefix=29)), (pool, found)
    client.project("third")
    repository = client.repository("third", apps.web("third"))
    refused = repository.push(check=False)
    assert refused.returncode != 0 and f"no subnet of the pool {pool} is free" in refused.stderr, refused.stderr
    ok(client.cli("projects", "delete", "first", "--yes"))
    repository.push()
    assert wait_for(lambda: service.visit("third").status == 200, "the third to serve in the place of the first")
