"""The clock of a running Service is set an hour on, then to an hour before the right time: visitors notice nothing, nothing
waits for the clock, lines and Deployments keep their order, and logins go on."""
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from tests.support import apps
from tests.support.cli import connected
from tests.support.service import BUILD, wait_for
from tests.support.visitors import Load

HOUR = 3600


class Clock:
    """The time of day of the Service's processes, so many seconds from the right one (support/moved_clock.cc)."""

    def __init__(self, service):
        self.file, library = service.home / "clock", service.home / "moved_clock.so"
        self.set(0)
        source = pathlib.Path(__file__).parents[1] / "support" / "moved_clock.cc"
        subprocess.run(["c++", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
        service.variables = {"LD_PRELOAD": str(library), "PAASTECH_TEST_CLOCK": str(self.file)}

    def set(self, seconds):
        with open(self.file, "r+b" if self.file.exists() else "wb") as out:
            out.write(seconds.to_bytes(8, sys.byteorder, signed=True))


class Follower:
    """`paastech logs -f` of what an Application counts, by Deployment."""

    def __init__(self, client, name):
        self.process = subprocess.Popen(
            [BUILD / "bin" / "paastech", "logs", "-f", "-n", "10000", "--grep", "^count ", "--json", "-p", name],
            env=connected(client), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.thread = threading.Thread(target=lambda: self.lines.extend(map(json.loads, self.process.stdout)))
        self.thread.start()

    def expect_more(self, count=20):
        before = len(self.lines)
        wait_for(lambda: len(self.lines) >= before + count, f"{count} more lines")

    def counted(self):
        found = {}
        for line in self.lines:
            found.setdefault(line["deployment"], []).append(int(line["text"].split()[1]))
        return found

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.thread.join()


def counting(version):
    """Prints `count 1`, `count 2`, … beside serving."""
    files = apps.web(version)
    files["server.pl"] = files["server.pl"].replace(
        "while (!$stop) {",
        "if (!fork) { for (1 .. 1e6) { print \"count $_\\n\"; select(undef, undef, undef, 0.02) } }\nwhile (!$stop) {", 1)
    return files


def ahead(stamp):
    """By how many seconds a time of the Service is ahead of the right one."""
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() - time.time()


def took(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def dies_and_comes_back(service, project):
    state = lambda: service.docker.inspect(container)["State"]
    container = next(c["Id"] for c in service.docker.containers(service.label) if c["Labels"]["paastech.project"] == project)
    began = state()["StartedAt"]
    os.kill(state()["Pid"], signal.SIGKILL)
    wait_for(lambda: state()["Running"] and state()["StartedAt"] != began, "the Instance that died to be started again")


def test_an_hour_on_and_an_hour_back_under_load(fresh_service):
    service = fresh_service()
    clock = Clock(service)
    service.start()
    client = service.client("owner")
    client.project("shop")
    repository = client.repository("shop", counting("v0"))
    repository.push()
    fragile = client.project("fragile")["id"]
    client.repository("fragile", apps.web()).push()
    api_token = client.call("POST", "/tokens", {"name": "program", "scope": "read", "expires_in_days": 1}).json()["token"]

    def deployments():
        return client.call("GET", "/projects/shop/deployments").json()["items"]

    def clock_is(offset):
        made = client.call("POST", "/tokens", {"name": "clock", "scope": "read"})
        assert made.status == 201, made
        assert client.call("DELETE", f"/tokens/{made.json()['id']}").status == 204
        return abs(ahead(made.json()["created_at"]) - offset) < 30

    def push(version):
        repository.commit(counting(version))
        repository.push()
        assert service.visit("shop").text == f"{version} GET /"

    def change(mark):
        changed = client.call("PATCH", "/projects/shop/environment", {"set": {"MARK": mark}})
        assert changed.status == 202, changed
        wait_for(lambda: f"MARK={mark}" in service.visit("shop", "/environment").text, "the changed environment to serve")

    follower = Follower(client, "shop")
    try:
        with Load(service, "shop") as load:
            follower.expect_more()
            for offset in (HOUR, -HOUR, 0):
                clock.set(offset)
                wait_for(lambda: clock_is(offset), f"the Service's clock to be {offset} s ahead")
                load.expect_more()
                follower.expect_more()
                pushed, changed = took(lambda: push(f"v{offset}")), took(lambda: change(f"m{offset}".replace("-", "_")))
                back = took(lambda: dies_and_comes_back(service, fragile))
                logged_in = took(lambda: service.client(f"another{offset}"))
                assert service.request("GET", "/api/v1/projects", token=api_token).status == 200
                follower.expect_more()
                print(f"{offset:+5d} s: {load}; a push took {pushed:.1f} s, a change {changed:.1f} s, an Instance that died "
                      f"{back:.1f} s, a login {logged_in:.1f} s")
    finally:
        follower.close()
    assert not load.failures, load.failures[:5]
    assert [d["number"] for d in deployments()] == list(range(7, 0, -1))
    counted = follower.counted()
    print(f"lines by Deployment: { {number: len(each) for number, each in counted.items()} }")
    assert len(counted) == 7 and list(counted) == sorted(counted), list(counted)
    for number, each in counted.items():
        assert each == list(range(1, len(each) + 1)), (number, each[:5], each[-5:])
