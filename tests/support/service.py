"""A PaaSTech of a test's own: free ports, a temporary home, and everything it made removed afterwards."""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from . import firewall, postgres
from .docker_api import Docker

BUILD = pathlib.Path(os.environ.get("PAASTECH_BUILD", pathlib.Path(__file__).parents[2] / "build"))
SOCKET = os.environ.get("PAASTECH_TEST_DOCKER_SOCKET", str(BUILD / "test" / "docker.sock"))
ADMIN = "admin@paastech.local"
# For the section [api], of tests and measurements that ask more than any honest Client.
UNLIMITED = "reads_per_minute = 0\nchanges_per_minute = 0\nanonymous_per_minute = 0\n"


_claims = []  # abstract sockets, which the kernel gives back when this program ends


def free_ports(count):
    """Ports that stay a test's own until its program ends, also while nothing listens on them: below the range the kernel
    takes the ports of outgoing connections from (ip(7), ip_local_port_range), and claimed among all programs of the tests."""
    end = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = []
    for port in random.sample(range(end // 2, end), end // 2):
        if len(ports) == count:
            return ports
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0paastech-test-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        ports.append(port)
    raise AssertionError(f"no {count} free ports below {end}")


def wait_for(condition, what, seconds=30, every=0.05, fails=True):
    """Waits until condition() is true and returns its value; fails with what it last saw, or without `fails` returns that."""
    end = time.monotonic() + seconds
    seen = None
    while time.monotonic() < end:
        seen = condition()
        if seen:
            return seen
        time.sleep(every)
    if not fails:
        return seen
    raise AssertionError(f"waited {seconds} s for {what}; last seen: {seen!r}")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def __repr__(self):
        return f"<{self.status} {self.text[:300]!r}>"


class Service:
    """database: the URL of an empty one; default: SQLite in the home, or, where PAASTECH_TEST_DATABASE is `postgresql`, a
    database of its own on the server PAASTECH_TEST_DATABASE_URL."""

    def __init__(self, toml="", database=None):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
        self.http_port, self.api_port, self.ssh_port = free_ports(3)
        self.api = f"http://127.0.0.1:{self.api_port}"
        self.docker = Docker(SOCKET)
        self.toml = toml
        self.process = None
        self.instance = None
        self.extra = []
        self.variables = {}  # of the daemon alone
        self.faults = {}  # variables of the program with failpoints (src/paastechd/failpoint_main.cc); none: the usual one
        self.database = database
        if not database and os.environ.get("PAASTECH_TEST_DATABASE") == "postgresql":
            self.database, drop = postgres.fresh_database(os.environ["PAASTECH_TEST_DATABASE_URL"])
            self.extra.append(drop)

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PAASTECH_", "GIT_", "SSH_"))}
        return kept | {
            "PAASTECH_HOME": str(self.home), "PAASTECH_HTTP_PORT": str(self.http_port),
            "PAASTECH_API_PORT": str(self.api_port), "PAASTECH_SSH_PORT": str(self.ssh_port),
            "PAASTECH_DOCKER_SOCKET": getattr(self, "socket", SOCKET),
        } | ({"PAASTECH_DATABASE_URL": self.database} if self.database else {})

    def stored(self):
        """Everything in the database, as bytes."""
        if self.database:
            return postgres.dump(self.database)
        return b"".join(path.read_bytes() for path in self.home.glob("paastech.db*"))

    def sql(self, statement):
        """Runs one in the database; its rows as tuples of text, none of which holds a `|` or the end of a line."""
        if self.database:
            return [tuple(line.split("|")) for line in postgres.sql(self.database, statement).splitlines()]
        with contextlib.closing(sqlite3.connect(self.home / "paastech.db", timeout=30)) as database, database:
            return [tuple(map(str, row)) for row in database.execute(statement)]

    def daemon(self, *arguments):
        return subprocess.run([BUILD / "bin" / "paastechd", *arguments], env=self.environment(), capture_output=True,
                              text=True, timeout=60)

    def start(self, *roles):
        if self.toml:
            (self.home / "paastech.toml").write_text(self.toml)
        program = "paastechd_faults" if self.faults else "paastechd"
        with open(self.home / "daemon.log", "ab") as log:
            self.process = subprocess.Popen([BUILD / "bin" / program, *(roles or ("all",))],
                                            env=self.environment() | self.variables | self.faults, stdout=log, stderr=log,
                                            start_new_session=True)
        self.instance = next(line.split(" = ")[1] for line in self.daemon("config", "check").stdout.splitlines()
                             if line.startswith("engine.instance"))
        wait_for(self.healthy, "the API to answer (log: " + self.log()[-1500:] + ")")
        return self

    def healthy(self):
        if self.process.poll() is not None:
            raise AssertionError("paastechd ended with " + str(self.process.returncode) + ":\n" + self.log()[-3000:])
        try:
            return self.request("GET", "/healthz", timeout=2).status == 200
        except OSError:
            return False

    def log(self):
        path = self.home / "daemon.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def memory(self, what="VmRSS"):
        """Megabytes of the running process, by the name of a line of /proc/PID/status."""
        return int(re.search(what + r":\s+(\d+) kB", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def kill(self, how=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(40)

    def restart(self, how=signal.SIGKILL):
        self.kill(how)
        return self.start()

    def restart_with(self, faults):
        self.kill()
        self.faults = faults
        return self.start()

    @property
    def label(self):
        return f"paastech.instance={self.instance}"

    def close(self):
        ran = self.process and self.process.poll() is None
        try:
            self.kill(signal.SIGTERM)
            assert not ran or self.process.returncode == 0, f"paastechd ended with {self.process.returncode}:\n" + self.log()[-3000:]
        except subprocess.TimeoutExpired:
            self.kill(signal.SIGKILL)
            raise AssertionError("paastechd did not stop within 40 s of SIGTERM:\n" + self.log()[-3000:])
        finally:
            if self.instance:
                self.docker.clean(self.label)
                firewall.remove(self.instance)
            for undo in self.extra:
                undo()
            shutil.rmtree(self.home, ignore_errors=True)

    def request(self, method, path, body=None, token=None, headers=None, timeout=30, data=None):
        request = urllib.request.Request(self.api + path, method=method)
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, data, timeout) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as e:
            return Answer(e.code, e.headers, e.read())

    def visit(self, host, path="/", method="GET", headers=None, timeout=30, data=None):
        """A visitor's request, through the ingress. host: a Project's name, or a whole host name."""
        name = host if "." in host else f"{host}.user-app.localhost"
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", method=method, data=data)
        request.add_header("Host", name)
        for key, value in (headers or {}).items():
            request.add_header(key, value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as e:
            return Answer(e.code, e.headers, e.read())

    def admin(self):
        if not hasattr(self, "_admin"):
            password = (self.home / "admin-password").read_text().strip()
            self._admin = Client(self, ADMIN, password)
        return self._admin

    def client(self, username):
        """A fresh Client with an SSH key of its own."""
        created = self.admin().call("POST", "/clients", {"email": f"{username}@example.org", "username": username})
        assert created.status == 201, created
        return Client(self, f"{username}@example.org", created.json()["password"])


class Client:
    def __init__(self, service, email, password):
        self.service, self.email, self.password = service, email, password
        self.username = email.split("@")[0]
        self.folder = service.home / "clients" / email
        self.folder.mkdir(parents=True)
        self.token = self.log_in()["token"]
        self.key = self.folder / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", email, "-f", self.key], check=True)
        added = self.call("POST", "/keys", {"public_key": self.key.with_suffix(".pub").read_text().strip()})
        assert added.status == 201, added

    def log_in(self):
        """A further login."""
        session = self.service.request("POST", "/api/v1/sessions", {"email": self.email, "password": self.password})
        assert session.status == 201, session
        return session.json()

    def call(self, method, path, body=None, **options):
        return self.service.request(method, "/api/v1" + path, body, token=self.token, **options)

    def environment(self):
        ssh = (f"ssh -F /dev/null -i {self.key} -o IdentitiesOnly=yes -o UserKnownHostsFile={self.folder}/known_hosts "
               "-o StrictHostKeyChecking=accept-new -o LogLevel=ERROR")
        return self.service.environment() | {
            "GIT_SSH_COMMAND": ssh, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0", "PAASTECH_CONFIG_HOME": str(self.folder / "config"),
            "GIT_AUTHOR_NAME": "Test", "GIT_AUTHOR_EMAIL": self.email,
            "GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": self.email,
        }

    def cli(self, *arguments, stdin="", cwd=None, timeout=120):
        environment = self.environment() | {"PAASTECH_TOKEN": self.token, "PAASTECH_SERVER": self.service.api}
        return subprocess.run([BUILD / "bin" / "paastech", *arguments], env=environment, input=stdin, cwd=cwd or self.folder,
                              capture_output=True, text=True, timeout=timeout)

    def ssh_command(self, *command, options=()):
        return ["ssh", "-F", "/dev/null", "-i", self.key, "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR",
                "-o", f"UserKnownHostsFile={self.folder}/known_hosts", "-o", "StrictHostKeyChecking=accept-new",
                "-p", str(self.service.ssh_port), *options, "git@127.0.0.1", *command]

    def ssh(self, *command, options=(), stdin="", timeout=30):
        return subprocess.run(self.ssh_command(*command, options=options), input=stdin, capture_output=True, text=True,
                              timeout=timeout)

    def project(self, name):
        created = self.call("POST", "/projects", {"name": name})
        assert created.status == 201, f"{created}\n{self.service.log()[-2000:]}"
        return created.json()

    def newest(self, name):
        """The last Deployment of that Project."""
        return self.call("GET", f"/projects/{name}/deployments?limit=1").json()["items"][0]

    def log_lines(self, name, query):
        """Of a Project, by the parameters of its logs."""
        answer = self.call("GET", f"/projects/{name}/logs?{query}")
        assert answer.status == 200, answer
        return answer.json()["items"]

    def repository(self, name, files=None):
        return Repository(self, name, files)


class Repository:
    """A working copy whose remote `paastech` is the Project's."""

    def __init__(self, client, project, files=None):
        self.client, self.project = client, project
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=project + "-", dir=client.folder))
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "paastech", f"ssh://git@127.0.0.1:{client.service.ssh_port}/{project}")
        if files is not None:
            self.commit(files)

    def git(self, *arguments, check=True, timeout=180):
        done = subprocess.run(["git", *arguments], cwd=self.path, env=self.client.environment(), capture_output=True,
                              text=True, timeout=timeout)
        assert not check or done.returncode == 0, f"git {arguments}: {done.stdout}{done.stderr}"
        return done

    def write(self, files):
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)

    def commit(self, files, message="change"):
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, refspec="main", *options, check=True, timeout=180):
        return self.git("push", *options, "paastech", refspec, check=check, timeout=timeout)
