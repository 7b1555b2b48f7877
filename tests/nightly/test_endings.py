"""How Instances end: requests under way have the drain time, then comes the stop signal, then the grace until SIGKILL."""
import datetime
import socket
import time

import pytest

from tests.support import apps
from tests.support.cli import ok
from tests.support.service import wait_for

DRAIN = 4
STARTING = 9  # seconds that a change may take beside, on a busy machine; the usual drain time is 30 s


def telling(version, manifest, on_signal="close $listener; $stop = 1"):
    """Says when a request begins to sleep, and which signal it is told to stop by."""
    files = apps.web(version, manifest)
    handlers = "".join(f"$SIG{{{name}}} = sub {{ print \"told {name}\\n\"; {on_signal} }};\n" for name in ("TERM", "USR1", "QUIT"))
    files["server.pl"] = (files["server.pl"].replace("$SIG{TERM} = sub { $stop = 1; close $listener };", handlers)
                          .replace("sleep $1 if $path =~ m{^/sleep/(\\d+)};",
                                   "if ($path =~ m{^/sleep/(\\d+)}) { print STDOUT \"asleep\\n\"; sleep $1 }"))
    assert handlers in files["server.pl"] and "asleep" in files["server.pl"]
    return files


def lines(client, name, pattern):
    return client.log_lines(name, f"process=web&grep={pattern}")


def time_of(line):
    return datetime.datetime.fromisoformat(line["at"].replace("Z", "+00:00")).timestamp()


class Sleepers:
    """Requests that last for minutes, on connections that stay open."""

    def __init__(self, service, client, name, count=4):
        request = f"GET /sleep/200 HTTP/1.1\r\nHost: {name}.user-app.localhost\r\n\r\n".encode()
        self.connections = []
        for _ in range(count):
            self.connections.append(socket.create_connection(("127.0.0.1", service.http_port), timeout=30))
            self.connections[-1].sendall(request)
        wait_for(lambda: len(lines(client, name, "asleep")) >= count, "the requests to be under way")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.connections:
            each.close()


def first_told(client, name):
    """When an Instance was told to stop, and by what."""
    line = wait_for(lambda: lines(client, name, "%5Etold"), "an Instance to be told to stop", seconds=60)[0]
    return time_of(line), line["text"].split()[1]


def manifest_of(drain=None, strategy="blue-green", more=""):
    keys = ", ".join(filter(None, [f"drain: {drain}" if drain is not None else "", more]))
    return f"strategy: {strategy}\nprocesses: {{web: {{{keys}}}}}\n"


def push_next(client, name, repository, manifest):
    repository.commit(telling("two", manifest))
    repository.push()


CHANGES = {
    "a push": ("blue-green", 1, push_next),
    "a push, one by one": ("rolling", 1, push_next),
    "a push after the end": ("recreate", 1, push_next),
    "a restart": ("blue-green", 1, lambda client, name, *_: ok(client.cli("restart", "-p", name))),
    "a smaller scale": ("blue-green", 2, lambda client, name, *_: ok(client.cli("ps", "scale", "web=1", "-p", name))),
    "a stop": ("blue-green", 1, lambda client, name, *_: ok(client.cli("stop", "-p", name))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_requests_under_way_have_the_drain_time_of_their_application(service, client, unique, change):
    name = client.project(unique())["name"]
    strategy, count, make = CHANGES[change]
    manifest = manifest_of(DRAIN, strategy)
    repository = client.repository(name, telling("one", manifest))
    repository.push()
    if count > 1:
        ok(client.cli("ps", "scale", f"web={count}", "-p", name))
    with Sleepers(service, client, name):
        asked = time.time()
        make(client, name, repository, manifest)
        told, signal = first_told(client, name)
    print(f"{change}: told to stop by {signal} {told - asked:.1f} s after it was asked for, with drain: {DRAIN}")
    assert DRAIN <= told - asked <= DRAIN + STARTING, told - asked


def test_without_a_drain_time_nobody_is_waited_for(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, telling("one", manifest_of(0)))
    repository.push()
    with Sleepers(service, client, name):
        push_next(client, name, repository, manifest_of(0))
        live = time.time()
        told, _ = first_told(client, name)
    print(f"told to stop {told - live:+.1f} s after the push had ended, with drain: 0")
    assert told - live <= STARTING, told - live


def test_who_ends_within_the_drain_time_is_answered_by_the_old_version(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, telling("one", None))
    repository.push()
    request = f"GET /sleep/6 HTTP/1.1\r\nHost: {name}.user-app.localhost\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", service.http_port), timeout=60) as visitor:
        visitor.sendall(request)
        wait_for(lambda: lines(client, name, "asleep"), "the request to be under way")
        push_next(client, name, repository, None)
        answer = visitor.recv(65536)
        answered = time.time()
    told, signal = first_told(client, name)
    print(f"told to stop {told - answered:+.2f} s after its last request was answered")
    assert b" 200 OK" in answer and b"one GET /sleep/6" in answer, answer
    assert signal == "TERM" and -1 <= told - answered <= 5, (signal, told - answered)


@pytest.mark.parametrize("signal", ["USR1", "QUIT"])
def test_the_stop_signal_is_the_application_s_own(client, unique, signal):
    name = client.project(unique())["name"]
    client.repository(name, telling("one", manifest_of(0, more=f"stop_signal: {signal}"))).push()
    ok(client.cli("stop", "-p", name))
    told = wait_for(lambda: [line["text"] for line in lines(client, name, "%5Etold")], "its last words")
    assert told == [f"told {signal}"], told


@pytest.mark.parametrize("grace", [2, 13])
def test_who_does_not_heed_it_is_killed_once_the_grace_is_over(client, unique, grace):
    name = client.project(unique())["name"]
    client.repository(name, telling("one", manifest_of(0, more=f"stop_grace: {grace}"), on_signal="")).push()
    ok(client.cli("stop", "-p", name))
    stopped = time.time()
    told, _ = first_told(client, name)
    print(f"stopped {stopped - told:.1f} s after it was told to, with stop_grace: {grace}")
    assert grace <= stopped - told <= grace + 6, stopped - told
    assert client.call("GET", f"/projects/{name}/instances").json()["items"] == []
