"""Lines from a container to a follower beside the Engine's own stream of the same lines, and what an idle follower takes."""
import os
import re
import socket
import time
import uuid

from bench.measure import alternate, ratio, spread
from tests.support import apps
from tests.support.docker_api import Docker
from tests.support.service import SOCKET, UNLIMITED, Service, wait_for

LINES = int(os.environ.get("BENCH_LOG_LINES", 10_000_000))
ROUNDS = 3
FOLLOWERS = 10_000
QUIET = 20  # seconds after which no more is expected
FLOOD = r"""
        if ($path =~ m{^/flood/(\d+)}) {
            $| = 0;
            print "line $_ GET /orders/1234 200 in 12 ms for 192.0.2.17 and nothing went wrong\n" for 1 .. $1;
            STDOUT->flush;
            exit 0;
        }
        print $client "HTTP/1.1"""
NUMBER = re.compile(rb"line (\d+) GET")


def image_files():
    files = apps.web("bench")
    files["server.pl"] = "use IO::Handle;\n" + files["server.pl"].replace('        print $client "HTTP/1.1', FLOOD.lstrip("\n"), 1)
    return files


class Received:
    """How often each number came, whether in order, and how long it took from the first to the last."""

    def __init__(self):
        self.seen, self.different, self.doubled, self.in_order, self.last = bytearray(LINES + 1), 0, 0, True, 0
        self.started = self.ended = None

    def take(self, numbers):
        self.ended = time.monotonic()
        self.started = self.started or self.ended
        for number in map(int, numbers):
            self.in_order = self.in_order and number > self.last
            self.last = number
            if self.seen[number]:
                self.doubled += 1
            else:
                self.seen[number] = 1
                self.different += 1

    @property
    def rate(self):
        return self.different / (self.ended - self.started)

    @property
    def complete(self):
        return self.different == LINES and not self.doubled and self.in_order


def receive(connection, request, address):
    """Follows, has the container print all lines as fast as it may, and reads what comes. Neither side's chunks cut a
    line, so they stay in."""
    connection.settimeout(QUIET)
    connection.sendall(request.encode())
    assert b" 200 OK" in connection.recv(4096)
    flood = socket.create_connection((address, 80))
    flood.sendall(f"GET /flood/{LINES} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    received, buffer = Received(), b""
    try:
        while received.last < LINES and (piece := connection.recv(1 << 20)):
            buffer += piece
            numbers = NUMBER.findall(buffer)
            if numbers:
                received.take(numbers)
                buffer = buffer[buffer.rfind(b"line " + numbers[-1] + b" GET") + 8:]
    except TimeoutError:
        pass
    connection.close()
    flood.close()
    return received


class Ours:
    def __init__(self):
        self.service = Service("[api]\naddress = \"127.0.0.1\"\n").start()
        self.client = self.service.client("bench")
        self.client.project("flood")
        self.client.repository("flood", image_files()).push(timeout=600)

    def run(self, _):
        container = self.service.docker.containers(self.service.label)[0]
        address = next(iter(container["NetworkSettings"]["Networks"].values()))["IPAddress"]
        return receive(socket.create_connection(("127.0.0.1", self.service.api_port)),
                       "GET /api/v1/projects/flood/logs?follow=true&lines=0&process=web HTTP/1.1\r\nHost: localhost\r\n"
                       f"Authorization: Bearer {self.client.token}\r\n\r\n", address)

    def close(self):
        self.service.close()


class Engine:
    """The same container, read through the Engine's API."""

    def __init__(self, image):
        self.docker, self.name = Docker(SOCKET), "pt-bench-" + uuid.uuid4().hex[:8]
        label = {"paastech.bench": self.name}
        self.docker.call("POST", "/networks/create", {"Name": self.name, "Labels": label})
        body = {"Image": image, "Env": ["PORT=80"], "Labels": label,
                "HostConfig": {"NetworkMode": self.name, "Memory": 512 << 20, "NanoCpus": 1_000_000_000, "Init": True,
                               "LogConfig": {"Type": "local", "Config": {"max-size": "10m", "max-file": "5"}}}}
        self.id = self.docker.call("POST", f"/containers/create?name={self.name}", body)[1]["Id"]
        self.docker.call("POST", f"/containers/{self.id}/start")
        self.address = self.docker.inspect(self.id)["NetworkSettings"]["Networks"][self.name]["IPAddress"]
        wait_for(self.listens, "the container to listen")

    def listens(self):
        try:
            socket.create_connection((self.address, 80), 1).close()
            return True
        except OSError:
            return False

    def run(self, _):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(SOCKET)
        return receive(connection, f"GET /v1.41/containers/{self.id}/logs?follow=1&stdout=1&stderr=1&timestamps=1&tail=0 HTTP/1.1\r\n"
                       "Host: localhost\r\n\r\n", self.address)

    def close(self):
        self.docker.clean(f"paastech.bench={self.name}")


def describe(outcomes):
    lost, doubled = sum(LINES - each.different for each in outcomes), sum(each.doubled for each in outcomes)
    return f"{spread([each.rate for each in outcomes], '/s')}, {lost:,} lost, {doubled:,} doubled"


def throughput(results):
    ours = Ours()
    engine = None
    try:
        image = next(c["Image"] for c in ours.service.docker.containers(ours.service.label))
        engine = Engine(image)
        mine, other = alternate(ROUNDS, ours.run, engine.run)
        value = ratio([each.rate for each in mine], [each.rate for each in other])
        complete = all(each.complete for each in mine)
        results.add(f"log lines from a container to a follower, {LINES:,} lines", describe(mine), "the Engine's own stream: " + describe(other),
                    f"{value:.2f}×", "≥ 0.8×, 0 lost", value >= 0.8 and complete)
    finally:
        if engine:
            engine.close()
        ours.close()


def idle_followers(results):
    """The growth of the whole process, after each has asked and has got its comments."""
    service, open_ones = Service("[api]\n" + UNLIMITED).start(), []
    try:
        client = service.client("bench")
        client.project("idle")
        request = (f"GET /api/v1/projects/idle/logs?follow=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {client.token}\r\n\r\n").encode()

        def follow(count):
            for _ in range(count):
                connection = socket.create_connection(("127.0.0.1", service.api_port))
                connection.settimeout(60)
                connection.sendall(request)
                assert b"200 OK" in connection.recv(4096)
                open_ones.append(connection)
        follow(100)  # what the first ones cost stays: threads, caches
        before = service.memory()
        follow(FOLLOWERS)
        at_once = service.memory()
        time.sleep(35)  # two rounds of comments to each
        after = service.memory()
        most = max(at_once, after)
        each = (most - before) * 1024 / FOLLOWERS
        results.add(f"memory of an idle log follower, {FOLLOWERS:,} of them", f"{each:.1f} KB ({before:.0f} → {most:.0f} MB)",
                    "–", f"{each:.1f} KB", "≤ 20 KB", each <= 20)
    finally:
        for connection in open_ones:
            connection.close()
        service.close()


def logs(results):
    throughput(results)
    idle_followers(results)
