"""Release commands, strategies, rollback, images of a registry; and that no visitor notices a change."""
import threading
import time

import pytest

from tests.support import apps
from tests.support.cli import ok
from tests.support.service import wait_for
from tests.support.visitors import Load


def instances(client, name):
    return client.call("GET", f"/projects/{name}/instances").json()["items"]


@pytest.fixture
def shop(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("one"))
    repository.push()
    return name, repository


def test_no_visitor_notices_scale_restart_rollback_and_redeploy(service, client, shop):
    name, repository = shop
    repository.commit(apps.web("two"))
    repository.push()
    with Load(service, name) as load:
        for change in (["ps", "scale", "web=3"], ["restart"], ["rollback"], ["ps", "scale", "web=1"], ["env", "set", "A=1"]):
            ok(client.cli(*change, "-p", name))
            if change == ["rollback"]:  # over the restart and the change of scale, which run what is live
                assert service.visit(name).text == "one GET /"
        repository.commit(apps.web("three"))
        repository.push()
    print(load)
    assert load.requests > 100 and not load.failures, load.failures[:5]
    assert service.visit(name).text == "three GET /"


def test_a_rollback_runs_the_earlier_image_with_the_earlier_environment(service, client, shop):
    name, repository = shop
    ok(client.cli("env", "set", "COLOUR=blue", "-p", name))
    repository.commit(apps.web("two"))
    repository.push()
    ok(client.cli("env", "set", "COLOUR=red", "-p", name))
    out = ok(client.cli("rollback", "2", "-p", name))
    assert "Live" in out or "live" in out, out
    assert service.visit(name).text == "one GET /"
    assert "COLOUR=blue" in service.visit(name, "/environment").text
    last = client.newest(name)
    assert (last["cause"], last["state"]) == ("rollback", "live"), last
    assert "Building" not in ok(client.cli("deployments", "logs", str(last["number"]), "-p", name))
    back = client.cli("rollback", "-p", name)
    assert service.visit(name).text == "two GET /", ok(back)
    refused = client.cli("rollback", "99", "-p", name)
    assert refused.returncode == 4 and "no deployment 99" in refused.stderr, refused


def test_a_release_command_runs_once_in_the_new_image_before_any_traffic(service, client, unique):
    name = client.project(unique())["name"]
    release = "release: [perl, -e, 'print \"released by $ENV{PAASTECH_PROCESS}\\n\"; exit($ENV{CODE} // 0)']\n"
    repository = client.repository(name, apps.web("one", release))
    done = repository.push()
    assert done.stderr.count("released by release") == 1, done.stderr
    assert done.stderr.index("released by release") < done.stderr.index("Starting web"), done.stderr
    failing = client.cli("env", "set", "CODE=7", "-p", name)
    assert failing.returncode == 1, failing
    last = client.newest(name)
    assert (last["state"], last["reason"]) == ("failed", "release_failed") and "exit code 7" in last["message"], last
    assert service.visit(name).text == "one GET /"
    assert len(instances(client, name)) == 1


def resized(client, name, memory):
    """What the Deployment says that gives web another size."""
    ok(client.cli("ps", "size", "web", "--memory", memory, "-p", name))
    newest = client.newest(name)
    assert (newest["cause"], newest["state"]) == ("scale", "live"), newest
    return ok(client.cli("deployments", "logs", str(newest["number"]), "-p", name))


def test_rolling_replaces_one_by_one_and_recreate_ends_the_old_first(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("one", "strategy: rolling\n"))
    ok(client.cli("ps", "scale", "web=2", "-p", name))
    repository.push()
    repository.commit(apps.web("two", "strategy: rolling\n"))
    done = repository.push()
    assert "Replacing web 1 of 2" in done.stderr and "Replacing web 2 of 2" in done.stderr, done.stderr
    assert service.visit(name).text == "two GET /"
    assert "Replacing web 2 of 2" in resized(client, name, "64M")
    repository.commit(apps.web("three", "strategy: recreate\n"))
    done = repository.push()
    assert "Ending what runs" in done.stderr, done.stderr
    assert service.visit(name).text == "three GET /"
    assert wait_for(lambda: len(instances(client, name)) == 2, "two Instances of the new version")
    assert "Ending web, before its new size starts" in resized(client, name, "96M")
    assert service.visit(name).text == "three GET /"


def test_a_rolling_deployment_that_fails_brings_the_old_instances_back(service, client, unique):
    name = client.project(unique())["name"]
    manifest = "strategy: rolling\nprocesses: {web: {ready_timeout: 3}}\n"
    repository = client.repository(name, apps.web("one", manifest))
    ok(client.cli("ps", "scale", "web=2", "-p", name))
    repository.push()
    repository.commit(apps.web("two", manifest, 'FROM debian:bookworm\nCMD ["sleep", "600"]\n'))
    assert repository.push(check=False).returncode != 0
    wait_for(lambda: sorted((i["deployment"], i["state"]) for i in instances(client, name)) == [(1, "running")] * 2,
             "both old Instances and no other")
    assert service.visit(name).text == "one GET /"


def test_an_instance_that_is_alive_no_more_is_replaced(service, client, unique):
    name = client.project(unique())["name"]
    files = apps.web("one", "processes: {web: {liveness: {command: [test, '!', -e, /sick], interval: 1, failures: 2}}}\n")
    files["server.pl"] = files["server.pl"].replace("my $body = VERSION", "if ($path eq '/sicken') { open my $f, '>', '/sick' }\nmy $body = VERSION")
    client.repository(name, files).push()
    service.visit(name, "/sicken")
    seen = wait_for(lambda: next((i["crash"] for i in instances(client, name) if i.get("crash")), None), "it to be ended")
    assert "alive no more" in seen["reason"], seen


def test_cancel_ends_a_build_at_once(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web(dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 600\nCOPY")))
    pushing = threading.Thread(target=lambda: repository.push(check=False))
    pushing.start()
    wait_for(lambda: client.call("GET", f"/projects/{name}/deployments").json()["items"] and client.newest(name)["state"] == "building",
             "the build to begin")
    began = time.monotonic()
    ok(client.cli("deployments", "cancel", "1", "-p", name))
    print(f"cancelled after {time.monotonic() - began:.1f} s")
    pushing.join()
    assert client.newest(name)["state"] == "cancelled"
