"""Several processes of one application: named by a Procfile and paastech.yaml, scaled and sized."""
import json
from collections import Counter

import pytest

from tests.support import apps
from tests.support.cli import as_json, ok

WORKER = "worker: echo working as $0-$ROLE; exec sleep 1000\n"


def running(client, name):
    """Running Instances by process."""
    items = client.call("GET", f"/projects/{name}/instances").json()["items"]
    return Counter(item["process"] for item in items if item["state"] == "running")


def shown(client, name):
    return {item["name"]: item for item in client.call("GET", f"/projects/{name}/processes").json()["items"]}


@pytest.fixture
def shop(client, unique):
    """A live Application of a web and a worker, and its working copy."""
    name = client.project(unique())["name"]
    client.call("PATCH", f"/projects/{name}/environment", {"set": {"ROLE": "helper"}, "unset": []})
    files = apps.web("one") | {"Procfile": "# what runs\nweb: exec perl /server.pl\n" + WORKER}
    repository = client.repository(name, files)
    repository.push()
    return name, repository


def test_a_procfile_names_what_runs(service, client, shop):
    name, _ = shop
    assert running(client, name) == {"web": 1, "worker": 1}
    assert service.visit(name).text == "one GET /"
    processes = shown(client, name)
    assert processes["worker"]["command"].startswith("echo working"), processes
    assert processes["web"]["ready"] == processes["web"]["count"] == 1, processes
    out = ok(client.cli("ps", "-p", name))
    assert "worker.1" in out and "1 of 1" in out and "exec perl /server.pl" in out, out
    assert "working as /bin/sh-helper" in ok(client.cli("logs", "-p", name)), "a shell runs it, with the environment"


def test_scale_starts_and_ends_instances_and_stays_over_a_push(service, client, shop):
    name, repository = shop
    out = ok(client.cli("ps", "scale", "web=3", "worker=2", "-p", name))
    assert "Scaled web to 3, worker to 2." in out, out
    assert running(client, name) == {"web": 3, "worker": 2}
    newest = client.newest(name)
    assert (newest["cause"], newest["state"]) == ("scale", "live"), newest
    repository.commit(apps.web("two") | {"Procfile": "web: exec perl /server.pl\n" + WORKER})
    repository.push()
    assert service.visit(name).text == "two GET /"
    assert {key: item["count"] for key, item in shown(client, name).items()} == {"web": 3, "worker": 2}
    ok(client.cli("ps", "scale", "web=1", "worker=0", "-p", name))
    assert running(client, name) == {"web": 1}
    assert service.visit(name).text == "two GET /"


def test_a_size_is_the_limit_of_the_instances(client, shop):
    name, _ = shop
    ok(client.cli("ps", "size", "web", "--memory", "64M", "--cpus", "0.25", "-p", name))
    limits = {item["name"]: item["memory_limit_bytes"] for item in client.call("GET", f"/projects/{name}/stats").json()["items"]}
    assert limits == {"web.1": 64 << 20, "worker.1": 512 << 20}, limits
    assert (shown(client, name)["web"]["memory_bytes"], shown(client, name)["web"]["milli_cpus"]) == (64 << 20, 250)
    refused = client.cli("ps", "size", "web", "--memory", "1M", "-p", name)
    assert refused.returncode != 0 and "16 MiB" in refused.stderr, refused


def test_an_unknown_process_is_refused_by_the_names_of_those_there_are(client, shop):
    name, _ = shop
    refused = client.cli("ps", "scale", "wroker=2", "-p", name)
    assert refused.returncode == 4 and "its processes are: web, worker" in refused.stderr, refused
    assert running(client, name) == {"web": 1, "worker": 1}


def test_a_scale_beyond_the_plan_is_refused(client, shop):
    name, _ = shop
    refused = client.cli("ps", "scale", "web=90", "-p", name)
    assert refused.returncode == 1 and "the plan `default` allows" in refused.stderr, refused
    assert shown(client, name)["web"]["count"] == 1


def test_what_the_procfile_gets_wrong_is_named_by_its_line(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("one") | {"Procfile": "web: perl /server.pl\nworker\n"})
    refused = repository.push(check=False)
    assert refused.returncode != 0 and "Procfile line 2: has no colon" in refused.stderr, refused.stderr


def test_the_yaml_refines_the_procfile_and_its_command_wins(service, client, unique):
    name = client.project(unique())["name"]
    manifest = "processes:\n  web: {port: 5000, health: /healthz}\n  worker: {command: [sleep, '1000']}\n"
    files = apps.web("one", manifest) | {"Procfile": "web: exec perl /server.pl\nworker: exit 1\n"}
    client.repository(name, files).push()
    assert running(client, name) == {"web": 1, "worker": 1}
    assert "PORT=5000" in service.visit(name, "/environment").text
    assert shown(client, name)["worker"]["command"] == "sleep 1000"


def test_an_application_without_web_runs_and_takes_no_requests(service, client, unique):
    name = client.project(unique())["name"]
    client.repository(name, {"Dockerfile": "FROM debian:bookworm\n", "Procfile": "clock: exec sleep 1000\n"}).push()
    assert running(client, name) == {"clock": 1}
    assert service.visit(name).status == 503


def test_a_scale_before_the_first_push_is_used_by_it(client, unique):
    name = client.project(unique())["name"]
    answer = as_json(client.cli("ps", "scale", "web=2", "--json", "-p", name))
    assert "deployment" not in answer, json.dumps(answer)
    client.repository(name, apps.web("one")).push()
    assert running(client, name) == {"web": 2}
