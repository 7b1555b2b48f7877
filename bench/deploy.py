"""Push, environment change and redeploys under load, beside the same steps done straight on the Engine."""
import http.client
import io
import tarfile
import threading
import time
import urllib.parse
import uuid

from bench.measure import alternate, percentile, ratio, spread
from tests.support import apps
from tests.support.docker_api import Docker
from tests.support.service import SOCKET, Service, wait_for

ROUNDS = 15
TWO_LINES = 'FROM debian:bookworm\nCOPY server.pl /\nCMD ["perl", "/server.pl"]\n'


def first_answer(host, port, name, expected, started):
    """Milliseconds from `started` until a request is answered with 200 and the expected text."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection(host, port, timeout=5)
            connection.request("GET", "/environment" if expected.startswith("MARK=") else "/", headers={"Host": name, "Connection": "close"})
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


def push_and_configure(results, rounds=ROUNDS):
    service, raw = Service().start(), RawEngine()
    try:
        client = service.client("bench")
        client.project("bench")
        repository = client.repository("bench", apps.web("warm", dockerfile=TWO_LINES))
        repository.push()
        raw.build("warm")
        raw.start("warm", [], "warm", time.monotonic())
        host = "bench.user-app.localhost"

        def push(number):
            version = f"v{number}x"
            repository.commit(apps.web(version, dockerfile=TWO_LINES))
            started, took = time.monotonic(), []
            watcher = threading.Thread(
                target=lambda: took.append(first_answer("127.0.0.1", service.http_port, host, version, started)))
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
            mark = f"MARK=m{number}x"
            started = time.monotonic()
            answer = client.call("PATCH", "/projects/bench/environment", {"set": {"MARK": f"m{number}x"}})
            assert answer.status == 202, answer
            return first_answer("127.0.0.1", service.http_port, host, mark, started)

        def recreate(number):
            mark = f"MARK=m{number}x"
            return raw.start("warm", [mark], mark, time.monotonic())

        mine, other = alternate(rounds, configure, recreate)
        value = ratio(mine, other)
        results.add("environment change → first 200", spread(mine, " ms"), "create, start, first 200: " + spread(other, " ms"),
                    f"{value:.2f}×", "≤ 1.3×", value <= 1.3)
    finally:
        raw.close()
        service.close()


def redeploys_under_load(results, redeploys=20, connections=8):
    service = Service().start()
    try:
        client = service.client("bench")
        client.project("steady")
        repository = client.repository("steady", apps.web("r0"))
        repository.push()
        stop, failed, done = threading.Event(), [], [0] * connections

        def visitor(slot):
            connection = http.client.HTTPConnection("127.0.0.1", service.http_port, timeout=30)
            while not stop.is_set():
                try:
                    connection.request("GET", "/", headers={"Host": "steady.user-app.localhost"})
                    response = connection.getresponse()
                    response.read()
                    if response.status != 200:
                        failed.append(response.status)
                except OSError as e:
                    failed.append(repr(e))
                    connection.close()
                except http.client.HTTPException as e:
                    failed.append(repr(e))
                    connection.close()
                done[slot] += 1
                time.sleep(0.002)
            connection.close()

        visitors = [threading.Thread(target=visitor, args=(slot,)) for slot in range(connections)]
        for each in visitors:
            each.start()
        for number in range(1, redeploys + 1):
            repository.commit(apps.web(f"r{number}"))
            repository.push()
        stop.set()
        for each in visitors:
            each.join()
        results.add(f"requests failed during {redeploys} redeploys, {connections} keep-alive connections",
                    f"{len(failed)} of {sum(done)} {sorted(set(map(str, failed)))[:3] if failed else ''}", "–", str(len(failed)), "0",
                    not failed)
    finally:
        service.close()


def resident_memory(results, count=50):
    service = Service().start()
    try:
        def resident():
            status = open(f"/proc/{service.process.pid}/status").read()
            return {line.split()[0][:-1]: int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(("VmRSS", "RssAnon", "RssFile"))}

        idle = resident()
        client = service.client("bench")
        repository = None
        for number in range(count):
            client.project(f"many-{number}")
            if repository is None:
                repository = client.repository(f"many-{number}", apps.web("m"))
            repository.git("remote", "set-url", "paastech", f"ssh://git@127.0.0.1:{service.ssh_port}/many-{number}")
            repository.push()
        wait_for(lambda: len(service.docker.containers(service.label)) == count, f"{count} containers")
        full = resident()
        for name, value in (("idle", idle), (f"with {count} Applications", full)):
            results.add(f"resident memory of `paastechd all`, {name}", f"{value['VmRSS']:.1f} MB (anonymous {value['RssAnon']:.1f}, "
                        f"shared libraries and program {value['RssFile']:.1f})", "–", f"{value['VmRSS']:.1f} MB", "≤ 40 MB", value["VmRSS"] <= 40)
    finally:
        service.close()
