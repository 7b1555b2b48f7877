"""paastechd is replaced, as an upgrade does it, with the router as a role of its own: Applications keep their processes, and
requests under way and new ones are unharmed."""
import http.client
import pathlib
import signal

import pytest

from tests.support import apps
from tests.support.cli import ok
from tests.support.roles import OTHERS, Split
from tests.support.service import wait_for
from tests.support.visitors import Beside, Load


class Waiting(Beside):
    """Three visitors whose requests take about as long as the roles are away, one after the other."""

    def __init__(self, service, name, seconds=3):
        super().__init__(*[self.run] * 3)
        self.service, self.name, self.seconds, self.answered, self.failures = service, name, seconds, 0, []

    def run(self):
        while not self.done.is_set():
            try:
                answer = self.service.visit(self.name, f"/sleep/{self.seconds}", timeout=60)
                if answer.status != 200:
                    self.failures.append(repr(answer))
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))


def process_of(service, container):
    state = service.docker.inspect(container)["State"]
    began = pathlib.Path(f"/proc/{state['Pid']}/stat").read_text().rsplit(")", 1)[1].split()[19]
    return state["Pid"], state["StartedAt"], began


@pytest.fixture
def split(fresh_service):
    made = Split(fresh_service())
    yield made
    made.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["upgraded", "killed"])
def test_all_roles_but_the_router_are_replaced_under_load(split, how):
    for role in (*OTHERS, "api"):
        split.start(role)
    service = split.service
    client = service.client("owner")
    client.project("steady")
    repository = client.repository("steady", apps.web("one") | {"Procfile": "web: exec perl /server.pl\nworker: exec sleep 1000\n"})
    repository.push()
    ok(client.cli("ps", "scale", "web=2", "-p", "steady"))
    instances = lambda: client.call("GET", "/projects/steady/instances")
    listed = lambda: {each["Id"]: process_of(service, each["Id"]) for each in service.docker.containers(service.label)}
    before = wait_for(lambda: len(service.docker.containers(service.label)) == 3 and listed(), "three Instances")
    with Load(service, "steady", visitors=6) as load, Waiting(service, "steady") as waiting:
        load.expect_more(200)
        for _ in range(3):
            roles = ("git", "pomegranate", "api")
            for role in roles:  # all of them are away at the same time
                code = split.kill(role, how)
                assert how != signal.SIGTERM or code == 0, f"{role} ended with {code}: {split.log(role)[-2000:]}"
            load.expect_more(200)
            for role in roles:
                split.start(role)
            wait_for(lambda: instances().status == 200, "the roles to have met again")
            load.expect_more(200)
            assert listed() == before, "Instances were touched"
        answered = waiting.answered
        wait_for(lambda: waiting.answered > answered, "a request that was under way")
        repository.commit(apps.web("two"))
        wait_for(lambda: repository.push(check=False).returncode == 0, "a push after that", seconds=60)
        assert service.visit("steady").text == "two GET /"
    print(f"three replacements by {how.name}: {load}; {waiting.answered} requests of {waiting.seconds} s, {len(waiting.failures)} failed")
    assert not load.failures, load.failures[:5]
    assert not waiting.failures and waiting.answered >= 6, waiting.failures[:5]
