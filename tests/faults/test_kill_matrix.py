"""kill -9 at every named step of every change. The matrix is generated: each change runs once and the failpoints that it
comes to are noted; then it runs once more for each of them, and dies there. After the restart the world converges in 30 s:
what served before served throughout or what was acknowledged is there, no half state, no orphan."""
import os
import time

import pytest

from tests.support.kills import CHANGES, World, push, tracing

SHARD = os.environ.get("PAASTECH_TEST_KILLS", "1/1")  # "2/5": every fifth step, from the second on


@pytest.mark.parametrize("change", CHANGES)
def test_after_kill_9_at_every_step_the_world_converges(fresh_service, change):
    service = fresh_service()
    service.faults = tracing(service)
    world = World(service.start(), service)
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
        if change == "delete" and world.gone():
            world.fresh()
        began = world.die_at(step, CHANGES[change])
        world.check_converged(change)
        took = time.monotonic() - began
        slowest = max(slowest, took)
        print(f"{change}: killed at {step}: converged {took:.1f} s after the restart")
    print(f"{change}: {len(steps)} steps, slowest {slowest:.1f} s")
