"""Base images that are not on the machine are fetched, and looked at before they are built upon."""
import secrets

import pytest

from tests.support import apps
from tests.support.pulling_engine import PullingEngine
from tests.support.service import SOCKET, Service


@pytest.fixture(scope="module")
def engine():
    made = Service()
    folder = secrets.token_hex(4)  # not the home's name, which may have what an image's may not: "-_"
    names = [f"pulled.example:5000/pt-{folder}/{kind}" for kind in ("good", "evil")]
    made.good, made.evil = names
    made.engine = PullingEngine(str(made.home / "engine.sock"), SOCKET, made.docker, {
        f"{made.good}:latest": ("debian:bookworm", "ONBUILD RUN echo triggered"),
        f"{made.evil}:1": ("debian:bookworm", "ONBUILD ADD http://169.254.169.254/ /stolen"),
    })
    made.socket = made.engine.path
    try:
        yield made.start()
    finally:
        made.close()
        made.engine.close()


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
