"""Places for builds: so many on the Service and of one Client, fair between Clients; a build that is cancelled, killed or out
of memory frees its place at once."""
import threading
import time

import pytest

from tests.support import apps
from tests.support.cli import ok
from tests.support.convergence import containers
from tests.support.service import wait_for
from tests.support.visitors import Beside

AT_ONCE = 2
ENDLESS = apps.DOCKERFILE.replace("COPY", "RUN sleep 900\nCOPY")
# Fills its memory once it is told to.
HUNGRY = apps.DOCKERFILE.replace("COPY", "RUN exec perl -e '$SIG{USR1} = sub { my @x; push @x, \"x\" x 1e7 while 1 }; sleep 900 while 1'\nCOPY")
PROMPTLY = 5  # seconds from the end of a build to the next one's first container, on a busy machine
CANCELLED_WITHIN = 2  # seconds


class Queue:
    """Pushes of Projects whose builds last until they are ended; who builds is what the Engine runs."""

    def __init__(self, service):
        self.service, self.names, self.threads, self.pushes = service, {}, [], []

    def push(self, client, name, dockerfile=ENDLESS):
        self.names[client.project(name)["id"]] = name
        repository = client.repository(name, apps.web(name, dockerfile=dockerfile))
        self.threads.append(threading.Thread(target=lambda: self.pushes.append(repository.push(check=False))))
        self.threads[-1].start()

    def by_name(self):
        """The containers of steps that run, by Project."""
        found = {}
        for name, each in containers(self.service).items():
            network = each["HostConfig"]["NetworkMode"]
            project = network.removeprefix(f"{self.service.instance}-")
            if each["State"] == "running" and project in self.names and not name.startswith(f"{self.service.instance}."):
                found[self.names[project]] = each["Id"]
        return found

    def building(self):
        return set(self.by_name())

    def expect(self, names, what):
        began = time.monotonic()
        wait_for(lambda: self.building() == names, f"{what}: {sorted(names)} to build", every=0.02)
        return time.monotonic() - began

    def waits(self, client, name):
        def told():
            lines = client.log_lines(name, "process=platform")
            return any("Waiting for a place to build" in line["text"] for line in lines)
        wait_for(told, f"{name} to wait for a place")

    def close(self):
        for each in self.threads:
            each.join(60)


class Most(Beside):
    """The most builds that were seen side by side."""

    def __init__(self, queue):
        super().__init__(self.run)
        self.queue, self.seen = queue, 0

    def run(self):
        while not self.done.is_set():
            self.seen = max(self.seen, len(self.queue.building()))
            self.done.wait(0.05)


@pytest.fixture
def queue_of(fresh_service):
    made = []

    def make(toml):
        made.append(Queue(fresh_service(toml).start()))
        return made[-1]
    yield make
    for each in made:
        for name, container in each.by_name().items():
            each.service.docker.call("DELETE", f"/containers/{container}?force=1")
        each.service.kill()
        each.close()


def cancel(queue, client, name):
    """Returns how long the build's container outlived the request."""
    began = time.monotonic()
    ok(client.cli("deployments", "cancel", "1", "-p", name))
    wait_for(lambda: name not in queue.building(), f"the build of {name} to be gone", every=0.02)
    return time.monotonic() - began


def test_places_go_to_whom_the_fewest_build_and_never_more_than_there_are(queue_of):
    queue = queue_of(f"[builds]\nat_once = {AT_ONCE}\nper_client = {AT_ONCE}\n")
    ada, bob = queue.service.client("ada"), queue.service.client("bob")
    took = {}
    with Most(queue) as most:
        for name in ("ada-1", "ada-2"):
            queue.push(ada, name)
        queue.expect({"ada-1", "ada-2"}, "the first two of one Client")
        for name in ("ada-3", "ada-4"):
            queue.push(ada, name)
            queue.waits(ada, name)
        for name in ("bob-1", "bob-2"):
            queue.push(bob, name)
            queue.waits(bob, name)
        assert queue.building() == {"ada-1", "ada-2"}
        took["cancelled"] = cancel(queue, ada, "ada-1")
        took["then"] = queue.expect({"ada-2", "bob-1"}, "who has none before who waits longer")
        cancel(queue, ada, "ada-2")
        queue.expect({"bob-1", "ada-3"}, "one of each Client")
        status, answer = queue.service.docker.call("POST", f"/containers/{queue.by_name()['bob-1']}/kill")
        assert status == 204, answer
        took["killed"] = queue.expect({"ada-3", "bob-2"}, "a build was killed, so the next of whom none builds")
        cancel(queue, ada, "ada-3")
        queue.expect({"bob-2", "ada-4"}, "the last one")
        cancel(queue, bob, "bob-2")
        cancel(queue, ada, "ada-4")
    print(f"{most.seen} builds at the most; a cancelled one was gone after {took['cancelled']:.2f} s, the next began "
          f"{took['then']:.2f} s later; the one after a killed one began after {took['killed']:.2f} s")
    assert most.seen == AT_ONCE
    assert took["cancelled"] <= CANCELLED_WITHIN and took["then"] <= PROMPTLY and took["killed"] <= PROMPTLY, took
    queue.close()
    killed = bob.call("GET", "/projects/bob-1/deployments/1").json()
    assert (killed["state"], killed["reason"]) == ("failed", "build_failed"), killed
    assert all(done.returncode != 0 for done in queue.pushes) and len(queue.pushes) == 6, queue.pushes


def test_one_client_has_no_more_than_its_places_while_others_are_free(queue_of):
    queue = queue_of("[builds]\nat_once = 3\nper_client = 1\n")
    ada, bob = queue.service.client("ada"), queue.service.client("bob")
    with Most(queue) as most:
        queue.push(ada, "ada-1")
        queue.expect({"ada-1"}, "the first")
        queue.push(ada, "ada-2")
        queue.waits(ada, "ada-2")
        queue.push(bob, "bob-1")
        queue.expect({"ada-1", "bob-1"}, "another Client's")
        cancel(queue, ada, "ada-1")
        queue.expect({"ada-2", "bob-1"}, "its own next one")
        cancel(queue, ada, "ada-2")
        cancel(queue, bob, "bob-1")
    assert most.seen == 2, most.seen


def test_a_build_out_of_memory_frees_its_place_at_once(queue_of):
    queue = queue_of("[builds]\nat_once = 1\nper_client = 1\nmemory_bytes = 134217728\n")
    ada, bob = queue.service.client("ada"), queue.service.client("bob")
    queue.push(ada, "hungry", HUNGRY)
    queue.expect({"hungry"}, "the first")
    queue.push(bob, "next")
    queue.waits(bob, "next")
    status, answer = queue.service.docker.call("POST", f"/containers/{queue.by_name()['hungry']}/kill?signal=USR1")
    assert status == 204, answer
    failed = lambda: ada.call("GET", "/projects/hungry/deployments/1").json()["state"] == "failed"
    wait_for(lambda: failed() or queue.building() == {"next"}, "the build to end", every=0.02)
    took = queue.expect({"next"}, "the place to be given on")
    wait_for(failed, "the row to say so")
    reason = ada.call("GET", "/projects/hungry/deployments/1").json()["reason"]
    print(f"the next build began {took:.2f} s after one had ended: {reason}")
    assert reason == "out_of_memory" and took <= PROMPTLY, (reason, took)
    cancel(queue, bob, "next")
