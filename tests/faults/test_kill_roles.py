"""kill -9 of one role at named steps of every change, with each role a process of its own: the others go on and meet it
again, visitors notice nothing but the router's death, and the world converges in 30 s. `make test` takes a step of each
change that the role has a part in; PAASTECH_TEST_ROLE_KILLS=all takes every one, found as in test_kill_matrix.py."""
import contextlib
import os

import pytest

from tests.support.convergence import Onlookers
from tests.support.kills import CHANGES, IN_BUILD, REPLACING, STRATEGIES, World, delete, push, tracing
from tests.support.roles import OTHERS, ROLES, Split

ALL = os.environ.get("PAASTECH_TEST_ROLE_KILLS") == "all"
STEPS = {
    "api": [("blue-green", "push", "build.done"), ("blue-green", "environment", "rollout.published"),
            ("blue-green", "scale", "instances.stopped"), ("blue-green", "rollback", "rollout.live"),
            ("rolling", "environment", "rollout.rolling"), ("recreate", "push", "rollout.recreate"),
            ("recreate", "delete", "removal.engine")],
    "pomegranate": [("blue-green", "push", IN_BUILD), ("blue-green", "environment", "engine.started"),
                    ("blue-green", "scale", "engine.created"), ("blue-green", "rollback", "engine.stopped"),
                    ("recreate", "delete", "engine.emptied")],
    "git": [("blue-green", "push", "git.deploy"), ("blue-green", "push", "git.archive"), ("blue-green", "delete", "git.removal")],
    "router": [("blue-green", "environment", "router.written"), ("blue-green", "rollback", "router.publish"),
               ("blue-green", "push", "router.publish"), ("blue-green", "delete", "router.written")],
}


class Role:
    """One role as the victim of a World."""

    def __init__(self, split, role):
        self.split, self.role = split, role

    @property
    def process(self):
        return self.split.process(self.role)

    def log(self):
        return self.split.log(self.role)

    def restart_with(self, faults):
        self.split.kill(self.role)
        self.split.faults[self.role] = faults
        self.split.start(self.role)


@pytest.fixture
def world_of(fresh_service):
    made = []

    def make(role):
        split = Split(fresh_service())
        made.append(split)
        split.faults[role] = tracing(split.service)
        for each in (*OTHERS, "api"):
            split.start(each)
        return World(split.service, Role(split, role), ingress=role == "router")

    yield make
    for split in made:
        split.close()


def ready(world, strategy):
    if world.gone:
        world.fresh(strategy)
    elif world.strategy != strategy:
        world.use(strategy)


def steps_of(world, role):
    """What to die at: strategy, change, step; those of one strategy follow each other, and deletions are its last ones."""
    if not ALL:
        yield from STEPS[role]
        return
    for strategy in STRATEGIES:
        for change in CHANGES if strategy == "blue-green" else REPLACING:
            ready(world, strategy)
            for step in world.steps_of(CHANGES[change], repeated=True):
                yield strategy, change, step


@pytest.mark.parametrize("role", ROLES)
def test_after_kill_9_of_a_role_the_world_converges(world_of, role):
    world = world_of(role)
    world.fresh()
    world.do(push)  # to go back to
    died, slowest, changes = 0, 0, set()
    for strategy, change, step in steps_of(world, role):
        ready(world, strategy)
        ask = CHANGES[change]
        with contextlib.nullcontext() if ask is delete else Onlookers(world):
            took = world.converge(gone=ask is delete, began=world.die_at(step, ask))
        died, slowest = died + 1, max(slowest, took)
        changes.add(change)
        print(f"{role}: {strategy}: {change}: killed at {step}: converged {took:.1f} s after the restart")
    missing = {change for _, change, _ in STEPS[role]} - changes
    assert died and not missing, f"it died in none of these changes: {missing}; is it the program with failpoints?"
    print(f"{role}: died {died} times, slowest {slowest:.1f} s; pushes that failed: {world.failed}")
