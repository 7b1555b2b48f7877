"""The ingress in a running Service, before real containers: what it answers for Instances that are deaf or slow, what its limits
in the configuration do, and that answers and upgraded connections go through piece by piece."""
import socket
import time

import pytest

from tests.support import apps
from tests.support.service import Service, wait_for

TOML = "[ingress]\nresponse_timeout_s = 2\nstall_timeout_s = 2\nmax_request_bytes = 100000\n"
# What SERVER does besides: gives its answer in two pieces, stops within one, changes the protocol and repeats what it hears,
# closes all its sockets and runs on.
MORE = r"""
        if ($path eq '/pieces') {
            print $client "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"; $client->flush;
            select undef, undef, undef, 0.02 until -e '/go';
            print $client "6\r\nsecond\r\n0\r\n\r\n"; last;
        }
        if ($path eq '/stalls') { print $client "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"; $client->flush; sleep 60; last }
        if ($path eq '/upgrade') {
            my ($key) = $all =~ /^sec-websocket-key: (\S+)/im;
            print $client "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: $key\r\n\r\n"; $client->flush;
            while (my $heard = <$client>) { print $client VERSION . " heard $heard"; $client->flush }
            last;
        }
        if ($path eq '/go') { open my $file, '>', '/go' }
        if ($path eq '/deaf') { kill 'USR1', getppid }
"""
DEAF = "$SIG{USR1} = sub { close $listener; $SIG{TERM} = 'IGNORE'; kill 'TERM', 0; sleep 600 };\n"


def app(version):
    files = apps.web(version)
    changed = files["server.pl"].replace("        my $body = VERSION", MORE + "        my $body = VERSION", 1)
    changed = changed.replace("print \"listening", DEAF + "print \"listening", 1)
    assert changed.count("/upgrade") == changed.count("USR1} = sub") == 1
    return files | {"server.pl": changed}


@pytest.fixture(scope="module")
def service():
    running = Service(TOML).start()
    yield running
    running.close()


@pytest.fixture
def live(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, app("one"))
    repository.push()
    return name, repository


def asked(service, name, target, more=""):
    """A connection on which this was asked for."""
    connection = socket.create_connection(("127.0.0.1", service.http_port), timeout=20)
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {name}.user-app.localhost\r\n{more}\r\n".encode())
    return connection


def until(connection, words):
    got = b""
    while words not in got:
        piece = connection.recv(4096)
        assert piece, got
        got += piece
    return got


def test_an_instance_that_takes_no_connection_is_502_and_one_that_does_not_answer_504(service, live):
    name, repository = live
    began = time.monotonic()
    slow = service.visit(name, "/sleep/30")
    assert slow.status == 504 and 1.5 < time.monotonic() - began < 10, (slow, time.monotonic() - began)
    assert service.visit(name).text == "one GET /", "the control: it answers where it is not asked to sleep"
    service.visit(name, "/deaf")
    wait_for(lambda: service.visit(name).status == 502, "502 for an Instance that nobody can connect to")
    repository.commit(app("two"))
    repository.push()
    assert service.visit(name).text == "two GET /"


def test_a_body_over_the_limit_of_the_configuration_is_413_and_reaches_no_application(service, live):
    name, _ = live
    assert service.visit(name, "/log/small", method="POST", data=b"x" * 100_000).text == "one POST /log/small"
    refused = service.visit(name, "/log/large", method="POST", data=b"x" * 100_001)
    assert refused.status == 413, refused


def test_an_answer_comes_piece_by_piece(service, live):
    name, _ = live
    with asked(service, name, "/pieces") as connection:
        first = until(connection, b"first")
        assert b"second" not in first
        assert service.visit(name, "/go").status == 200
        until(connection, b"second")


def test_an_answer_that_stops_in_its_middle_is_cut_off(service, live):
    name, _ = live
    with asked(service, name, "/stalls") as connection:
        until(connection, b"half")
        began = time.monotonic()
        assert connection.recv(100) == b"", "what is missing must not look whole"
        assert 1 < time.monotonic() - began < 10


def test_an_upgraded_connection_carries_both_ways_and_outlives_the_next_deployment(service, live):
    name, repository = live
    with asked(service, name, "/upgrade", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") as connection:
        head = until(connection, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ") and b"x-key: dgh" in head.lower(), head
        for word in (b"hello", b"again"):
            connection.sendall(word + b"\n")
            assert until(connection, b"\n") == b"one heard " + word + b"\n"
        repository.commit(app("two"))
        repository.push()
        assert service.visit(name).text == "two GET /"
        connection.sendall(b"still there\n")
        assert until(connection, b"\n") == b"one heard still there\n", "it is drained before it ends"
