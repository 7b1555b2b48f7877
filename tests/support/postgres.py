"""PostgreSQL servers of the tests: Debian's, in a temporary folder, with a user and a password.

Run as `python3 -m tests.support.postgres up|down FOLDER`, it is the fixture of CTest: one server for all tests, reached at
FOLDER/postgres/.s.PGSQL.5432."""
import contextlib
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
# What a test server is spared: a power loss of the machine while the tests run.
SETTINGS = ["fsync=off", "full_page_writes=off", "max_connections=400", "unix_socket_permissions=0700",
            "autovacuum=off", "log_destination=stderr"]


def user():
    """PostgreSQL refuses root."""
    return "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


class Postgres:
    """A server of its own on 127.0.0.1, for tests that stop it. port: of the loopback address; None: only a socket."""

    def __init__(self, port=None):
        assert PROGRAMS, "PostgreSQL is missing: apt-get install postgresql-15"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paastech-postgres-", dir="/tmp"))
        shutil.chown(self.folder, user())
        self.port = port
        self.password = secrets.token_urlsafe(12) + " '&%"
        self.process = None
        with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False) as file:
            file.write(self.password)
        shutil.chown(file.name, user())
        self.run("initdb", "--no-sync", "--username=paastech", f"--pwfile={file.name}", "--auth=scram-sha-256",
                 "--auth-local=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D", self.folder / "data")
        os.unlink(file.name)

    @staticmethod
    def as_user(*arguments):
        switch = ["setpriv", f"--reuid={user()}", f"--regid={pwd.getpwnam(user()).pw_gid}", "--clear-groups"]
        return [*(switch if os.getuid() == 0 else []), *arguments]

    def run(self, program, *arguments):
        done = subprocess.run(self.as_user(PROGRAMS[-1] / program, *arguments), cwd="/", capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self):
        settings = SETTINGS + [f"unix_socket_directories={self.folder}",
                               f"listen_addresses={'127.0.0.1' if self.port else ''}", f"port={self.port or 5432}"]
        command = self.as_user(PROGRAMS[-1] / "postgres", "-D", self.folder / "data",
                               *[part for setting in settings for part in ("-c", setting)])
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + 60
        while subprocess.run([PROGRAMS[-1] / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port or 5432)]).returncode != 0:
            assert self.process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)
        return self

    def stop(self, how=signal.SIGINT):
        """SIGINT: ends sessions and shuts down; SIGQUIT: at once, as a crash."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def freeze(self, how=signal.SIGSTOP):
        """The server and its sessions stand still, as on a machine that hangs; SIGCONT lets them go on.

        A session whose client hung up meanwhile may end between its listing and its signal."""
        os.killpg(self.process.pid, how)
        for child in self.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, how)

    def children(self):
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [int(pid) for pid in listed.stdout.split()]

    def close(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement, database="postgres"):
        return sql(self.url(database), statement)

    def url(self, database):
        if not self.port:
            return f"postgresql://paastech@/{database}?host={urllib.parse.quote(str(self.folder), safe='')}"
        return f"postgresql://paastech:{urllib.parse.quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def database(self):
        """The URL of a fresh database."""
        name = "test_" + uuid.uuid4().hex
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)


def sql(url, statement):
    """Runs a statement; its rows as lines."""
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, url], timeout=60,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def dump(url):
    """Everything in a database, as bytes."""
    return subprocess.run([PROGRAMS[-1] / "pg_dump", url], check=True, timeout=60, capture_output=True).stdout


def fresh_database(server):
    """(URL of a fresh database on that server, what drops it)."""
    name = "test_" + uuid.uuid4().hex
    sql(server, f"CREATE DATABASE {name}")
    parts = urllib.parse.urlsplit(server)
    return (urllib.parse.urlunsplit(parts._replace(path="/" + name)),
            lambda: sql(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


def main(verb, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "postgres"
    if verb == "up":
        main("down", folder)
        server = Postgres().start()
        (server.folder / "pid").write_text(str(server.process.pid))
        link.symlink_to(server.folder)
    elif link.is_symlink():
        place = link.resolve()
        if (place / "data" / "postmaster.pid").exists():
            os.kill(int((place / "pid").read_text()), signal.SIGQUIT)
            end = time.monotonic() + 30
            while (place / "data" / "postmaster.pid").exists() and time.monotonic() < end:
                time.sleep(0.05)
        shutil.rmtree(place, ignore_errors=True)
        link.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
