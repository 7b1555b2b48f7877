"""The main job: a push becomes a live Application, or is rejected and changes nothing."""
import re
import time

import pytest

from tests.support import apps
from tests.support.service import wait_for


def deployments(client, name):
    return client.call("GET", f"/projects/{name}/deployments").json()["items"]


def test_a_push_is_live_at_its_own_host_name_when_git_returns(service, client, unique):
    project = client.project(unique())
    done = client.repository(project["name"], apps.web("one")).push()
    assert service.visit(project["name"]).text == "one GET /"
    assert service.visit(f"{project['id']}.user-app.localhost").text == "one GET /"
    assert project["url"] in done.stderr, done.stderr
    assert re.search(r"remote: .*Successfully built|remote: .*Step 1", done.stderr), done.stderr
    assert [(d["number"], d["state"], d["cause"]) for d in deployments(client, project["name"])] == [(1, "live", "push")]


def test_a_second_push_replaces_the_first(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("one"))
    repository.push()
    repository.commit(apps.web("two"))
    repository.push()
    assert service.visit(name).text == "two GET /"
    assert [d["state"] for d in deployments(client, name)] == ["live", "superseded"]
    wait_for(lambda: len(service.docker.containers(f"paastech.project={client.call('GET', f'/projects/{name}').json()['id']}")) == 1,
             "the old Instance to go")


@pytest.mark.parametrize("files, reason, expected", [
    (lambda: apps.web(dockerfile="FROM debian:bookworm\nRUN exit 7\n"), "build_failed", "returned a non-zero code: 7"),
    (lambda: apps.web(dockerfile='FROM debian:bookworm\nCMD ["sh", "-c", "echo last words; exit 3"]\n'), "exited", "last words"),
    (lambda: {"README": "no dockerfile"}, "no_dockerfile", "there is no Dockerfile at the root of the repository"),
    (lambda: apps.web(manifest="processes:\n  web:\n    prot: 80\n"), "invalid_manifest", "line 3"),
    (lambda: apps.web(manifest="processes:\n  web:\n    port: many\n"), "invalid_manifest", "port"),
    (lambda: apps.web(manifest="processes: {web: {ready_timeout: 2}}\n",
                      dockerfile='FROM debian:bookworm\nCMD ["sleep", "600"]\n'), "not_listening", "port"),
    (lambda: apps.web(dockerfile="# syntax=docker/dockerfile:1\nFROM debian:bookworm\n"), "invalid_dockerfile", "syntax"),
    (lambda: apps.web(dockerfile="FROM debian:bookworm\nRUN --network=host true\n"), "invalid_dockerfile", "network"),
    (lambda: apps.web(dockerfile="FROM debian:bookworm\nRUN --security=insecure true\n"), "invalid_dockerfile", "security"),
], ids=["broken build", "exits at once", "no Dockerfile", "unknown key", "wrong type", "never listens", "syntax", "network", "security"])
def test_a_failure_rejects_the_push_says_why_and_leaves_the_old_serving(service, client, unique, files, reason, expected):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("good"))
    repository.push()
    before = repository.git("ls-remote", "paastech", "main").stdout
    repository.git("rm", "-q", "-r", ".")
    repository.commit(files())
    done = repository.push(check=False)
    assert done.returncode != 0
    assert expected in done.stderr, done.stderr
    assert "rejected" in done.stderr
    assert repository.git("ls-remote", "paastech", "main").stdout == before
    assert service.visit(name).text == "good GET /"
    latest = deployments(client, name)[0]
    assert (latest["state"], latest["reason"]) == ("failed", reason), latest
    assert latest["message"]


def test_the_output_streams_while_it_happens(client, unique):
    import subprocess
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web(dockerfile=apps.DOCKERFILE.replace(
        "COPY", "RUN echo marker-early && sleep 4 && echo marker-late\nCOPY")))
    process = subprocess.Popen(["git", "push", "paastech", "main"], cwd=repository.path, env=client.environment(),
                               stderr=subprocess.PIPE, text=True)
    seen = {}
    for line in process.stderr:
        for marker in ("remote:     marker-early", "remote:     marker-late"):
            if line.startswith(marker):
                seen[marker[-12:].strip()] = time.monotonic()
    assert process.wait() == 0
    early, late = [seen[key] for key in sorted(seen)]
    assert abs(late - early) > 2, seen


def test_the_build_log_is_kept(client, unique):
    name = client.project(unique())["name"]
    client.repository(name, apps.web(dockerfile=apps.DOCKERFILE.replace("COPY", "RUN echo kept-for-later\nCOPY"))).push()
    log = client.call("GET", f"/projects/{name}/deployments/1/log", headers={"Accept": "text/plain"})
    assert "kept-for-later" in log.text
    assert "kept-for-later" in client.cli("deployments", "logs", "1", "-p", name).stdout


def test_port_comes_from_expose_or_the_manifest_and_is_told_to_the_application(service, client, unique):
    for dockerfile, manifest, port in [
        (apps.DOCKERFILE, None, 80),
        (apps.DOCKERFILE + "EXPOSE 5000\n", None, 5000),
        (apps.DOCKERFILE + "EXPOSE 5000\n", "processes:\n  web:\n    port: 7000\n", 7000),
        (apps.DOCKERFILE + "EXPOSE 5000 6000\n", None, 80),
    ]:
        name = client.project(unique())["name"]
        client.repository(name, apps.web(manifest=manifest, dockerfile=dockerfile)).push()
        assert f"PORT={port}" in service.visit(name, "/environment").text.splitlines()


def test_health_path_decides_when_it_is_ready(client, unique):
    name = client.project(unique())["name"]
    done = client.repository(name, apps.web(manifest="processes:\n  web:\n    health: /sleep/0\n")).push()
    assert done.returncode == 0
    broken = apps.web(manifest="processes:\n  web:\n    health: /teapot\n    ready_timeout: 2\n")
    broken["server.pl"] = broken["server.pl"].replace("'200 OK'", "'500 No'")
    assert "500 No" in broken["server.pl"]
    failing = client.repository(client.project(unique())["name"], broken).push(check=False)
    assert failing.returncode != 0 and "500" in failing.stderr and "/teapot" in failing.stderr, failing.stderr


def test_environment_changes_redeploy_without_a_build(service, client, unique):
    name = client.project(unique())["name"]
    client.repository(name, apps.web()).push()
    changed = client.call("PATCH", f"/projects/{name}/environment", {"set": {"GREETING": "a=b\nc", "EMPTY": ""}})
    assert changed.status == 202, changed
    wait_for(lambda: "GREETING=a=b\nc" in service.visit(name, "/environment").text, "the new environment")
    newest = wait_for(lambda: next((d for d in deployments(client, name) if d["state"] == "live" and d["number"] == 2), None),
                      "deployment 2 to be live")
    assert newest["cause"] == "config" and newest["image"] == deployments(client, name)[1]["image"]
    assert "Step 1" not in client.call("GET", f"/projects/{name}/deployments/2/log", headers={"Accept": "text/plain"}).text


def test_dockerfile_and_context_come_from_the_manifest(service, client, unique):
    name = client.project(unique())["name"]
    files = {f"app/{path}": content for path, content in apps.web("nested").items()}
    files["app/Containerfile"] = files.pop("app/Dockerfile")
    files["paastech.yaml"] = "build:\n  context: app\n  dockerfile: app/Containerfile\n"
    client.repository(name, files).push()
    assert service.visit(name).text == "nested GET /"
