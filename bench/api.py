"""The Client API beside /healthz, its memory and its cost as others' data grow, and the CLI beside the bare request."""
import collections
import concurrent.futures
import re
import sqlite3
import statistics
import subprocess
import time

from bench.measure import alternate, memory_at_rest, ratio, spread
from tests.support import postgres
from tests.support.service import BUILD, UNLIMITED, Service

SECONDS = 3
ROUNDS = 5


def load(service, path, token):
    """(requests/s, p99 in ms) of 32 connections; fails where an answer is no 2xx."""
    done = subprocess.run(["wrk", "-t1", "-c32", f"-d{SECONDS}s", "--latency", "-H", f"Authorization: Bearer {token}",
                           service.api + path], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in done and "Socket errors" not in done, done
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", done)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1]), float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]]


def list_projects(results, service, database, goal):
    client = service.client("bench")
    for number in range(20):
        client.project(f"project-{number}")
    listed, healthy = alternate(ROUNDS, lambda _: load(service, "/api/v1/projects", client.token),
                                lambda _: load(service, "/healthz", client.token))
    value = statistics.median(a[0] / b[0] for a, b in zip(listed, healthy))
    results.add(f"GET /projects of 20, authorized, 32 connections, {database}",
                f"{spread([f[0] for f in listed], '/s')}, p99 {statistics.median(f[1] for f in listed):.1f} ms",
                f"/healthz: {spread([f[0] for f in healthy], '/s')}, p99 {statistics.median(f[1] for f in healthy):.1f} ms",
                f"{value:.2f}×", f"≥ {goal}×" if goal else "–", not goal or value >= goal)


def sign_in_at_once(results, service):
    """200 logins at the same moment, each from an address of its own: the peak of memory beside that before."""
    before = service.memory()

    def sign_in(number):
        started = time.monotonic()
        answer = service.request("POST", "/api/v1/sessions", {"email": f"nobody{number}@example.org", "password": "wrong-wrong"},
                                 headers={"X-Forwarded-For": f"203.0.113.{number}"}, timeout=120)
        return answer.status, (time.monotonic() - started) * 1000
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(sign_in, range(200)))
    statuses = ", ".join(f"{count} × {status}" for status, count in
                         sorted(collections.Counter(status for status, _ in answers).items()))
    peak = service.memory("VmHWM")
    results.add("200 logins at once: peak of memory", f"{peak:.0f} MB, {statuses}, in {spread([took for _, took in answers], ' ms')}",
                f"before: {before:.0f} MB", f"+{peak - before:.0f} MB", "two hashes of 64 MiB at most", peak - before <= 2 * 64 + 32)


def lift_quotas(service):
    quotas = ("projects", "instances", "memory_bytes", "milli_cpus", "build_minutes", "disk_bytes")
    answer = service.admin().call("PUT", "/plans/default", dict.fromkeys(quotas, -1))
    assert answer.status < 300, answer


def fill(service, count):
    """So many Clients, each with a Project of its own, straight in the database of a stopped Service."""
    database = sqlite3.connect(service.home / "paastech.db")
    with database:
        for number in range(count):
            client, project = f"{number:08x}-0000-4000-8000-00000000c11e", f"{number:08x}-0000-4000-8000-00000000f0f0"
            database.execute("INSERT INTO clients (id, email, username, password_hash, created_at, confirmed_at) VALUES (?, ?, ?, 'x', 1, 1)",
                             (client, f"other{number}@example.org", f"other{number}"))
            database.execute("INSERT INTO projects (id, name, owner_id, created_at) VALUES (?, ?, ?, 1)", (project, f"other-{number}", client))
    database.close()


class Populated:
    """A Service with so many other Clients, each with a Project. Projects are made by one of its own, or the list that is
    asked for would grow."""

    def __init__(self, count):
        self.service = Service("[api]\naddress = \"127.0.0.1\"\n").start()
        lift_quotas(self.service)
        self.client, self.maker = self.service.client("bench"), self.service.client("maker")
        self.client.project("mine")
        self.service.kill()
        fill(self.service, count)
        self.service.start()
        call = self.client.call
        self.operations = {
            "GET /projects": lambda n: call("GET", "/projects"),
            "GET /projects/NAME": lambda n: call("GET", "/projects/mine"),
            "PATCH environment": lambda n: call("PATCH", "/projects/mine/environment", {"set": {"A": str(n)}}),
            "POST /projects": lambda n: self.maker.call("POST", "/projects", {"name": f"made-{n}"}),
            "GET /sessions": lambda n: call("GET", "/sessions"),
        }

    def time(self, name, number):
        started = time.monotonic()
        answer = self.operations[name](number)
        assert answer.status < 300, answer
        return (time.monotonic() - started) * 1000


def growth(results):
    """What others' data cost: the same requests with 10, 1,000 and 10,000 other Clients, asked in turn."""
    populated = []
    try:
        for count in (10, 1_000, 10_000):
            populated.append(Populated(count))
        times = {name: [[] for _ in populated] for name in populated[0].operations}
        for number in range(10 + 60):  # the first ten find everything cold
            for name, each in times.items():
                for one, taken in zip(populated, each):
                    taken.append(one.time(name, number))
        for name, each in times.items():
            ten, thousand, many = (statistics.median(taken[10:]) for taken in each)
            results.add(f"{name} with 10 / 1,000 / 10,000 other Clients and Projects", f"{ten:.1f} / {thousand:.1f} / {many:.1f} ms",
                        "that with 10", f"{many / ten:.2f}×", "does not grow", many / ten <= 1.3)
        resident = memory_at_rest(populated[-1].service)
        results.add("resident memory of `paastechd all` with 10,000 Clients and 10,000 Projects", f"{resident:.1f} MB", "–",
                    f"{resident:.1f} MB", "≤ 64 MB", resident <= 64)
    finally:
        for one in populated:
            one.service.close()


def api(results):
    service = Service('[api]\ntrusted_proxy = "127.0.0.1/32"\n' + UNLIMITED).start()
    try:
        list_projects(results, service, "SQLite", 0.4)
        sign_in_at_once(results, service)
    finally:
        service.close()
    server = postgres.Postgres().start()
    try:
        service = Service("[api]\n" + UNLIMITED, server.database()).start()
        try:
            list_projects(results, service, "PostgreSQL", None)
        finally:
            service.close()
    finally:
        server.close()
    growth(results)


def cli(results, rounds=25):
    """`paastech projects list` beside curl of the same request, in turn: what the client itself takes."""
    service = Service().start()
    try:
        client = service.client("bench")
        client.project("bench")
        curl = ["curl", "-s", "-H", f"Authorization: Bearer {client.token}", service.api + "/api/v1/projects?limit=100"]

        def timed(argv):
            started = time.monotonic()
            subprocess.run(argv, env=client.environment() | {"PAASTECH_TOKEN": client.token, "PAASTECH_SERVER": service.api},
                           check=True, capture_output=True)
            return (time.monotonic() - started) * 1000
        ours, bare = alternate(rounds, lambda _: timed([BUILD / "bin" / "paastech", "projects", "list"]), lambda _: timed(curl))
        beside = statistics.median(ours) - statistics.median(bare)
        results.add("`paastech projects list`", spread(ours, " ms"), "curl of the same request: " + spread(bare, " ms"),
                    f"{ratio(ours, bare):.2f}×, {beside:+.0f} ms", "< 50 ms beside the server's time", beside < 50)
    finally:
        service.close()
