"""Push, environment change and rollback beside the same steps done straight on the Engine, and changes under load."""
import contextlib
import http.client
import io
import tarfile
import threading
import time
import urllib.parse
import uuid

from bench.api import lift_quotas
from bench.measure import alternate, memory_at_rest, percentile, ratio, spread
from tests.support import apps
from tests.support.docker_api import Docker
from tests.support.service import SOCKET, Service, wait_for
from tests.support.visitors import Load

ROUNDS = 15
TWO_LINES = 'FROM debian:bookworm\nCOPY server.pl /\nCMD ["perl", "/server.pl"]\n'


def first_answer(host, port, name, expected, started):
    """Milliseconds from `started` until a request is answered with 200 and the expected text."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection(host, port, timeout=5)
            connection.request("GET", "/environment" if "=" in expected else "/", headers={"Host": name, "Connection": "close"})
            response = connection.getresponse()
            body = response.read().decode(errors="replace")
            if response.status == 200 and expected in body:
                return (time.monotonic() - started) * 1000
        except OSError:
            pass
        time.sleep(0.002)
    raise AssertionError(f"no answer with {expected} within 120 s")


class RawEngine:
    """The floor: the Engine's own API, used as directly as it goes."""

    def __init__(self):
        self.docker = Docker(SOCKET)
        self.name = "pt-bench-" + uuid.uuid4().hex[:8]
        self.label = {"paastech.bench": self.name}
        self.docker.call("POST", "/networks/create", {"Name": self.name, "Labels": self.label})
        self.previous = None

    def build(self, version):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for name, content in apps.web(version, dockerfile=TWO_LINES).items():
                info = tarfile.TarInfo(name)
                info.size = len(content.encode())
                tar.addfile(info, io.BytesIO(content.encode()))
        labels = urllib.parse.quote('{"paastech.bench": "%s"}' % self.name)
        import tests.support.docker_api as api
        connection = api._UnixConnection(SOCKET, 120)
        connection.request("POST", f"/v1.41/build?t={self.name}:{version}&rm=1&networkmode={self.name}&labels={labels}",
                           data.getvalue(), {"Content-Type": "application/x-tar"})
        answer = connection.getresponse().read()
        assert b"Successfully built" in answer, answer[-500:]
        connection.close()

    def start(self, version, environment, expected, started):
        created = self.docker.call("POST", f"/containers/create?name={self.name}-{uuid.uuid4().hex[:6]}", {
            "Image": f"{self.name}:{version}", "Env": ["PORT=80", *environment], "Labels": self.label,
            "HostConfig": {"NetworkMode": self.name, "Memory": 512 << 20, "MemorySwap": 512 << 20, "PidsLimit": 512,
                           "NanoCpus": 1_000_000_000, "Init": True, "LogConfig": {"Type": "local"}}})[1]
        self.docker.call("POST", f"/containers/{created['Id']}/start")
        address = self.docker.inspect(created["Id"])["NetworkSettings"]["Networks"][self.name]["IPAddress"]
        took = first_answer(address, 80, "x", expected, started)
        if self.previous:
            self.docker.call("DELETE", f"/containers/{self.previous}?force=1&v=1")
        self.previous = created["Id"]
        return took

    def close(self):
        self.docker.clean(f"paastech.bench={self.name}")


@contextlib.contextmanager
def side_by_side():
    """A Service with the live Project `bench`, its Client and repository, and the same Application straight on the Engine."""
    with contextlib.closing(RawEngine()) as raw, contextlib.closing(Service()) as service:
        client = service.start().client("bench")
        client.project("bench")
        repository = client.repository("bench", apps.web("warm", dockerfile=TWO_LINES))
        repository.push()
        raw.build("warm")
        raw.start("warm", [], "warm", time.monotonic())
        yield service, client, repository, raw


def first_visit(service, name, expected, started):
    return first_answer("127.0.0.1", service.http_port, f"{name}.user-app.localhost", expected, started)


def ask(client, method, path, body=None):
    """Asks for a change, and returns the Deployment that begins."""
    answer = client.call(method, "/projects/" + path, body)
    assert answer.status == 202, answer
    return answer.json()["deployment"]


def wait_live(client, name):
    def newest():
        return client.call("GET", f"/projects/{name}/deployments?limit=1").json()["items"][0]
    wait_for(lambda: newest()["state"] == "live", "the newest Deployment to be live", seconds=120, every=0.02)


