"""A Project whose Service, or one role of it, kills itself at named steps of a change; and what must hold afterwards."""
import re
import threading
import time

from . import apps
from .service import wait_for

NAME = "matrix"
MANIFEST = "release: [\"perl\", \"-e\", \"exit 0\"]\n"
CONVERGED_WITHIN = 30


class World:
    """victim: what dies and is started again, with `process`, `log()` and `restart_with(variables)`; it runs with those of
    tracing() already. Where the rest of the Service lives on (alone), a push may fail for the victim's absence, but says
    so."""

    def __init__(self, service, victim, alone=False):
        self.service, self.victim, self.alone = service, victim, alone
        self.failed = []  # pushes that a victim's absence made fail
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
        """A Project that serves."""
        self.client.project(NAME)
        self.repository = self.client.repository(NAME, apps.web("start", MANIFEST))
        self.repository.push()

    def deployments(self):
        answer = self.client.call("GET", f"/projects/{NAME}/deployments")
        return answer.json()["items"] if answer.status == 200 else []

    def gone(self):
        return self.client.call("GET", f"/projects/{NAME}").status == 404

    def died(self):
        return self.victim.process.poll() is not None

    def settled(self):
        return all(d["state"] in ("live", "superseded", "failed", "cancelled") for d in self.deployments())

    def instances(self):
        return len(self.service.docker.containers(self.service.label))

    def served_mark(self):
        found = re.search(r"MARK=(\w+)", self.service.visit(NAME, "/environment").text)
        return found and found.group(1)

    def orphans(self):
        """Containers of no live Deployment, and of none that is shown."""
        listed = self.client.call("GET", f"/projects/{NAME}/instances").json().get("items", [])
        known = {d["number"] for d in self.deployments() if d["state"] == "live"} | {item["deployment"] for item in listed}
        containers = self.service.docker.containers(self.service.label)
        return [c["Names"] for c in containers if c["Labels"].get("paastech.deployment") not in map(str, known)]

    def steps_of(self, change):
        """The names that the victim comes to in a change."""
        before = len(names(self.service))
        change(self)
        wait_for(self.settled, "the change to be done", 60)
        time.sleep(1)  # what is done beside: draining, stopping, tidying up
        return list(dict.fromkeys(names(self.service)[before:]))

    def die_at(self, step, change):
        try:
            self.victim.restart_with({"PAASTECH_FAILPOINT": step})
        except AssertionError:  # it is also a step of starting, and was reached there
            assert self.victim.process.returncode == -9, self.victim.log()[-2000:]
        # A change that goes the other way, as from two Instances to one, may not come by: then it is the next one's turn.
        for _ in range(3):
            if self.died():
                break
            asking = threading.Thread(target=lambda: quietly(change, self))
            asking.start()
            wait_for(lambda: self.died() or (not asking.is_alive() and quietly(World.settled, self)), "the change to be done", 60)
            wait_for(self.died, "the step to be reached beside", 3, fails=False)
            asking.join(60)
        assert self.victim.process.returncode == -9, f"{step} was not reached: " + self.victim.log()[-2000:]
        began = time.monotonic()
        self.victim.restart_with(tracing(self.service))
        return began

    def check_converged(self, change):
        if change == "delete" and self.gone():
            wait_for(lambda: not self.instances(), "no container of a deleted Project", CONVERGED_WITHIN)
            return
        if change == "delete":  # it was not acknowledged; what was begun is finished, or nothing was begun
            wait_for(lambda: self.gone() or self.service.visit(NAME).status == 200, "the Project to be gone or to serve",
                     CONVERGED_WITHIN)
            return
        wait_for(self.settled, "every Deployment to have ended", CONVERGED_WITHIN)
        wait_for(lambda: self.service.visit(NAME).status == 200, "the Application to answer", CONVERGED_WITHIN)
        wait_for(lambda: not self.orphans(), "no orphan container", CONVERGED_WITHIN)
        assert [d["state"] for d in self.deployments()].count("live") == 1
        holds = {"environment": self.served_mark, "scale": self.instances}.get(change)
        newest = self.deployments()[0]
        if self.alone and newest["state"] == "failed":
            assert newest["message"] and newest["cause"] == "push", newest  # what was acknowledged is tried again
            self.failed.append(newest["message"])
        if holds:
            wait_for(lambda: holds() in self.possible, "what was acknowledged to hold", CONVERGED_WITHIN, fails=False)
            assert holds() in self.possible, (holds(), self.possible, self.deployments()[:3])


def trace(service):
    return service.home / "failpoints"


def tracing(service):
    return {"PAASTECH_FAILPOINT_TRACE": str(trace(service))}


def names(service):
    return trace(service).read_text().split() if trace(service).exists() else []


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
    count = 1 + world.instances() % 2
    world.ask(count, "processes", {"processes": {"web": {"count": count}}})


def roll_back(world):
    world.client.call("POST", f"/projects/{NAME}/rollback", {})


def delete(world):
    world.client.call("DELETE", f"/projects/{NAME}?confirm={NAME}")


CHANGES = {"push": push, "environment": set_environment, "scale": scale, "rollback": roll_back, "delete": delete}
