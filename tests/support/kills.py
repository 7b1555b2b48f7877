"""A Project whose Service, or one role of it, kills itself at named steps of a change; and what must hold afterwards."""
import collections
import dataclasses
import http.client
import pathlib
import re
import threading
import time

from . import apps, convergence
from .service import wait_for

NAME = "matrix"
CONVERGED_WITHIN = 30  # seconds from the restart on: what the Service promises
STRATEGIES = ("blue-green", "rolling", "recreate")
# The steps of a push in which the Engine is at work and no failpoint is come to: the victim is killed once the container is
# there.
IN_BUILD, IN_RELEASE = "(in the build)", "(in the release command)"
WORKER = 'processes:\n  web: {}\n  worker: {command: ["perl", "-e", "$SIG{TERM} = sub { exit 0 }; sleep 1 while 1"]}\n'


class World:
    """victim: what dies and is started again, with `process`, `log()` and `restart_with(variables)`; it runs with those of
    tracing() already. ingress: the victim is that too, so nobody is served while it is away. A rest of the Service that
    lives on may make a push fail for the victim's absence, but says so."""

    name = NAME

    def __init__(self, service, victim, ingress=True):
        self.service, self.victim, self.ingress = service, victim, ingress
        # At each start, once it has looked at every Project and before it changes anything, it gives its router the table.
        self.at_start = collections.Counter(["router.publish", "router.written"] if victim is service else [])
        self.failed = set()  # why pushes did
        self.client = service.client("owner")
        self.repository = None
        self.strategy, self.number, self.ids = "blue-green", 0, set()
        self.possible = []  # what may hold: what was acknowledged last, and what was asked since and got no answer
        self.versions = frozenset()  # what visitors may meet meanwhile
        self.records = {}  # what held while a Deployment was live, by number
        self.restarting, self.gone = False, True

    def ask(self, change, request):
        """Asks for a change, a function of what holds. Without an answer it may hold or not: the Service can die between
        the two."""
        wanted = [change(each) for each in self.possible]
        self.versions |= {each.version for each in wanted}
        self.possible = self.possible + wanted
        if request():
            self.possible = wanted

    def fresh(self, strategy="blue-green"):
        """A Project that serves; where it is not the default strategy with more than one Instance to replace."""
        self.ids.add(self.client.project(NAME)["id"])
        self.repository = self.client.repository(NAME, {})
        self.possible, self.records, self.gone = [convergence.Held("none", None, 1)], {}, False
        self.use(strategy)

    def use(self, strategy):
        self.strategy = strategy
        self.do(push)
        if strategy != "blue-green" and self.possible[0].count == 1:
            self.do(scale)

    def do(self, *changes):
        for change in changes:
            change(self)
            self.converge()

    def files(self, version, slow=None):
        release = "sleep 120" if slow == IN_RELEASE else "exit 0"
        manifest = f'release: ["perl", "-e", "{release}"]\nstrategy: {self.strategy}\n'
        manifest += "" if self.strategy == "blue-green" else WORKER
        dockerfile = apps.DOCKERFILE.replace("CMD", "RUN sleep 120\nCMD") if slow == IN_BUILD else apps.DOCKERFILE
        return apps.web(version, manifest, dockerfile)

    def died(self):
        return self.victim.process.poll() is not None

    def away(self):
        return self.ingress and (self.restarting or self.died())

    def settled(self):
        rows = convergence.asked(self.client, f"/projects/{NAME}/deployments")["items"]
        return all(row["state"] in convergence.ENDED for row in rows)

    def wrong(self, gone=False):
        """What is not as it should be, as sentences. Where nothing is, that is what holds."""
        try:
            if gone:
                return convergence.look_for_remains(self.service, self.client, NAME, self.ids)
            wrong, rows, held = convergence.look(self.service, self.client, NAME)
        except (OSError, http.client.HTTPException, convergence.NotYet) as error:
            return [str(error) or repr(error)]
        if held not in self.possible:
            wrong.append(f"{held} holds, but it should be one of {self.possible}")
        if not wrong:
            self.possible, self.versions = [held], frozenset([held.version])
            self.records[next(row["number"] for row in rows if row["state"] == "live")] = held
            self.failed |= {row["message"] for row in rows if row["state"] == "failed"}
        return wrong

    def converge(self, gone=False, began=None):
        """Waits until all is as it should be, and returns how long that took."""
        began = began or time.monotonic()
        seen = []

        def whole():
            seen[:] = self.wrong(gone)
            return not seen

        wait_for(whole, "", began + CONVERGED_WITHIN - time.monotonic(), 0.1, fails=False)
        took = time.monotonic() - began
        logs = "\n".join({self.victim.log()[-3000:], self.service.log()[-3000:]})
        assert not seen and took <= CONVERGED_WITHIN, f"after {took:.1f} s: {seen}\n{logs}"
        self.gone = gone
        return took

    def steps_of(self, change, repeated=False):
        """The names that the victim comes to in a change; where repeated, each as often as it does, as NAME:2 and so on."""
        steps = self.names_in(change, repeated)
        if change is scale:  # to more Instances, and to fewer
            steps += [step for step in self.names_in(change, repeated) if step not in steps]
        waits = change is push and any(step.startswith(("build.", "engine.")) for step in steps)
        return steps + ([IN_BUILD, IN_RELEASE] if waits else [])

    def names_in(self, change, repeated):
        before = len(names(self.service))
        change(self)
        self.converge(gone=change is delete)

        def seen_off():  # beside, also where nothing of what was live before runs any more
            new = names(self.service)[before:]
            return new.count("retire.drained") == new.count("rollout.live")

        wait_for(seen_off, "the end of what was live before")
        seen = collections.Counter()
        found = []
        for name in names(self.service)[before:]:
            seen[name] += 1
            if seen[name] == 1 or repeated:
                found.append(name if seen[name] == 1 else f"{name}:{seen[name]}")
        return found

    def restart_with(self, variables):
        before = len(names(self.service))
        self.restarting = True
        try:
            self.victim.restart_with(tracing(self.service) | variables)
            if self.ingress:
                wait_for(lambda: quietly(lambda: self.service.visit(NAME)), "the ingress to answer")
        finally:
            self.restarting = False
        wait_for(lambda: not self.at_start - collections.Counter(names(self.service)[before:]), "every Project to be looked at")

    def arm(self, step):
        """Starts the victim anew, to die at this step of what is asked next."""
        name, _, nth = step.partition(":")
        self.restart_with({"PAASTECH_FAILPOINT": f"{name}:{self.at_start[name] + int(nth or 1)}"})
        self.converge()  # a restart alone changes nothing

    def die_at(self, step, change):
        """Returns when it was started again."""
        if step in (IN_BUILD, IN_RELEASE):
            self.die_in(step)
        else:
            self.arm(step)
            self.die_armed(step, change)
        began = time.monotonic()
        self.restart_with({})
        return began

    def die_armed(self, step, change):
        # A change that goes the other way, as from two Instances to one, may not come by: then it is the next one's turn.
        for _ in range(3):
            asking = threading.Thread(target=quietly, args=(change, self))
            asking.start()
            wait_for(lambda: self.died() or (not asking.is_alive() and quietly(self.settled)), "the change to be done", 60)
            wait_for(self.died, "the step to be reached beside", 3, fails=False)
            asking.join(60)
            if self.died():
                break
        assert self.victim.process.returncode == -9, f"{step} was not reached: " + self.victim.log()[-2000:]

    def die_in(self, step):
        before = set(convergence.containers(self.service))
        asking = threading.Thread(target=quietly, args=(push, self, step))
        asking.start()
        wait_for(lambda: [each for name, each in convergence.containers(self.service).items()
                          if name not in before and "sleep 120" in each["Command"] and each["State"] == "running"],
                 f"a container {step}", 60)
        self.victim.process.kill()
        self.victim.process.wait(40)
        asking.join(60)


