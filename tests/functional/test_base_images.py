"""Base images that are not on the machine are fetched, and looked at before they are built upon; from no registry that is
neither well known nor listed."""
import contextlib
import secrets

import pytest

from tests.support import apps
from tests.support.pulling_engine import PullingEngine
from tests.support.service import SOCKET, Service


@contextlib.contextmanager
def served(made, images):
    """The Service, started, with an Engine that fetches these."""
    made.engine = PullingEngine(str(made.home / "engine.sock"), SOCKET, made.docker,
                                {name: ("debian:bookworm", change) for name, change in images.items()})
    made.socket = made.engine.path
    try:
        yield made.start()
    finally:
        made.close()
        made.engine.close()


@pytest.fixture(scope="module")
def engine():
    made = Service('[engine]\nregistries = "*"\n')
    folder = secrets.token_hex(4)  # not the home's name, which may have what an image's may not: "-_"
    made.good, made.evil = [f"pulled.example:5000/pt-{folder}/{kind}" for kind in ("good", "evil")]
    with served(made, {f"{made.good}:latest": "ONBUILD RUN echo triggered",
                       f"{made.evil}:1": "ONBUILD ADD http://169.254.169.254/ /stolen"}) as service:
        yield service


@pytest.fixture(scope="module")
def guarded():
    """A Service whose configuration lists no registry, and an Engine that would get these images all the same."""
    made = Service()
    folder = secrets.token_hex(4)
    made.evil, made.known = f"registry.evil.example/pt-{folder}/x", f"ghcr.io/pt-{folder}/good"
    made.baited = f"ghcr.io/pt-{folder}/baited"
    with served(made, {f"{made.evil}:1": "LABEL mark=evil", f"{made.known}:1": "LABEL mark=known",
                       f"{made.baited}:1": f"ONBUILD COPY --from={made.evil}:1 / /stolen"}) as service:
        yield service


def app(base):
    return apps.web(dockerfile=apps.DOCKERFILE.replace("debian:bookworm", base))


def test_a_missing_base_image_is_fetched_once_and_built_upon(engine, unique):
    client = engine.client("puller")
    for _ in range(2):
        project = client.project(unique())
        pushed = client.repository(project["name"], app(engine.good)).push()
        assert pushed.returncode == 0, pushed.stderr
        assert "triggered" in pushed.stderr
        assert engine.visit(project["name"]).text == "one GET /"
    assert engine.engine.pulls == [f"{engine.good}:latest"]


def test_its_triggers_are_held_to_the_rules_of_a_dockerfile(engine, unique):
    client = engine.client("trigger")
    pushed = client.repository(client.project(unique())["name"], app(engine.evil + ":1")).push(check=False)
    assert pushed.returncode != 0
    assert "Dockerfile line 1: the image" in pushed.stderr and "ADD of a URL is not allowed" in pushed.stderr


def test_one_that_is_nowhere_is_named(engine, unique):
    client = engine.client("nowhere")
    pushed = client.repository(client.project(unique())["name"], app("nowhere.example/x:1")).push(check=False)
    assert pushed.returncode != 0
    assert "a base image cannot be found" in pushed.stderr and "nowhere.example/x:1" in pushed.stderr


def refusal(line):
    return (f"Dockerfile line {line}: the image ", "the registry registry.evil.example is not among those that this Service fetches from",
            "ask the administrator to list registry.evil.example in engine.registries")


def test_a_registry_that_is_neither_well_known_nor_listed_is_refused_and_the_engine_is_not_asked(guarded, unique):
    client = guarded.client("stranger")
    name = client.project(unique())["name"]
    repository = client.repository(name, app(guarded.evil + ":1"))
    pushed = repository.push(check=False)
    assert pushed.returncode != 0 and all(part in pushed.stderr for part in refusal(1)), pushed.stderr
    for reference in (f"{guarded.evil}:1", f"{guarded.evil}@sha256:{'0' * 64}", "ghcr.io.evil.example/x", "ghcr.io:8443/x"):
        done = client.cli("deploy", "--image", reference, "-p", name)
        last = client.newest(name)
        assert done.returncode == 1 and (last["state"], last["reason"]) == ("failed", "invalid_image"), (done, last)
        host = reference.split("/")[0]
        for part in (f"the registry {host} is not among those", f"list {host} in engine.registries"):
            assert part in done.stderr and part in last["message"], (done, last)
    assert (guarded.engine.pulls, guarded.engine.digests) == ([], []), "the Engine was asked"
    # The controls: a well-known one is asked for, and its image is built upon.
    assert client.cli("deploy", "--image", "ghcr.io/pt/none:1", "-p", name).returncode == 1
    assert guarded.engine.digests == ["ghcr.io/pt/none:1"]
    pushed = client.repository(client.project(unique())["name"], app(guarded.known + ":1")).push()
    assert pushed.returncode == 0 and guarded.engine.pulls == [f"{guarded.known}:1"], pushed.stderr


def test_no_trigger_brings_the_builder_to_such_a_registry(guarded, unique):
    client = guarded.client("trigger")
    own = f"FROM debian:bookworm AS base\nONBUILD COPY --from={guarded.evil}:1 / /stolen\nFROM base\nCMD x\n"
    baited = apps.web(dockerfile=apps.DOCKERFILE.replace("debian:bookworm", guarded.baited + ":1"))
    for line, files in ((2, apps.web(dockerfile=own)), (1, baited)):
        pushed = client.repository(client.project(unique())["name"], files).push(check=False)
        assert pushed.returncode != 0 and all(part in pushed.stderr for part in refusal(line)), pushed.stderr
    assert f"{guarded.baited}:1" in guarded.engine.pulls and f"{guarded.evil}:1" not in guarded.engine.pulls
