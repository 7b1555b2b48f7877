"""PostgreSQL servers that the Service does not take: one older than 15, and a database that keeps its text otherwise."""
import re
import socket
import threading
import urllib.parse

import pytest

from tests.support import postgres
from tests.support.service import free_ports


@pytest.fixture(scope="module")
def server():
    running = postgres.Postgres(free_ports(1)[0]).start()
    yield running
    running.close()


class Older:
    """Stands before a real server and says of it that it is of version 14, as an older one would."""

    def __init__(self, port):
        self.real = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.said = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.real))
            for source, target, change in ((client, server, bytes), (server, client, self.older)):
                threading.Thread(target=self.pass_on, args=(source, target, change), daemon=True).start()

    def older(self, data):
        changed, count = re.subn(rb"(server_version\0)\d\d(\.\d)", rb"\g<1>14\2", data)  # ParameterStatus, of the same length
        self.said += count
        return changed

    @staticmethod
    def pass_on(source, target, change):
        try:
            while data := source.recv(65536):
                target.sendall(change(data))
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.mark.skipif(postgres.PROGRAMS[-1].parent.name != "15", reason="the version's length must stay")
def test_a_server_older_than_15_is_refused(server, fresh_service):
    service = fresh_service()
    before = Older(server.port)
    try:
        url = server.database()
        service.database = url.replace(f":{server.port}/", f":{before.port}/")
        done = service.daemon("api")
        assert done.returncode != 0 and "older than PostgreSQL 15" in done.stderr, done
        assert before.said, "the control: it was asked, and said so"
        assert urllib.parse.urlsplit(url).password not in done.stderr
        assert postgres.sql(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0", "and left alone"
    finally:
        before.close()
    service.database = url  # the same one, as it is
    service.start()
    assert service.admin().call("GET", "/me").status == 200


def test_a_database_that_is_not_utf_8_is_refused(server, fresh_service):
    server.sql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    service = fresh_service()
    service.database = server.url("latin")
    done = service.daemon("api")
    assert done.returncode != 0 and "UTF-8" in done.stderr and "ENCODING 'UTF8'" in done.stderr, done