def trace(service):
    return service.home / "failpoints"


def tracing(service):
    return {"PAASTECH_FAILPOINT_TRACE": str(trace(service))}


def names(service):
    return trace(service).read_text().split() if trace(service).exists() else []


def names_in_source():
    """Every failpoint that there is."""
    source = pathlib.Path(__file__).parents[2] / "src"
    found = [re.findall(r'PAASTECH_FAILPOINT\("([^"]+)"\)', path.read_text()) for path in source.rglob("*.cc")]
    return {name for each in found for name in each}


def quietly(work, *arguments):
    try:
        return work(*arguments)
    except Exception:  # the Service dies in the middle: what is asked gets no answer
        return None


def push(world, slow=None):
    world.number += 1
    version = f"v{world.number}"
    listed = convergence.asked(world.client, f"/projects/{NAME}/environment?reveal=true")["items"]
    mark = next((each["value"] for each in listed if each["name"] == "MARK"), None)
    world.repository.commit(world.files(version, slow))
    world.ask(lambda held: dataclasses.replace(held, version=version, mark=mark),
              lambda: world.repository.push(check=False, timeout=60).returncode == 0)


def accepted(world, method, path, body):
    return world.client.call(method, f"/projects/{NAME}/{path}", body).status == 202


def set_environment(world):
    world.number += 1
    mark = f"m{world.number}"
    world.ask(lambda held: dataclasses.replace(held, mark=mark),
              lambda: accepted(world, "PATCH", "environment", {"set": {"MARK": mark}}))


def scale(world):
    count = 1 + world.possible[-1].count % 2
    world.ask(lambda held: dataclasses.replace(held, count=count),
              lambda: accepted(world, "PATCH", "processes", {"processes": {"web": {"count": count}}}))


def roll_back(world):
    """To the newest that differs from what holds, in version and environment where there is one."""
    now = world.possible[-1]
    number, then = max(world.records.items(),
                       key=lambda each: (each[1].version != now.version, each[1].mark != now.mark, each[0]))
    world.ask(lambda held: dataclasses.replace(held, version=then.version, mark=then.mark),
              lambda: accepted(world, "POST", "rollback", {"deployment": number}))


def delete(world):
    world.client.call("DELETE", f"/projects/{NAME}?confirm={NAME}")


CHANGES = {"push": push, "environment": set_environment, "scale": scale, "rollback": roll_back, "delete": delete}
# How a Deployment takes the place of another is no matter of a change of scale or of a deletion.
REPLACING = ("push", "environment", "rollback")
