"""kill -9 at every named step of every change. The matrix is generated: each change runs once and the failpoints that it
comes to are noted; then it runs once more for each of them, and dies there. After the restart the world converges in 30 s:
what served before served throughout or what was acknowledged is there, no half state, no orphan."""
import os
import re
import threading
import time

import pytest

from tests.support import apps
from tests.support.service import wait_for

NAME = "matrix"
MANIFEST = "release: [\"perl\", \"-e\", \"exit 0\"]\n"
CONVERGED_WITHIN = 30
SHARD = os.environ.get("PAASTECH_TEST_KILLS", "1/1")  # "2/5": every fifth step, from the second on


class World:
    def __init__(self, service):
        self.service = service
        self.trace = service.home / "failpoints"
        service.faults = {"PAASTECH_FAILPOINT_TRACE": str(self.trace)}
        service.start()
        self.client = service.client("owner")
        self.repository = None
        self.version = 0
        self.possible = []  # what may hold: what was acknowledged last, and what was asked since and got no answer

    def ask(self, value, path, body):
        """Changes something to `value`. Without an answer it may hold or not: the Service can die between the two."""
        self.possible.append(value)
        if self.client.call("PATCH", f"/projects/{NAME}/{path}", body).status == 202:
            self.possible = [value]

    def fresh(self):
        """A Project that serves, with three Deployments to go back to."""
        self.client.project(NAME)
        self.repository = self.client.repository(NAME, apps.web("start", MANIFEST))
        self.repository.push()

    def deployments(self):
        answer = self.client.call("GET", f"/projects/{NAME}/deployments")
        return answer.json()["items"] if answer.status == 200 else []

    def died(self):
        return self.service.process.poll() is not None

    def settled(self):
        return all(d["state"] in ("live", "superseded", "failed", "cancelled") for d in self.deployments())

    def steps_of(self, change):
        before = len(self.names())
        change(self)
        wait_for(self.settled, "the change to be done", 60)
        time.sleep(1)  # what is done beside: draining, stopping, tidying up
        counts, steps = {}, []
        for name in self.names()[before:]:
            counts[name] = counts.get(name, 0) + 1
            if counts[name] == 1:
                steps.append(name)
        return steps

    def names(self):
        return self.trace.read_text().split() if self.trace.exists() else []

    def die_at(self, step, change):
        try:
            self.service.restart_with({"PAASTECH_FAILPOINT": step})
        except AssertionError:  # it is also a step of starting, and was reached there
            assert self.service.process.returncode == -9, self.service.log()[-2000:]
        # A change that goes the other way, as from two Instances to one, may not come by: then it is the next one's turn.
        for _ in range(3):
            if self.died():
                break
            asking = threading.Thread(target=lambda: quietly(change, self))
            asking.start()
            wait_for(lambda: self.died() or (not asking.is_alive() and quietly(World.settled, self)), "the change to be done", 60)
            wait_for(self.died, "the step to be reached beside", 3, fails=False)
            asking.join(60)
        assert self.service.process.returncode == -9, f"{step} was not reached: " + self.service.log()[-2000:]
        began = time.monotonic()
        self.service.restart_with({"PAASTECH_FAILPOINT_TRACE": str(self.trace)})
        return began


def quietly(change, world):
    try:
        return change(world)
    except Exception:  # the Service dies in the middle: what is asked gets no answer
        return None


def push(world):
    world.version += 1
    world.repository.commit(apps.web(f"v{world.version}", MANIFEST))
    world.repository.push(check=False, timeout=60)


def set_environment(world):
    world.version += 1
    world.ask(f"v{world.version}", "environment", {"set": {"MARK": f"v{world.version}"}})


def scale(world):
    count = 1 + len(world.service.docker.containers(world.service.label)) % 2
    world.ask(count, "processes", {"processes": {"web": {"count": count}}})


def roll_back(world):
    world.client.call("POST", f"/projects/{NAME}/rollback", {})


def delete(world):
    world.client.call("DELETE", f"/projects/{NAME}?confirm={NAME}")


CHANGES = {"push": push, "environment": set_environment, "scale": scale, "rollback": roll_back, "delete": delete}


def check_converged(world, change, began):
    service = world.service

    def orphans():
        live = [d["number"] for d in world.deployments() if d["state"] == "live"]
        containers = service.docker.containers(service.label)
        return [c["Names"] for c in containers if c["Labels"].get("paastech.deployment") not in list(map(str, live)) + world.groups()]

    if change == "delete" and world.client.call("GET", f"/projects/{NAME}").status == 404:
        wait_for(lambda: not service.docker.containers(service.label), "no container of a deleted Project", CONVERGED_WITHIN)
        return
    if change == "delete":  # it was not acknowledged; what was begun is finished, or nothing was begun
        wait_for(lambda: world.client.call("GET", f"/projects/{NAME}").status == 404 or service.visit(NAME).status == 200,
                 "the Project to be gone or to serve", CONVERGED_WITHIN)
        return
    wait_for(world.settled, "every Deployment to have ended", CONVERGED_WITHIN)
    wait_for(lambda: service.visit(NAME).status == 200, "the Application to answer", CONVERGED_WITHIN)
    wait_for(lambda: not orphans(), "no orphan container", CONVERGED_WITHIN)
    assert [d["state"] for d in world.deployments()].count("live") == 1
    if change == "environment":
        wait_for(lambda: served_mark(service) in world.possible, "the acknowledged value to serve", CONVERGED_WITHIN, fails=False)
        assert served_mark(service) in world.possible, world.deployments()
    if change == "scale":
        wait_for(lambda: running(service) in world.possible, "the acknowledged count to run", CONVERGED_WITHIN, fails=False)
        assert running(service) in world.possible


def running(service):
    return len(service.docker.containers(service.label))


def served_mark(service):
    found = re.search(r"MARK=(\w+)", service.visit(NAME, "/environment").text)
    return found and found.group(1)


def groups(world):
    listed = world.client.call("GET", f"/projects/{NAME}/instances").json().get("items", [])
    return [str(item["deployment"]) for item in listed]


World.groups = groups


@pytest.mark.parametrize("change", CHANGES)
def test_after_kill_9_at_every_step_the_world_converges(fresh_service, change):
    world = World(fresh_service())
    world.fresh()
    if change == "rollback":
        push(world)
    steps = world.steps_of(CHANGES[change])
    assert steps, "no failpoint was reached: is it the program with failpoints?"
    if change == "delete":
        world.fresh()
    part, parts = map(int, SHARD.split("/"))
    slowest = 0
    for step in steps[part - 1::parts]:
        if change == "delete" and world.client.call("GET", f"/projects/{NAME}").status == 404:
            world.fresh()
        began = world.die_at(step, CHANGES[change])
        check_converged(world, change, began)
        took = time.monotonic() - began
        slowest = max(slowest, took)
        print(f"{change}: killed at {step}: converged {took:.1f} s after the restart")
    print(f"{change}: {len(steps)} steps, slowest {slowest:.1f} s")
