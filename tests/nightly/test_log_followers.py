"""Ten thousand followers of a log that says nothing: at most 20 KB each; those who read nothing of one that says much are
dropped, and nobody else notices."""
import pathlib
import resource
import selectors
import socket
import statistics
import time

import pytest

from tests.support import apps
from tests.support.service import UNLIMITED, wait_for
from tests.support.visitors import Beside

FOLLOWERS = 10_000
STALLED = 50
LINES = 200_000  # of 100 bytes: many times what the sockets hold
KILOBYTES = 20
DROPPED_WITHIN = 60  # seconds after the flood; a socket that takes nothing for 30 s is given up
FLOOD = """if ($path =~ m{^/flood/(\\d+)}) {
            $| = 0;
            print "line $_ " . ('.' x 80) . "\\n" for 1 .. $1;
            STDOUT->flush;
        }
        print $client "HTTP/1.1"""


def flooding():
    files = apps.web("flood")
    files["server.pl"] = "use IO::Handle;\n" + files["server.pl"].replace('print $client "HTTP/1.1', FLOOD, 1)
    return files


def follow(client, name, small=False):
    """A connection that follows from now on, with what came beside the head."""
    connection = socket.socket()
    if small:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", client.service.api_port))
    connection.sendall((f"GET /api/v1/projects/{name}/logs?follow=true&lines=0&process=web HTTP/1.1\r\nHost: localhost\r\n"
                        f"Authorization: Bearer {client.token}\r\n\r\n").encode())
    head = connection.recv(4096)
    assert b" 200 OK" in head, head
    connection.setblocking(False)
    return connection


class Crowd:
    """Followers that are read, all by one selector."""

    def __init__(self):
        self.selector, self.open = selectors.DefaultSelector(), set()
        self.ended = 0

    def add(self, connection):
        self.open.add(connection)
        self.selector.register(connection, selectors.EVENT_READ)

    def hear(self, what, seconds):
        """Waits until each has got `what`, and returns how long that took."""
        began, missing = time.monotonic(), set(self.open)
        while missing and time.monotonic() - began < seconds:
            for key, _ in self.selector.select(0.5):
                piece = key.fileobj.recv(65536)
                if not piece:
                    self.selector.unregister(key.fileobj)
                    self.open.discard(key.fileobj)
                    self.ended += 1
                if what in piece:
                    missing.discard(key.fileobj)
        took = time.monotonic() - began
        assert not missing, f"{len(missing)} of {len(self.open)} did not hear {what} within {seconds} s; {self.ended} were ended"
        return took

    def close(self):
        self.selector.close()
        for each in self.open:
            each.close()


class Reader(Beside):
    """One who follows and reads all the while; the numbers of its lines."""

    def __init__(self, client, name):
        super().__init__(self.run)
        self.connection, self.text = follow(client, name), b""

    def run(self):
        self.connection.settimeout(0.5)
        while not self.done.is_set():
            try:
                self.text += self.connection.recv(1 << 20)
            except TimeoutError:
                pass

    def numbers(self):
        return [int(piece.split()[0]) for piece in self.text.split(b'"line ')[1:]]

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.connection.close()


class Asking(Beside):
    """One who asks the API all the while."""

    def __init__(self, client):
        super().__init__(self.run)
        self.client, self.took = client, []

    def run(self):
        while not self.done.is_set():
            began = time.monotonic()
            answer = self.client.call("GET", "/me")
            assert answer.status == 200, answer
            self.took.append(time.monotonic() - began)
            self.done.wait(0.05)


def held(service, connections):
    """How many of these connections the Service holds still: its end of one that it closed belongs to no file of a process."""
    ports = {each.getsockname()[1] for each in connections}
    count = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        own, peer = int(fields[1].split(":")[1], 16), int(fields[2].split(":")[1], 16)
        count += own == service.api_port and peer in ports and fields[9] != "0"
    return count


@pytest.fixture
def many_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FOLLOWERS + 2000
    if before[1] < wanted:
        pytest.skip(f"needs {wanted} open files; the hard limit is {before[1]}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_ten_thousand_idle_followers_and_some_who_read_nothing(many_files, fresh_service):
    service = fresh_service("[api]\n" + UNLIMITED).start()
    client = service.client("owner")
    for name, files in (("quiet", apps.web("quiet")), ("loud", flooding())):
        client.project(name)
        client.repository(name, files).push()
    crowd, stalled = Crowd(), []
    try:
        for _ in range(100):  # what the first ones cost stays: threads, caches
            crowd.add(follow(client, "quiet"))
        before = service.memory() * 1024
        for _ in range(FOLLOWERS):
            crowd.add(follow(client, "quiet"))
        at_once = service.memory() * 1024
        crowd.hear(b": still here", 60)
        crowd.hear(b": still here", 60)
        each = (max(at_once, service.memory() * 1024) - before) / FOLLOWERS

        stalled = [follow(client, "loud", small=True) for _ in range(STALLED)]
        assert held(service, stalled) == STALLED, "the control"
        with Reader(client, "loud") as reader, Asking(client) as asking:
            assert service.visit("loud", f"/flood/{LINES}", timeout=120).status == 200
            wait_for(lambda: reader.text.count(b'"line ') >= LINES, "the flood to reach who reads", seconds=120, every=0.5)
            flooded = time.monotonic()
            wait_for(lambda: held(service, stalled) == 0, "who reads nothing to be dropped", DROPPED_WITHIN, every=0.5)
            dropped = time.monotonic() - flooded
        assert reader.numbers() == list(range(1, LINES + 1)), f"{len(reader.numbers())} lines reached who reads"
        service.visit("quiet", "/log/still-there")
        reached = crowd.hear(b"/log/still-there", 60)
        p99 = statistics.quantiles(asking.took, n=100)[98]
        print(f"{FOLLOWERS} idle followers: {each:.1f} KB each; {STALLED} who read nothing were dropped {dropped:.1f} s after "
              f"{LINES} lines; one who reads got all; the API's p99 meanwhile {p99 * 1000:.1f} ms of {len(asking.took)}; one line "
              f"reached all followers within {reached:.1f} s; {crowd.ended} of them were ended")
        assert each <= KILOBYTES, each
        assert crowd.ended == 0 and len(crowd.open) == FOLLOWERS + 100
    finally:
        crowd.close()
        for one in stalled:
            one.close()
