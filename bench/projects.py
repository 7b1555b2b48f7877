"""What a Deployment takes while there are ever more Projects, and the memory of so many, on an Engine that costs nothing."""
import concurrent.futures
import contextlib
import os
import pathlib
import subprocess
import sys
import time

from bench.api import fill, lift_quotas
from bench.deploy import ask, first_visit, wait_live
from bench.measure import memory_at_rest, ratio, spread
from tests.support.docker_api import Docker
from tests.support.service import Service, free_ports, wait_for

COUNTS = (10, 1_000, 10_000)
RUNNING = 200  # of them at most have a web Instance; the others have no Deployment
ROUNDS = 15


def use_fake_engine(service):
    """Gives a Service that is not started yet an Engine of its own, which ends with it."""
    service.socket = str(service.home / "engine.sock")
    service.docker = Docker(service.socket)
    engine = subprocess.Popen([sys.executable, "-m", "tests.support.fake_engine", service.socket, str(free_ports(1)[0])],
                              stdin=subprocess.PIPE, cwd=pathlib.Path(__file__).parents[1])
    service.extra.append(engine.communicate)  # closes its input, and waits
    wait_for(lambda: os.path.exists(service.socket), "the fake Engine")


def deploy(service, client, name="app-0"):
    """Milliseconds from the request to the first answer of the new Deployment."""
    started = time.monotonic()
    number = ask(client, "POST", f"{name}/deployments", {"image": f"bench/{name}:1"})["number"]
    took = first_visit(service, name, f"PAASTECH_DEPLOYMENT={number}", started)
    wait_live(client, name)
    return took


@contextlib.contextmanager
def populated(count):
    """A Service with so many Projects, and the Client of those that run. The others go straight into the database while the
    Service is stopped: by the API they would take minutes."""
    with contextlib.closing(Service()) as service:
        use_fake_engine(service)
        service.start()
        lift_quotas(service)
        client = service.client("bench")
        service.kill()
        fill(service, count - min(count, RUNNING))
        service.start()

        def run(number):
            client.project(f"app-{number}")
            deploy(service, client, f"app-{number}")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(run, range(min(count, RUNNING))))
        yield service, client


def present(count):
    return f"{count:,} Projects, {min(count, RUNNING)} running, fake Engine"


def projects(results, counts=COUNTS, rounds=ROUNDS):
    with contextlib.ExitStack() as stack:
        there = [stack.enter_context(populated(count)) for count in counts]
        figures = list(zip(*([deploy(*each) for each in there] for _ in range(rounds))))
        for count, times in list(zip(counts, figures))[1:]:
            value = ratio(times, figures[0])
            results.add(f"deploy an image → first 200 with {present(count)}", spread(times, " ms"),
                        f"with {counts[0]}: " + spread(figures[0], " ms"), f"{value:.2f}×", "≤ 1.2×", value <= 1.2)
        resident = memory_at_rest(there[-1][0])
        results.add(f"resident memory of `paastechd all` with {present(counts[-1])}", f"{resident:.1f} MB",
                    "–", f"{resident:.1f} MB", "≤ 64 MB", resident <= 64)
