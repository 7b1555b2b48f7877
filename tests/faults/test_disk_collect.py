"""Where the Engine's disk gets full, images that nobody goes back to go, and what builds left; what one goes back to and
volumes stay. Below that, what builds left has a budget."""
import os
import pathlib
import threading

import pytest

from tests.support import apps
from tests.support.cli import ok
from tests.support.convergence import images
from tests.support.service import wait_for


def used_percent(service):
    """Of the Engine's disk, as pomegranate reckons it."""
    disk = os.statvfs(pathlib.Path(service.docker.call("GET", "/info")[1]["DockerRootDir"]))
    return int(100 - disk.f_bavail * 100 // disk.f_blocks)


def names_of(service, project):
    return sorted(service.docker.project_images(project))


def remains(service):
    """Layers that builds left."""
    return images(service, [])


@pytest.fixture
def shop(fresh_service):
    """Three Deployments and a volume; what builds left that were killed goes afterwards."""
    service = fresh_service("[disk]\ncollect_percent = 100\n").start()
    client = service.client("owner")
    project = client.project("shop")
    repository = client.repository("shop", apps.web("v1"))
    repository.push()
    for version in ("v2", "v3"):
        repository.commit(apps.web(version))
        repository.push()
    volume = f"{service.instance}.{project['id']}.data"
    labels = {"paastech.instance": service.instance, "paastech.project": project["id"], "paastech.kind": "volume"}
    assert service.docker.call("POST", "/volumes/create", {"Name": volume, "Labels": labels})[0] == 201
    yield service, client, project, repository, volume
    for each in remains(service):
        service.docker.call("DELETE", f"/images/{each}?force=1")
    service.docker.call("DELETE", f"/volumes/{volume}?force=1")


def kill_in_a_build(service, repository):
    dockerfile = apps.DOCKERFILE.replace("COPY", "RUN head -c 2000000 /dev/urandom > /layer\nRUN sleep 600\nCOPY")
    repository.commit(apps.web("never", dockerfile=dockerfile))
    pushing = threading.Thread(target=lambda: repository.push(check=False))
    pushing.start()
    wait_for(lambda: remains(service), "the build to have made a layer", seconds=60)
    service.kill()
    pushing.join(60)
    assert remains(service), "the control: a build that was killed leaves its layers"


def test_at_its_limit_the_disk_is_cleared_of_what_nobody_needs_and_of_nothing_else(shop):
    service, client, project, repository, volume = shop
    percent = used_percent(service)
    assert percent >= 1, "a disk on which nothing is used cannot be at its limit"
    kept = [f"paastech/{project['id']}:{number}" for number in (1, 2, 3)]
    forsaken = f"paastech/{project['id']}:77"
    kill_in_a_build(service, repository)
    # While nobody is there, for what a Deployment leaves is tidied up, too.
    status, answer = service.docker.call("POST", f"/images/debian:bookworm/tag?repo=paastech/{project['id']}&tag=77")
    assert status == 201, answer

    # Below the limit: the budget alone holds, and only for what builds left.
    service.toml = "[disk]\ncollect_percent = 100\n[builds]\ncache_bytes = 0\n"
    service.start()
    wait_for(lambda: not remains(service), "what is beyond the budget to go")
    assert names_of(service, project["id"]) == sorted([*kept, forsaken])
    kill_in_a_build(service, repository)
    service.toml = "[disk]\ncollect_percent = 100\n"
    service.start()
    wait_for(lambda: service.visit("shop").text == "v3 GET /", "the Application to serve")
    assert remains(service), "within the budget it stays"
    service.kill()

    # At the limit.
    service.toml = f"[disk]\ncollect_percent = {percent}\n"
    service.start()
    wait_for(lambda: not remains(service) and forsaken not in names_of(service, project["id"]), "the disk to be cleared")
    print(f"at {percent} % used: kept {names_of(service, project['id'])}, and {volume}")
    assert names_of(service, project["id"]) == sorted(kept)
    assert service.docker.call("GET", f"/volumes/{volume}")[0] == 200
    assert service.docker.call("GET", "/images/debian:bookworm/json")[0] == 200
    assert service.visit("shop").text == "v3 GET /"
    ok(client.cli("rollback", "1", "-p", "shop"))
    assert service.visit("shop").text == "v1 GET /"
