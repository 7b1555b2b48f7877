"""The disk of the Service's home gets full before, in and after a push: who pushes is told, nothing that there was is lost,
Applications serve, and what was refused goes through once there is room. SQLite is on that disk, too."""
import os
import subprocess

import pytest

from tests.support import apps
from tests.support.cli import ok
from tests.support.service import wait_for
from tests.support.small_disk import SmallDisk

MIB = 1 << 20
REFUSED_BELOW = 64 * MIB  # src/git/session.cc


@pytest.fixture
def disk(fresh_service):
    with SmallDisk(fresh_service(), 192) as disk:
        disk.service.start()
        yield disk


@pytest.fixture
def service(disk):
    return disk.service


@pytest.fixture
def small(service, client):
    """A live Application, and its working copy."""
    project = client.project("small")
    repository = client.repository("small", apps.web("one"))
    repository.push()
    return project, repository


def stored(repository):
    return repository.git("ls-remote", "paastech").stdout


def states(client):
    return [d["state"] for d in client.call("GET", "/projects/small/deployments").json()["items"]]


def sound(service, project):
    """What git's own check finds wrong with the repository that the Service keeps."""
    done = subprocess.run(
        ["git", f"--git-dir={service.home}/repositories/{project['id']}.git", "fsck", "--full", "--strict"],
        capture_output=True, text=True)
    return done.returncode == 0 or done.stdout + done.stderr


def quarantines(service, project):
    return list((service.home / "repositories").glob(f"{project['id']}*/objects/*tmp_objdir*"))


def test_a_push_onto_a_full_disk_is_refused_and_goes_through_once_there_is_room(disk, service, client, small):
    project, repository = small
    before = stored(repository)
    repository.commit(apps.web("two"))
    disk.fill()
    refused = repository.push(check=False)
    assert refused.returncode != 0 and "disk is full; nothing was changed" in refused.stderr, refused.stderr
    assert "push again once there is space" in refused.stderr, refused.stderr
    again = client.repository("small")
    again.git("fetch", "-q", "paastech")
    assert again.git("show", "paastech/main:server.pl").stdout == apps.web("one")["server.pl"], "who only reads is served"
    assert stored(repository) == before and states(client) == ["live"]
    assert service.visit("small").text == "one GET /"
    disk.clear()
    repository.push()
    assert service.visit("small").text == "two GET /"
    assert states(client) == ["live", "superseded"] and sound(service, project) is True


def test_a_push_is_refused_before_the_last_room_goes(disk, client, small):
    _, repository = small
    repository.commit(apps.web("two"))
    disk.fill(leave=REFUSED_BELOW - MIB)
    refused = repository.push(check=False)
    assert refused.returncode != 0 and "disk is full" in refused.stderr, (disk.free(), refused.stderr)
    disk.clear()
    disk.fill(leave=REFUSED_BELOW + 4 * MIB)
    repository.push()
    assert states(client) == ["live", "superseded"], "the control: a little more room is enough"


def test_objects_that_fill_the_disk_are_refused_and_leave_nothing(disk, service, client, small):
    project, repository = small
    before = stored(repository)
    repository.git("config", "core.compression", "0")  # random bytes do not get smaller
    repository.commit({**apps.web("two"), "large": os.urandom(90 * MIB), ".dockerignore": "large\n"})
    disk.fill(leave=REFUSED_BELOW + 8 * MIB)
    room = disk.free()
    refused = repository.push(check=False)
    assert refused.returncode != 0, refused.stderr
    assert "the Service's disk is full; nothing was changed" in refused.stderr, refused.stderr
    assert "rejected" in refused.stderr or "remote unpack failed" in refused.stderr, refused.stderr
    wait_for(lambda: not quarantines(service, project), "the objects that came to be gone")
    wait_for(lambda: disk.free() > room - MIB, "the room that they took")
    assert stored(repository) == before and states(client) == ["live"] and sound(service, project) is True
    assert service.visit("small").text == "one GET /"
    ok(client.cli("env", "set", "AFTER=refusal", "-p", "small"))
    disk.clear()
    repository.push()
    assert service.visit("small").text == "two GET /"
    assert sound(service, project) is True


@pytest.mark.parametrize("roomy", [False, True], ids=["SQLite has no room either", "SQLite has room in its log"])
def test_what_is_deployed_while_the_disk_is_full_is_what_the_branch_says(disk, service, client, small, roomy):
    project, repository = small
    if roomy:
        # Its write-ahead log grows to 1000 pages and is used again from its beginning on (sqlite.org/wal.html): a Service
        # that has run for long can write to its database on a full disk, while git finds no room for a branch.
        client.project("quiet")
        for number in range(100):
            change = {"set": {"VALUE": f"{number} " + "v" * 60_000}}
            assert client.call("PATCH", "/projects/quiet/environment", change).status == 202
    before = stored(repository)
    head = repository.commit(apps.web("two", dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 2\nCOPY")))
    push = subprocess.Popen(["git", "push", "paastech", "main"], cwd=repository.path, env=client.environment(),
                            stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: states(client)[0] == "building", "the build to begin")
        disk.fill()
        wait_for(lambda: len(service.docker.project_images(project["id"])) == 2, "the build to be done")
        wait_for(lambda: push.poll() is not None, "the push to end", seconds=5, fails=False)
        ended = push.poll()
        assert service.visit("small").status == 200
        assert client.call("GET", "/projects/small").status == 200, "who only reads is served"
        disk.clear()
        told = push.communicate(timeout=60)[1]
    finally:
        push.kill()
        push.wait()
    moved = stored(repository)
    newest = wait_for(lambda: (d := states(client))[0] in ("live", "failed") and d, "the Deployment to have ended")
    serves = service.visit("small").text
    print(f"the push {'waited for room' if ended is None else 'ended at once'} with {push.returncode}: {newest}, {serves}, {moved}{told}")
    # The branch names what serves (docs/decisions/0003), and who pushed knows which it is.
    assert serves == ("two GET /" if head in moved else "one GET /"), f"the branch is at {moved.split()[0]}, {head} was pushed\n{told}"
    assert (push.returncode == 0) == (head in moved) == (newest == ["live", "superseded"]), (push.returncode, newest, moved, before, told)
    assert push.returncode == 0 or "disk is full" in told, told
    repository.commit(apps.web("three"))
    repository.push()
    assert service.visit("small").text == "three GET /" and sound(service, project) is True
