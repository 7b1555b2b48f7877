"""Deleting a Project of which not everything can be removed: while somebody is away it is said, nothing is half done, and the
next try or the Service itself finishes it; what others hold on to is told by kind, id and reason, and the rest goes."""
import contextlib
import pathlib
import re
import signal
import subprocess

import pytest

from tests.support import apps
from tests.support.cli import as_json, ok
from tests.support.cut_engine import CutEngine
from tests.support.service import SOCKET, wait_for


@pytest.fixture
def engine(fresh_service):
    """A Docker Engine that can be cut off, in a Service of its own."""
    service = fresh_service()
    proxy = CutEngine(str(service.home / "engine.sock"), SOCKET)
    service.socket = proxy.path
    service.extra.append(proxy.close)
    service.start()
    yield service, proxy


def deployed(client, name):
    project = client.project(name)
    client.repository(name, apps.web("doomed")).push()
    return project


def left(service, project):
    """What there is of a Project, by kind."""
    label = f"paastech.project={project['id']}"
    found = {"containers": [c["Id"] for c in service.docker.containers(label)],
             "networks": [n["Id"] for n in service.docker.networks(label)],
             "images": service.docker.project_images(project["id"]),
             "repositories": sorted(path.name for path in (service.home / "repositories").glob(f"{project['id']}*"))}
    return {kind: ids for kind, ids in found.items() if ids}


def delete(client, name):
    return client.call("DELETE", f"/projects/{name}?confirm={name}")


def test_while_the_engine_is_away_it_is_said_and_the_next_try_finishes(engine):
    service, proxy = engine
    client = service.client("owner")
    project = deployed(client, "doomed")
    repository = client.repository("doomed", apps.web("late"))
    whole = left(service, project)
    assert sorted(whole) == ["containers", "images", "networks", "repositories"], "the control: there is something of each"
    proxy.cut()
    told = client.cli("projects", "delete", "doomed", "--yes")
    assert told.returncode == 1 and "Docker Engine" in told.stderr and "Deleted" not in told.stdout, told
    again = delete(client, "doomed")
    assert again.status == 503 and "Docker Engine" in again.json()["detail"] and again.headers["Retry-After"], again
    assert left(service, project) == whole
    assert as_json(client.cli("projects", "info", "-p", "doomed", "--json"))["name"] == "doomed", "it is there to be tried again"
    refused = repository.push(check=False)
    assert refused.returncode != 0 and "is being deleted" in refused.stderr, refused.stderr
    restarted = client.call("POST", "/projects/doomed/restart")
    assert restarted.status == 412 and "is being deleted" in restarted.json()["detail"], restarted
    proxy.mend()
    removed = delete(client, "doomed")
    assert removed.status == 200, removed
    assert removed.json() == {"removed": {"containers": 1, "networks": 1, "images": 1}, "leftovers": []}
    assert left(service, project) == {}
    assert client.cli("projects", "info", "-p", "doomed").returncode == 4
    assert service.visit("doomed").status == 404
    client.project("doomed")  # the name is free again


@pytest.mark.parametrize("restarted", [False, True], ids=["it runs on", "it is restarted"])
def test_what_could_not_be_reached_is_removed_by_itself_later(engine, restarted):
    service, proxy = engine
    client = service.client("owner")
    project = deployed(client, "doomed")
    proxy.cut()
    assert delete(client, "doomed").status == 503
    if restarted:
        service.restart()
    proxy.mend()
    wait_for(lambda: client.call("GET", "/projects/doomed").status == 404, "the deletion to be finished by itself")
    assert left(service, project) == {}


@pytest.fixture
def stranger(service):
    """Makes containers that are nobody's, with an image and volumes; they are gone afterwards, and the volumes too."""
    with contextlib.ExitStack() as undo:
        def make(image, *volumes):
            binds = [f"{volume}:/kept{number}" for number, volume in enumerate(volumes)]
            for volume in volumes:
                undo.callback(service.docker.call, "DELETE", f"/volumes/{volume}?force=1")
            status, made = service.docker.call("POST", "/containers/create", {
                "Image": image, "Cmd": ["sleep", "600"], "HostConfig": {"NetworkMode": "none", "Binds": binds}})
            assert status == 201, made
            gone = lambda: service.docker.call("DELETE", f"/containers/{made['Id']}?force=1")
            undo.callback(gone)
            assert service.docker.call("POST", f"/containers/{made['Id']}/start")[0] == 204
            return made["Id"], gone
        yield make