def push_and_configure(results, rounds=ROUNDS):
    with side_by_side() as (service, client, repository, raw):
        def push(number):
            version = f"v{number}x"
            repository.commit(apps.web(version, dockerfile=TWO_LINES))
            started, took = time.monotonic(), []
            watcher = threading.Thread(target=lambda: took.append(first_visit(service, "bench", version, started)))
            watcher.start()
            repository.push()
            watcher.join()
            return took[0]

        def straight(number):
            started = time.monotonic()
            raw.build(f"v{number}x")
            return raw.start(f"v{number}x", [], f"v{number}x", started)

        mine, other = alternate(rounds, push, straight)
        for name, value in (("median", ratio(mine, other)), ("p90", percentile(mine, 0.9) / percentile(other, 0.9))):
            results.add(f"git push → first 200, {name} of {rounds}", spread(mine, " ms"), "engine API: " + spread(other, " ms"),
                        f"{value:.2f}×", "≤ 1.3×" if name == "median" else "–", name != "median" or value <= 1.3)

        def configure(number):
            started = time.monotonic()
            ask(client, "PATCH", "bench/environment", {"set": {"MARK": f"m{number}x"}})
            return first_visit(service, "bench", f"MARK=m{number}x", started)
        beside_create(results, "environment change", rounds, configure, raw)


def beside_create(results, what, rounds, change, raw):
    def create(number):
        mark = f"MARK=m{number}x"
        return raw.start("warm", [mark], mark, time.monotonic())
    mine, other = alternate(rounds, change, create)
    value = ratio(mine, other)
    results.add(f"{what} → first 200", spread(mine, " ms"), "create, start, first 200: " + spread(other, " ms"),
                f"{value:.2f}×", "≤ 1.3×", value <= 1.3)


def rollback(results, rounds=ROUNDS):
    """From each of two Deployments back to the other, which was live before."""
    with side_by_side() as (service, client, _, raw):
        for mark in ("even", "odd"):
            ask(client, "PATCH", "bench/environment", {"set": {"MARK": mark}})
            wait_live(client, "bench")

        def back(number):
            wait_live(client, "bench")
            started = time.monotonic()
            ask(client, "POST", "bench/rollback", {})
            return first_visit(service, "bench", "MARK=odd" if number % 2 else "MARK=even", started)
        beside_create(results, "rollback", rounds, back, raw)


def changes_under_load(results, changes=20, connections=8):
    service = Service().start()
    try:
        client = service.client("bench")
        client.project("steady")
        repository = client.repository("steady", apps.web("r0"))
        repository.push()

        def redeploy(number):
            repository.commit(apps.web(f"r{number}"))
            repository.push()

        def change(method, path, body=None):
            ask(client, method, "steady/" + path, body)
            wait_live(client, "steady")

        def scale(_):
            for count in (3, 1):
                change("PATCH", "processes", {"processes": {"web": {"count": count}}})
        for what, once in (("redeploys", redeploy), ("restarts", lambda _: change("POST", "restart")),
                           ("rollbacks", lambda _: change("POST", "rollback", {})), ("scales up and down", scale)):
            with Load(service, "steady", connections, pause=0.002) as load:
                for number in range(1, changes + 1):
                    once(number)
                load.expect_more()
            failed = len(load.failures)
            results.add(f"requests failed during {changes} {what}, {connections} keep-alive connections",
                        f"{failed} of {load.requests:,} {sorted(set(map(str, load.failures)))[:3] if failed else ''}", "–",
                        str(failed), "0", not failed)
    finally:
        service.close()


def resident_memory(results, count=50):
    service = Service().start()
    try:
        def resident():
            return [memory_at_rest(service), *(service.memory(what) for what in ("RssAnon", "RssFile"))]

        idle = resident()
        lift_quotas(service)
        client = service.client("bench")
        repository = None
        for number in range(count):
            client.project(f"many-{number}")
            if repository is None:
                repository = client.repository(f"many-{number}", apps.web("m"))
            repository.git("remote", "set-url", "paastech", f"ssh://git@127.0.0.1:{service.ssh_port}/many-{number}")
            repository.push()
        wait_for(lambda: len(service.docker.containers(service.label)) == count, f"{count} containers")
        for name, (whole, anonymous, files) in (("idle", idle), (f"with {count} Applications", resident())):
            results.add(f"resident memory of `paastechd all`, {name}",
                        f"{whole:.1f} MB (anonymous {anonymous:.1f}, shared libraries and program {files:.1f})", "–",
                        f"{whole:.1f} MB", "≤ 40 MB", whole <= 40)
    finally:
        service.close()
