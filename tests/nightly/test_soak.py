"""Long tests: what must hold not once but for hours. `make test-nightly` runs them."""
import json
import selectors
import socket
import threading
import time

import pytest

from tests.support import apps
from tests.support.service import wait_for


# An Application that takes every connection and waits.
PATIENT = ("use IO::Socket::INET; my $listener = IO::Socket::INET->new(LocalPort => 80, Listen => 4096) or die;"
           "my @kept; while (1) { push @kept, scalar $listener->accept }")


def resident(service):
    return int(next(line.split()[1] for line in open(f"/proc/{service.process.pid}/status") if line.startswith("VmRSS"))) / 1024


@pytest.mark.parametrize("part", ["head", "body"])
def test_five_thousand_clients_of_a_byte_a_second_do_not_disturb_the_others(service, client, unique, part):
    name = client.project(unique())["name"]
    client.repository(name, apps.web("quick")).push()
    dripped = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 200
    slow = [socket.create_connection(("127.0.0.1", service.http_port)) for _ in range(5000)]
    if part == "body":
        dripped = b"a" * 200
        patient = client.project(unique())["name"]
        client.repository(patient, apps.web(dockerfile="FROM debian:bookworm\nCMD " + json.dumps(["perl", "-e", PATIENT]))).push()
        for each in slow:
            each.sendall(f"POST / HTTP/1.1\r\nHost: {patient}.user-app.localhost\r\nContent-Length: 999\r\n\r\n".encode())
    before, stop = resident(service), threading.Event()

    def drip():
        for byte in dripped:
            if stop.is_set():
                return
            for each in slow:
                try:
                    each.send(bytes([byte]))
                except OSError:
                    pass
            time.sleep(1)
    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        latencies = []
        for _ in range(500):
            began = time.monotonic()
            assert service.visit(name).status == 200
            latencies.append((time.monotonic() - began) * 1000)
        print(f"p99 {sorted(latencies)[494]:.1f} ms; memory {before:.1f} → {resident(service):.1f} MB")

        def freed():
            with selectors.DefaultSelector() as selector:
                for each in slow:
                    selector.register(each, selectors.EVENT_READ)
                return len(selector.select(0)) == len(slow)
        wait_for(freed, "the router to give up all of them", seconds=90, every=1)
    finally:
        stop.set()
        dripper.join()
        for each in slow:
            each.close()


def test_a_hundred_projects_come_and_go_without_a_trace(service, client, unique):
    repository = client.repository("none", apps.web("brief"))
    for number in range(100):
        name = unique("brief")
        client.project(name)
        repository.git("push", "-q", f"ssh://git@127.0.0.1:{service.ssh_port}/{name}", "main")
        assert service.visit(name).status == 200
        assert client.call("DELETE", f"/projects/{name}?confirm={name}").json()["leftovers"] == []
        if number == 10:
            settled = resident(service)
    assert service.docker.networks(service.label) == []
    assert service.docker.containers(service.label) == []
    print(f"memory after 10: {settled:.1f} MB, after 100: {resident(service):.1f} MB")
    assert resident(service) < settled * 1.5 + 5


def test_a_hundred_kill_9_lose_no_acknowledged_change(fresh_service):
    service = fresh_service().start()
    client = service.client("owner")
    client.project("survivor")
    client.repository("survivor", apps.web("survivor")).push()
    for number in range(100):
        assert client.call("PATCH", "/projects/survivor/environment", {"set": {"N": str(number)}}).status == 202
        service.restart()
        shown = client.call("GET", "/projects/survivor/environment?reveal=true").json()["items"]
        assert shown[0]["value"] == str(number)
    wait_for(lambda: "N=99" in service.visit("survivor", "/environment").text, "the last value to serve", seconds=60)
    wait_for(lambda: len(service.docker.containers(service.label)) == 1, "one Instance to be left", seconds=60)
