"""kill -9 at every named step of every change. The matrix is generated: each change runs once and the failpoints that it
comes to are noted; then it runs once more for each of them, and dies there. Within 30 s of the restart the world converges:
what served before serves or what was acknowledged is there, no half state, nothing left over; and visitors met nothing
else meanwhile. Of the strategies other than the default `make test` takes the steps that only they come to;
PAASTECH_TEST_KILLS=all takes every one, each as often as it is come to."""
import contextlib
import os

import pytest

from tests.support.convergence import Onlookers
from tests.support.kills import CHANGES, REPLACING, STRATEGIES, World, delete, names_in_source, push, set_environment, tracing

TAKEN = os.environ.get("PAASTECH_TEST_KILLS", "sample")  # or "all", or "2/5": of all every fifth step, from the second on
SAMPLE = [("blue-green", change) for change in CHANGES] + [("rolling", "environment"), ("recreate", "push")]
ALL = [(strategy, change) for strategy in STRATEGIES for change in CHANGES if strategy == "blue-green" or change in REPLACING]
MATRIX = SAMPLE if TAKEN == "sample" else ALL
reached = {}  # names, by strategy and change


def taken(steps, strategy):
    if "/" in TAKEN:
        part, parts = map(int, TAKEN.split("/"))
        return steps[part - 1::parts]
    if TAKEN == "all" or strategy == "blue-green":
        return steps
    own = steps.index(f"rollout.{strategy}")
    return steps[own:own + 2]  # some of the old ones have no visitors any more; and have ended


@pytest.mark.parametrize("strategy,change", MATRIX)
def test_after_kill_9_at_every_step_the_world_converges(fresh_service, strategy, change):
    service = fresh_service()
    service.faults = tracing(service)
    world = World(service.start(), service)
    world.fresh(strategy)
    if change == "rollback":
        world.do(set_environment, push)  # what to go back to differs in both
    ask = CHANGES[change]
    steps = world.steps_of(ask, repeated=TAKEN != "sample")
    assert steps, "no failpoint was reached: is it the program with failpoints?"
    reached[strategy, change] = {step.partition(":")[0] for step in steps}
    slowest = 0
    for step in taken(steps, strategy):
        if world.gone:
            world.fresh(strategy)
        with contextlib.nullcontext() if ask is delete else Onlookers(world):
            took = world.converge(gone=ask is delete, began=world.die_at(step, ask))
        slowest = max(slowest, took)
        print(f"{strategy}: {change}: killed at {step}: converged {took:.1f} s after the restart")
    print(f"{strategy}: {change}: {len(steps)} steps, slowest {slowest:.1f} s; pushes that failed: {world.failed}")


def test_every_failpoint_is_in_the_matrix():
    if set(reached) != set(MATRIX):
        pytest.skip("not the whole matrix ran")
    missing = names_in_source().difference(*reached.values())
    assert not missing, f"no change comes to {missing}"
