"""Clients of the ingress who take their time, and when each of them is freed."""
import contextlib
import resource
import selectors
import socket
import time

from .visitors import Beside

FREED_WITHIN = 60  # seconds
MEASURED_BY = 1  # second: what a test itself takes to see it


@contextlib.contextmanager
def open_files(count):
    """So many may be open meanwhile: the sockets of both sides are files, some of them the Service's, which is a child."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[0] < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class SlowClients(Beside):
    """Connections that were opened and have sent `first`; `dripped` follows, a byte a second. Notes when each is closed or
    answered, which is when it is freed."""

    def __init__(self, service, count, first=b"", dripped=b"", answered=False):
        super().__init__(self.run)
        self.dripped, self.freed = dripped, {}  # by socket: seconds it lasted
        self.opened = {}
        for _ in range(count):
            each = socket.create_connection(("127.0.0.1", service.http_port), timeout=30)
            each.sendall(first)
            if answered:
                head = each.recv(65536)
                assert b" 404 " in head and b"Connection: close" not in head, head
            each.setblocking(False)
            self.opened[each] = time.monotonic()

    def run(self):
        sent = 0
        with selectors.DefaultSelector() as selector:
            for each in self.opened:
                selector.register(each, selectors.EVENT_READ)
            while not self.done.is_set():
                due = time.monotonic() + 1
                self.drip(sent)
                sent += 1
                while not self.done.is_set() and time.monotonic() < due:
                    for key, _ in selector.select(0.1):
                        selector.unregister(key.fileobj)
                        self.freed[key.fileobj] = time.monotonic() - self.opened[key.fileobj]

    def drip(self, sent):
        if sent >= len(self.dripped):
            return
        for each in self.opened:
            if each not in self.freed:
                try:
                    each.send(self.dripped[sent:sent + 1])
                except OSError:
                    pass

    def __exit__(self, *exception):
        super().__exit__(*exception)
        for each in self.opened:
            each.close()
