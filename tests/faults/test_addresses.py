"""An address that was one Project's becomes another's: nobody who asks for the first ever meets the second, also where the
ingress was away meanwhile and serves by an older table."""
import http.client
import ipaddress
import random

import pytest

from tests.support import apps
from tests.support.roles import OTHERS, Split
from tests.support.service import wait_for
from tests.support.visitors import Beside


def one_subnet():
    """A pool with room for a single network, clear of those that other Services take theirs from."""
    return ipaddress.ip_network(f"10.{random.randint(100, 199)}.{random.randint(0, 255)}.{16 * random.randint(0, 15)}/28")


def pool(toml=""):
    return toml + f'[engine]\nsubnet_pool = "{one_subnet()}"\nsubnet_bits = 28\n'


class Callers(Beside):
    """Who asks for a host all the while, on a connection that is kept as long as it lasts, and each time on a new one."""

    def __init__(self, service, name):
        super().__init__(self.keep, self.come)
        self.service, self.host = service, f"{name}.user-app.localhost"
        self.met, self.away = [], 0

    def keep(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.http_port, timeout=10)
        while not self.done.is_set():
            try:
                connection.request("GET", "/", headers={"Host": self.host})
                answer = connection.getresponse()
                self.met.append((answer.status, answer.read().decode(errors="replace")))
            except (OSError, http.client.HTTPException):
                self.away += 1
                connection.close()
            self.done.wait(0.005)
        connection.close()

    def come(self):
        while not self.done.is_set():
            try:
                answer = self.service.visit(self.host, timeout=10)
                self.met.append((answer.status, answer.text))
            except OSError:
                self.away += 1
            self.done.wait(0.005)

    def wrong(self):
        return [each for each in self.met if "second" in each[1]]

    def statuses(self):
        return {status: sum(1 for each in self.met if each[0] == status) for status in {each[0] for each in self.met}}


def address_of(service, project):
    container, = service.docker.containers(f"paastech.project={project['id']}")
    found, = service.docker.inspect(container["Id"])["NetworkSettings"]["Networks"].values()
    return found["IPAddress"]


def delete(client, name):
    return client.call("DELETE", f"/projects/{name}?confirm={name}", timeout=90)


def test_callers_of_a_deleted_project_never_meet_who_has_its_address_now(fresh_service):
    service = fresh_service(pool()).start()
    client = service.client("owner")
    first, second = client.project("first"), client.project("second")
    client.repository("first", apps.web("first")).push()
    repository = client.repository("second", apps.web("second"))
    full = repository.push(check=False)
    assert full.returncode != 0 and "subnet" in full.stderr, full.stderr
    address = address_of(service, first)
    with Callers(service, "first") as callers:
        wait_for(lambda: len(callers.met) > 50, "callers")
        assert delete(client, "first").json()["leftovers"] == []
        repository.push()
        assert address_of(service, second) == address, "the control: the address is another's now"
        assert service.visit("second").text == "second GET /"
        count = len(callers.met)
        wait_for(lambda: len(callers.met) > count + 100, "callers after that")
    print(f"{address} changed hands: {len(callers.met)} callers of the first met {callers.statuses()}, {len(callers.wrong())} the second")
    assert not callers.wrong(), callers.wrong()[:3]
    assert callers.met[-1][0] == 404 and callers.statuses()[200] > 50, callers.statuses()


@pytest.fixture
def split(fresh_service):
    made = Split(fresh_service())
    yield made
    made.close()


def test_an_ingress_with_an_older_table_sends_nobody_to_another_project(split):
    service = split.service
    # The Service's and the roles' files were written already; pomegranate's says where its networks are.
    path = split.home("pomegranate") / "paastech.toml"
    path.write_text(path.read_text().replace("[engine]\n", pool()))
    for role in (*OTHERS, "api"):
        split.start(role)
    client = service.client("owner")
    first, second = client.project("first"), client.project("second")
    client.repository("first", apps.web("first")).push()
    repository = client.repository("second", apps.web("second"))
    address = address_of(service, first)
    with Callers(service, "first") as callers:
        wait_for(lambda: len(callers.met) > 50, "callers")
        split.kill("router")
        deletion = delete(client, "first")
        count = len(callers.met)
        pushed = repository.push(check=False)
        assert pushed.returncode != 0, "the ingress is away"
        split.start("router")  # by the table that it has, which leads to the first still
        wait_for(lambda: client.call("GET", "/projects/first").status == 404, "the deletion to be finished", seconds=60)
        wait_for(lambda: repository.push(check=False).returncode == 0, "the second to be live", seconds=60)
        assert address_of(service, second) == address, "the control: the address is another's now"
        assert service.visit("second").text == "second GET /"
        after = len(callers.met)
        wait_for(lambda: len(callers.met) > after + 100, "callers after that")
    print(f"{address} changed hands while the ingress was away ({callers.away} refused): the deletion was answered {deletion.status}; "
          f"{len(callers.met)} callers of the first met {callers.statuses()}, {after - count} of them between, {len(callers.wrong())} the second")
    assert not callers.wrong(), callers.wrong()[:3]
    assert callers.away > 0 and callers.met[-1][0] == 404, (callers.away, callers.met[-1])
