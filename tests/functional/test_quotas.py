"""Memory and CPU of a plan: counted over all Instances of a Client, and refused where more would be made. (Projects,
Instances, build minutes, disk: test_admin.)"""
import pytest

from tests.support import apps
from tests.support.service import wait_for

NO_LIMITS = dict.fromkeys(["projects", "instances", "memory_bytes", "milli_cpus", "build_minutes", "disk_bytes"], -1)
MIB = 1 << 20
# What is limited: the field of a plan and of a process, what an Instance has by itself, what it has when it is small, and
# how an amount is written.
KINDS = {
    "memory": ("memory_bytes", 512 * MIB, 64 * MIB, {1: "512 MiB", 2: "1 GiB"}, "of memory"),
    "cpu": ("milli_cpus", 1000, 250, {1: "1", 2: "2"}, "core"),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture
def limited(service, client, unique):
    """Gives the Client a plan of its own, with that limit alone; changes it when called again."""
    name = unique("plan")

    def limit(field, most):
        made = service.admin().call("PUT", f"/plans/{name}", NO_LIMITS | {field: most})
        assert made.status == 200, made
        given = service.admin().call("PATCH", f"/clients/{client.email.split('@')[0]}", {"plan": name})
        assert given.status == 200 and given.json()["plan"] == name, given
        return name
    return limit


def used(client, field):
    usage = client.call("GET", "/me/usage")
    assert usage.status == 200, usage
    return usage.json()["used"][field]


def scale(client, project, **wanted):
    return client.call("PATCH", f"/projects/{project}/processes", {"processes": {"web": wanted}})


def ready(client, project):
    processes = client.call("GET", f"/projects/{project}/processes")
    assert processes.status == 200, processes
    return [(each["count"], each["ready"]) for each in processes.json()["items"]]


def test_a_push_that_would_pass_the_plan_is_refused_until_there_is_room(service, client, unique, limited, kind):
    field, each, _, shown, words = kind
    plan = limited(field, each)
    first, second = client.project(unique())["name"], client.project(unique())["name"]
    repository = client.repository(first, apps.web("one"))
    repository.push()
    assert used(client, field) == each
    other = client.repository(second, apps.web("other"))
    refused = other.push(check=False)
    assert refused.returncode != 0, refused.stderr
    assert f"the plan `{plan}` allows {shown[1]} {words}; in use: {shown[1]}" in refused.stderr, refused.stderr
    assert client.call("GET", f"/projects/{second}/deployments").json()["items"] == [], "it did not begin"
    assert service.visit(second).status in (404, 503)
    repository.commit(apps.web("two"))
    repository.push()  # takes the place of what runs, so it needs no more
    assert service.visit(first).text == "two GET /"
    limited(field, 2 * each)
    other.push()
    assert service.visit(second).text == "other GET /" and used(client, field) == 2 * each


def test_more_or_larger_instances_than_the_plan_allows_are_refused(service, client, unique, limited, kind):
    field, each, small, shown, words = kind
    plan = limited(field, 2 * each)
    name = client.project(unique())["name"]
    client.repository(name, apps.web("one")).push()
    assert scale(client, name, count=2).status == 202
    wait_for(lambda: ready(client, name) == [(2, 2)], "the second Instance")
    assert used(client, field) == 2 * each
    for wanted in ({"count": 3}, {field: each + small}):
        refused = scale(client, name, **wanted)
        assert refused.status == 403, (wanted, refused)
        assert f"the plan `{plan}` allows {shown[2]} {words}" in refused.json()["detail"], (wanted, refused)
        assert "administrator" in refused.json()["hint"], refused
        assert used(client, field) == 2 * each and ready(client, name) == [(2, 2)], "what was refused changed something"
    assert scale(client, name, count=3, **{field: small}).status == 202, "the control: three that are small have room"
    wait_for(lambda: ready(client, name) == [(3, 3)], "three Instances", seconds=60)
    wait_for(lambda: used(client, field) == 3 * small, "the amount in use to be that of the small ones")
    assert service.visit(name).text == "one GET /"
