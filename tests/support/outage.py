"""A database that is away for a while: as contexts, each of a running Service or of its PostgreSQL server."""
import contextlib
import signal
import sqlite3


@contextlib.contextmanager
def locked(service):
    """Somebody else holds SQLite's lock."""
    with contextlib.closing(sqlite3.connect(service.home / "paastech.db", isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextlib.contextmanager
def stopped(server):
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextlib.contextmanager
def frozen(server):
    server.freeze()
    try:
        yield
    finally:
        server.freeze(signal.SIGCONT)
