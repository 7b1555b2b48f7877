"""The release command: in the image and with the environment of its Deployment, once, before anything of it runs; and what it
prints is kept."""
import threading

import pytest

from tests.support import apps
from tests.support.cli import ok
from tests.support.convergence import containers
from tests.support.service import wait_for

# Waits to be let go, so that what holds meanwhile can be looked at.
RELEASE = r"""
$| = 1;
print "releasing VERSION, MARK is ", ($ENV{MARK} // 'unset'), "\n";
if ($ENV{HOLD}) { sleep 1 until -e '/go' }
exit 4 if $ENV{MARK} && $ENV{MARK} eq 'bad';
"""


def released(version):
    return apps.web(version, 'release: {command: [perl, /release.pl], timeout: 30}\n', apps.DOCKERFILE.replace("COPY server.pl", "COPY server.pl release.pl")) \
        | {"release.pl": RELEASE.replace("VERSION", version)}


@pytest.fixture
def shop(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, released("one"))
    repository.push()
    return name, repository


def lines(client, name):
    """What the release commands printed, by Deployment."""
    items = client.log_lines(name, "process=release&lines=1000")
    return [(item["deployment"], item["text"].strip()) for item in items]


def set_variables(client, name, **variables):
    changed = client.call("PATCH", f"/projects/{name}/environment", {"set": variables})
    assert changed.status == 202, changed
    return changed.json()["deployment"]["number"]


def test_it_runs_in_the_new_image_with_the_new_environment_before_any_of_it(service, client, shop):
    name, repository = shop
    project = client.call("GET", f"/projects/{name}").json()["id"]
    ok(client.cli("env", "set", "MARK=first", "-p", name))
    number = set_variables(client, name, HOLD="1", MARK="second")
    held = lambda: [each for each in containers(service).values()
                    if each["State"] == "running" and "release.pl" in each["Command"]
                    and each["Labels"].get("paastech.project") == project]
    container = wait_for(held, "the release command to run")[0]["Id"]
    assert client.newest(name)["state"] == "releasing"
    environment = service.visit(name, "/environment").text
    assert "MARK=first" in environment and "PAASTECH_DEPLOYMENT=2" in environment, "what was live serves on"
    running = {item["deployment"] for item in client.call("GET", f"/projects/{name}/instances").json()["items"]}
    assert 2 in running and number not in running, running
    service.docker.run_in(container, ["touch", "/go"])
    wait_for(lambda: client.newest(name)["state"] == "live", "the Deployment to be live")
    assert "MARK=second" in service.visit(name, "/environment").text

    repository.commit(released("two"))
    pushing = threading.Thread(target=repository.push)
    pushing.start()
    container = wait_for(held, "the release command of the push to run")[0]["Id"]
    assert service.visit(name).text == "one GET /"
    service.docker.run_in(container, ["touch", "/go"])
    pushing.join(60)
    assert service.visit(name).text == "two GET /"
    expected = [(1, "releasing one, MARK is unset"), (2, "releasing one, MARK is first"),
                (number, "releasing one, MARK is second"), (number + 1, "releasing two, MARK is second")]
    wait_for(lambda: lines(client, name) == expected, f"{expected} to be kept", seconds=10, fails=False)
    assert lines(client, name) == expected
    shown = ok(client.cli("logs", "--process", "release", "--deployment", str(number), "-p", name))
    assert shown.count("releasing") == 1 and "MARK is second" in shown, shown


def test_it_runs_again_for_a_rollback_and_not_for_a_restart_or_a_scale(service, client, shop):
    name, repository = shop
    repository.commit(released("two"))
    repository.push()
    ok(client.cli("restart", "-p", name))
    ok(client.cli("ps", "scale", "web=2", "-p", name))
    ok(client.cli("rollback", "1", "-p", name))
    assert service.visit(name).text == "one GET /"
    wait_for(lambda: len(lines(client, name)) >= 3, "the last one to be kept")
    assert [text.split(",")[0] for _, text in lines(client, name)] == ["releasing one", "releasing two", "releasing one"]


def test_a_start_runs_it_for_what_was_set_while_it_was_stopped(service, client, shop):
    name, _ = shop
    ok(client.cli("stop", "-p", name))
    ok(client.cli("start", "-p", name))
    ok(client.cli("stop", "-p", name))
    client.cli("env", "set", "MARK=meanwhile", "-p", name)
    ok(client.cli("start", "-p", name))
    assert "MARK=meanwhile" in service.visit(name, "/environment").text
    ok(client.cli("restart", "-p", name))
    expected = ["releasing one, MARK is unset", "releasing one, MARK is meanwhile"]
    wait_for(lambda: len(lines(client, name)) >= 2, "the last one to be kept")
    assert [text for _, text in lines(client, name)] == expected


def test_one_that_fails_or_takes_too_long_fails_the_deployment_and_nothing_else(service, client, shop):
    name, _ = shop
    failing = client.cli("env", "set", "MARK=bad", "-p", name)
    last = client.newest(name)
    assert failing.returncode == 1 and (last["state"], last["reason"]) == ("failed", "release_failed"), (failing, last)
    assert "exit code 4" in last["message"], last
    late = client.cli("env", "set", "MARK=good", "HOLD=1", "-p", name)
    last = client.newest(name)
    assert late.returncode == 1 and (last["state"], last["reason"]) == ("failed", "release_failed"), (late, last)
    assert "30 s" in last["message"], last
    assert service.visit(name).text == "one GET /" and "MARK=" not in service.visit(name, "/environment").text
    assert {item["deployment"] for item in client.call("GET", f"/projects/{name}/instances").json()["items"]} == {1}
    left = [each for each in containers(service).values() if "release.pl" in each["Command"]]
    assert left == [], left
