"""The Docker Engine goes away in the middle of a push: the push is rejected soon and says why, the old version serves all the
while, and once the Engine is back nothing is left of the attempt and the next push goes through."""
import subprocess
import time

import pytest

from tests.support import apps
from tests.support.cut_engine import CutEngine
from tests.support.service import SOCKET, wait_for
from tests.support.visitors import Visitors

STEPS = {"building": apps.web("two", dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 60\nCOPY")),
         "starting": apps.web("two", dockerfile='FROM debian:bookworm\nCMD ["sleep", "600"]\n')}


@pytest.fixture
def service(fresh_service):
    made = fresh_service()
    made.engine = CutEngine(str(made.home / "engine.sock"), SOCKET)
    made.socket = made.engine.path
    made.extra.append(made.engine.close)
    return made.start()


@pytest.mark.parametrize("step", STEPS)
def test_a_push_is_rejected_with_the_reason_and_what_it_left_goes(service, client, unique, step):
    project = client.project(unique())
    name = project["name"]
    newest = lambda: client.call("GET", f"/projects/{name}/deployments").json()["items"][0]
    repository = client.repository(name, apps.web("one"))
    repository.push()
    before = repository.git("ls-remote", "paastech").stdout
    repository.commit(STEPS[step])
    push = subprocess.Popen(["git", "push", "paastech", "main"], cwd=repository.path, env=client.environment(),
                            stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: newest()["state"] == step, f"the Deployment to be {step}")
        if step == "building":
            wait_for(lambda: builds(service, project), "the step of the build to run")
        with Visitors(service, name):
            service.engine.cut()
            began = time.monotonic()
            told = push.communicate(timeout=60)[1]
            print(f"rejected {time.monotonic() - began:.1f} s after the Engine went away")
            assert push.returncode != 0 and "Docker Engine" in told and "rejected" in told, told
            assert repository.git("ls-remote", "paastech").stdout == before
            refused = repository.push(check=False)
            assert refused.returncode != 0 and "Docker Engine" in refused.stderr, refused.stderr
            service.engine.mend()
            wait_for(lambda: not builds(service, project), "the step of the build to be gone")
            wait_for(lambda: len(service.docker.containers(service.label)) == 1, "only the old Instance to be left")
    finally:
        push.kill()
        push.wait()
    failed = [(d["state"], d["number"]) for d in client.call("GET", f"/projects/{name}/deployments").json()["items"]]
    assert failed == [("failed", 3), ("failed", 2), ("live", 1)], failed
    assert service.visit(name).text == "one GET /"
    repository.commit(apps.web("three"))
    repository.push()
    assert service.visit(name).text == "three GET /"


def builds(service, project):
    """Containers of the Project's network that are no Instance: the steps of a build."""
    listed = service.docker.call("GET", "/containers/json")[1]
    networks = {network["Name"] for network in service.docker.networks(f"paastech.project={project['id']}")}
    return [c["Id"] for c in listed if "sleep 60" in c["Command"] and networks & set(c["NetworkSettings"]["Networks"])]
