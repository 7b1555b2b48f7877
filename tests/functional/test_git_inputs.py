"""What a person may send over SSH; what an attacker sends is in test_git_hostile.py."""
import os
import signal
import subprocess
import time

import pytest

from tests.support import apps
from tests.support.service import Repository, wait_for


def deployments(client, name):
    return client.call("GET", f"/projects/{name}/deployments").json()["items"]


def test_another_branch_is_stored_and_the_client_is_told_that_it_is_not_deployed(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web())
    done = repository.push("main:feature")
    assert "feature" in done.stderr and "main" in done.stderr, done.stderr
    assert "refs/heads/feature" in repository.git("ls-remote", "paastech").stdout
    assert deployments(client, name) == []


def test_master_deploys_where_there_is_no_main(service, client, unique):
    name = client.project(unique())["name"]
    client.repository(name, apps.web("old-style")).push("main:master")
    assert service.visit(name).text == "old-style GET /"


def test_a_tag_is_stored(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web())
    repository.git("tag", "v1")
    repository.push("v1")
    assert "refs/tags/v1" in repository.git("ls-remote", "paastech").stdout
    assert deployments(client, name) == []


def test_pushing_nothing_new_deploys_nothing(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web())
    repository.push()
    assert "up-to-date" in repository.push().stderr
    assert len(deployments(client, name)) == 1


def test_non_fast_forward_needs_force(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("one"))
    repository.push()
    repository.write(apps.web("rewritten"))
    repository.git("commit", "-q", "-a", "--amend", "-m", "rewritten")
    refused = repository.push(check=False)
    assert refused.returncode != 0 and "non-fast-forward" in refused.stderr, refused.stderr
    assert service.visit(name).text == "one GET /"
    repository.push("+main")
    assert service.visit(name).text == "rewritten GET /"


@pytest.mark.parametrize("refspec", [":main", "main:refs/notes/x", "main:refs/heads/../x", "main:refs/custom/thing"])
def test_other_updates_are_refused(client, unique, refspec):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web())
    repository.push()
    before = repository.git("ls-remote", "paastech").stdout
    assert repository.push(refspec, check=False).returncode != 0
    assert repository.git("ls-remote", "paastech").stdout == before


def test_unknown_and_foreign_projects_get_the_same_answer(service, client, unique):
    other = service.client(unique("stranger"))
    foreign = other.project(unique())["name"]
    answers = []
    for name in (foreign, "no-such-project"):
        done = client.repository(name, apps.web()).push(check=False)
        assert done.returncode != 0
        answers.append(done.stderr.replace(name, "NAME"))
        assert client.call("GET", f"/projects/{name}").status == 404
    assert answers[0] == answers[1]
    assert "does not exist" in answers[0], answers[0]


def test_an_unknown_key_is_refused(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web())
    os.replace(client.key, client.key.with_suffix(".kept"))
    os.replace(client.key.with_suffix(".pub"), client.key.with_suffix(".kept-pub"))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", client.key], check=True)
    done = repository.push(check=False)
    assert done.returncode != 0 and "Permission denied (publickey)" in done.stderr, done.stderr


def test_a_removed_key_no_longer_opens(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web())
    key = client.call("GET", "/keys").json()["items"][0]
    assert client.call("DELETE", f"/keys/{key['id']}").status == 204
    assert repository.push(check=False).returncode != 0


def test_a_pack_over_the_limit_is_refused_and_the_limit_is_named(fresh_service):
    service = fresh_service("[git]\nmax_push_bytes = 1048576\n").start()
    client = service.client("large")
    name = client.project("too-large")["name"]
    repository = client.repository(name, {"random": os.urandom(3 << 20)})
    done = repository.push(check=False)
    assert done.returncode != 0 and "1 MiB" in done.stderr, done.stderr
    assert "random" not in repository.git("ls-remote", "paastech").stdout


def test_ctrl_c_in_the_middle_of_a_deployment_does_not_cancel_it(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("late", dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 3\nCOPY")))
    process = subprocess.Popen(["git", "push", "paastech", "main"], cwd=repository.path, env=client.environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for(lambda: deployments(client, name) and deployments(client, name)[0]["state"] == "building", "the build to begin")
    os.killpg(process.pid, signal.SIGINT)
    process.wait()
    wait_for(lambda: deployments(client, name)[0]["state"] == "live", "the deployment to go on")
    assert service.visit(name).text == "late GET /"
    wait_for(lambda: repository.git("rev-parse", "HEAD").stdout.strip() in repository.git("ls-remote", "paastech", "main").stdout,
             "the branch to move")


def test_ctrl_c_while_objects_arrive_leaves_nothing(service, client, unique):
    project = client.project(unique())
    repository = client.repository(project["name"], {"random": os.urandom(60 << 20)})
    process = subprocess.Popen(["git", "push", "paastech", "main"], cwd=repository.path, env=client.environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    home = service.home / "repositories"
    wait_for(lambda: list(home.glob(f"{project['id']}*/objects/*/pack/tmp_pack*")) or list(home.glob(f"{project['id']}*/objects/tmp_objdir*")),
             "objects to arrive", every=0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not list(home.glob(f"{project['id']}*/objects/tmp_objdir*")), "the quarantine to go")
    assert deployments(client, project["name"]) == []


def test_cancel_ends_a_deployment_and_rejects_the_push(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("never", dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 60\nCOPY")))
    process = subprocess.Popen(["git", "push", "paastech", "main"], cwd=repository.path, env=client.environment(),
                               stderr=subprocess.PIPE, text=True)
    wait_for(lambda: deployments(client, name) and deployments(client, name)[0]["state"] == "building", "the build to begin")
    time.sleep(1)  # let the build's container start
    began = time.monotonic()
    assert client.cli("deployments", "cancel", "1", "-p", name).returncode == 0
    errors = process.communicate(timeout=30)[1]
    assert process.returncode != 0 and "ancelled" in errors, errors
    print(f"cancelled after {time.monotonic() - began:.2f} s")
    assert deployments(client, name)[0]["state"] == "cancelled"
    assert repository.git("ls-remote", "paastech").stdout == ""


def test_a_second_push_while_one_deploys_waits_and_is_never_half_done(service, client, unique):
    name = client.project(unique())["name"]
    slow = client.repository(name, apps.web("first", dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 3\nCOPY")))
    process = subprocess.Popen(["git", "push", "paastech", "main"], cwd=slow.path, env=client.environment(),
                               stderr=subprocess.PIPE, text=True)
    wait_for(lambda: deployments(client, name) and deployments(client, name)[0]["state"] == "building", "the build to begin")
    second = Repository(client, name, apps.web("second")).push(check=False)
    errors = process.communicate()[1]
    assert process.returncode == 0, errors
    assert second.returncode != 0 and "waiting for it" in second.stderr and "moved" in second.stderr, second.stderr
    assert service.visit(name).text == "first GET /"
    assert [d["state"] for d in deployments(client, name)] == ["live"]


def test_a_clone_gets_back_what_was_pushed(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("cloned"))
    repository.push()
    again = Repository(client, name)
    again.git("fetch", "-q", "paastech")
    assert again.git("show", "paastech/main:Dockerfile").stdout == apps.DOCKERFILE