def make_volume(service, project, name):
    """As the Service names and labels it (src/pomegranate/names.h); Clients have no way to make one yet."""
    volume = f"{service.instance}.{project['id']}.{name}"
    labels = {"paastech.instance": service.instance, "paastech.kind": "volume", "paastech.project": project["id"],
              "paastech.volume": name}
    status, made = service.docker.call("POST", "/volumes/create", {"Name": volume, "Labels": labels})
    assert status == 201, made
    return volume


def test_what_others_use_is_told_by_its_id_and_everything_else_goes(service, client, unique, stranger):
    name = unique("held")
    project = deployed(client, name)
    image, = service.docker.project_images(project["id"])
    used, unused = make_volume(service, project, "used"), make_volume(service, project, "unused")
    container, let_go = stranger(image, used)
    told = client.cli("projects", "delete", name, "--yes")
    assert told.returncode == 1 and f"Deleted {name} (containers: 1, networks: 1, images: 0)" in told.stdout, told
    rows = {kind: re.search(rf"^{kind}\s+(\S+)\s+(\S.*)$", told.stdout, re.M) for kind in ("image", "volume")}
    assert all(rows.values()), told.stdout
    assert rows["image"][1] == image and container[:12] in rows["image"][2], told.stdout
    assert rows["volume"][1] == used and "in use" in rows["volume"][2], told.stdout
    assert f"2 things of {name} could not be removed" in told.stderr and "administrator" in told.stderr, told.stderr
    assert left(service, project) == {"images": [image]}, "only what is held is left"
    assert service.docker.call("GET", f"/volumes/{unused}")[0] == 404
    assert service.docker.inspect(container)["State"]["Running"], "a stranger's container is not the Project's to end"
    assert client.cli("projects", "info", "-p", name).returncode == 4 and service.visit(name).status == 404
    # What the administrator was told is enough to finish it.
    let_go()
    assert service.docker.call("DELETE", f"/images/{rows['image'][1]}")[0] == 200
    assert service.docker.call("DELETE", f"/volumes/{rows['volume'][1]}")[0] == 204
    assert left(service, project) == {}


def test_the_answer_of_the_api_lists_what_was_left_with_the_reason(service, client, unique, stranger):
    name = unique("held")
    project = deployed(client, name)
    image, = service.docker.project_images(project["id"])
    stranger(image)
    answer = delete(client, name)
    assert answer.status == 200 and answer.json()["removed"] == {"containers": 1, "networks": 1, "images": 0}, answer
    leftover, = answer.json()["leftovers"]
    assert (leftover["kind"], leftover["id"]) == ("image", image) and "container" in leftover["reason"], leftover
    assert delete(client, name).status == 404


@pytest.mark.parametrize("part", [".", "objects/pack"], ids=["the whole of it", "a part of it"])
def test_a_repository_that_cannot_be_removed_is_told_and_holds_up_nothing(fresh_service, part):
    service = fresh_service().start()
    client = service.client("owner")
    project = deployed(client, "pinned")
    pinned = service.home / "repositories" / f"{project['id']}.git" / part
    subprocess.run(["mount", "--bind", pinned, pinned], check=True)  # so that it cannot be removed, nor moved where it is whole
    try:
        told = client.cli("projects", "delete", "pinned", "--yes")
        still = left(service, project)
    finally:
        for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():  # it may have moved with what it is in
            if line.split()[1].startswith(f"{service.home}/"):
                subprocess.run(["umount", "-l", line.split()[1]], check=True)
    assert list(still) == ["repositories"], still
    assert service.visit("pinned").status == 404
    ok(client.cli("projects", "create", "pinned"))
    assert told.returncode == 1 and "Deleted pinned" in told.stdout, told
    assert re.search(rf"^repository\s+{project['id']}\s+.*busy", told.stdout, re.M), told.stdout
    if part != ".":
        service.restart(signal.SIGTERM)
        assert left(service, project) == {}, "what was left is removed at the next start"
