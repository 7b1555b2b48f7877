"""kill -9 of one role at named steps of every change, with each role a process of its own: the others go on and meet it
again, visitors notice nothing but the router's death, and the world converges in 30 s. `make test` takes a step of each
change that the role has a part in; PAASTECH_TEST_ROLE_KILLS=all takes every one, found as in test_kill_matrix.py."""
import contextlib
import os
import time

import pytest

from tests.support.kills import CHANGES, NAME, World, push, tracing
from tests.support.roles import OTHERS, ROLES, Split
from tests.support.visitors import Visitors

ALL = os.environ.get("PAASTECH_TEST_ROLE_KILLS") == "all"
STEPS = {
    "api": {"push": "build.done", "environment": "rollout.published", "scale": "instances.stopped", "rollback": "rollout.live",
            "delete": "removal.engine"},
    "pomegranate": {"push": "engine.created", "environment": "engine.started", "scale": "engine.created",
                    "rollback": "engine.started"},
    "git": {"push": "git.deploy"},
    "router": {"push": "router.publish", "environment": "router.written", "rollback": "router.publish",
               "delete": "router.written"},
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
        return World(split.service, Role(split, role), alone=True)

    yield make
    for split in made:
        split.close()


def steps_of(world, role):
    if not ALL:
        return {change: [step] for change, step in STEPS[role].items()}
    found = {change: world.steps_of(ask) for change, ask in CHANGES.items()}
    world.fresh()
    push(world)
    return found


@pytest.mark.parametrize("role", ROLES)
def test_after_kill_9_of_a_role_the_world_converges(world_of, role):
    world = world_of(role)
    world.fresh()
    push(world)  # to go back to
    died, slowest = 0, 0
    for change, steps in steps_of(world, role).items():
        for step in steps:
            if world.gone():
                world.fresh()
            watched = change != "delete" and role != "router"
            with Visitors(world.service, NAME) if watched else contextlib.nullcontext():
                began = world.die_at(step, CHANGES[change])
                world.check_converged(change)
            took = time.monotonic() - began
            died, slowest = died + 1, max(slowest, took)
            print(f"{role}: {change}: killed at {step}: converged {took:.1f} s after the restart")
    assert died, "no failpoint was reached: is it the program with failpoints?"
    print(f"{role}: died {died} times, slowest {slowest:.1f} s; pushes that failed: {len(world.failed)} {set(world.failed)}")
