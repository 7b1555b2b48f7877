"""Members at work: over the API and over real git; invitations, transfer, and what the audit log says of it."""
from tests.support import apps
from tests.support.members import accept, invite, secret_of
from tests.support.service import wait_for


def audit(client, path):
    answer = client.call("GET", path)
    assert answer.status == 200, answer
    return answer.json()["items"]


def test_a_viewer_fetches_a_maintainer_pushes_and_who_was_removed_does_neither(service, client, unique):
    name = client.project(unique())["name"]
    client.repository(name, apps.web("one")).push()
    guest = service.client(unique("guest"))
    theirs = guest.repository(name)
    stranger = theirs.git("fetch", "paastech", check=False)
    assert stranger.returncode != 0 and "does not exist, or you have no access" in stranger.stderr, stranger.stderr

    assert invite(client, name, guest, "viewer").json()["role"] == "viewer"
    theirs.git("fetch", "paastech")
    theirs.git("reset", "-q", "--hard", "paastech/main")
    theirs.commit(apps.web("two"))
    refused = theirs.push(check=False)
    assert refused.returncode != 0 and "viewer" in refused.stderr and "maintainer" in refused.stderr, refused.stderr
    assert service.visit(name).text == "one GET /"
    assert guest.call("POST", f"/projects/{name}/restart").status == 403

    username = guest.username
    assert client.call("PUT", f"/projects/{name}/members/{username}", {"role": "maintainer"}).status == 200
    theirs.push()
    assert service.visit(name).text == "two GET /"
    assert guest.call("PATCH", f"/projects/{name}/environment", {"set": {"A": "1"}}).status == 202
    assert guest.call("DELETE", f"/projects/{name}?confirm={name}").status == 403

    assert client.call("DELETE", f"/projects/{name}/members/{username}").status == 204
    theirs.commit(apps.web("three"))
    for command in (["fetch", "paastech"], ["push", "paastech", "main"]):
        done = theirs.git(*command, check=False)
        assert done.returncode != 0 and "does not exist, or you have no access" in done.stderr, done.stderr
    assert guest.call("GET", f"/projects/{name}").status == 404
    assert service.visit(name).text == "two GET /"


def test_an_invitation_is_for_the_one_who_was_invited(service, client, unique):
    name = client.project(unique())["name"]
    guest, other = service.client(unique("guest")), service.client(unique("other"))
    link = client.call("POST", f"/projects/{name}/invitations", {"email": guest.email, "role": "viewer"}).json()["link"]
    assert link.startswith(service.api), link
    refused = accept(other, link)
    assert refused.status == 403 and "another" in refused.json()["detail"], refused
    assert service.request("GET", link[len(service.api):]).status == 200, "it leads to the page for logging in"
    shown = service.request("GET", link[len(service.api):], token=guest.token)
    assert shown.status == 200 and name in shown.text and "<script" not in shown.text, shown
    assert accept(guest, link).status == 200
    assert accept(guest, link).status == 404
    assert secret_of(link) not in service.log()


def test_a_transferred_project_has_a_new_owner_and_serves_on(service, client, unique):
    name = client.project(unique())["name"]
    client.repository(name, apps.web("one")).push()
    heir = service.client(unique("heir"))
    username = heir.username
    made = client.call("POST", f"/projects/{name}/transfer", {"username": username})
    assert made.status == 201 and "email" not in made.json(), made
    assert client.call("GET", f"/projects/{name}").json()["role"] == "owner"
    assert accept(heir, made.json()["link"]).json()["owner"] == username
    assert [p["role"] for p in heir.call("GET", "/projects").json()["items"]] == ["owner"]
    assert client.call("GET", f"/projects/{name}").json()["role"] == "maintainer"
    assert client.call("DELETE", f"/projects/{name}?confirm={name}").status == 403
    assert service.visit(name).text == "one GET /"
    assert heir.call("DELETE", f"/projects/{name}?confirm={name}").status == 200


def test_the_audit_log_tells_of_changes_and_pushes_with_the_peer(service, client, unique):
    name = client.project(unique())["name"]
    client.repository(name, apps.web()).push()
    changed = client.call("PATCH", f"/projects/{name}/environment", {"set": {"SECRET": "canary-8812"}},
                          headers={"X-Forwarded-For": "203.0.113.9"})
    assert changed.status == 202, changed
    seen = audit(client, f"/projects/{name}/audit")
    assert [(e["action"], e["result"]) for e in seen] == [
        ("environment.change", "ok"), ("git.push", "ok"), ("project.create", "ok")], seen
    assert {e["address"] for e in seen} == {"127.0.0.1"}
    assert {e["actor"] for e in seen} == {client.username}
    assert seen[1]["object"].startswith("SHA256:"), seen[1]
    assert "canary-8812" not in str(seen)
    assert [e["id"] for e in audit(service.admin(), f"/audit?project={name}")] == [e["id"] for e in seen]
    assert client.call("GET", "/audit").status == 403


def test_a_refused_push_is_in_the_audit_log(service, client, unique):
    name = client.project(unique())["name"]
    guest = service.client(unique("guest"))
    assert invite(client, name, guest, "viewer").status == 200
    assert guest.repository(name, apps.web()).push(check=False).returncode != 0
    # Written beside the refusal.
    newest = wait_for(lambda: next((e for e in audit(client, f"/projects/{name}/audit") if e["action"] == "git.push"), None),
                      "the refused push in the audit log")
    assert (newest["action"], newest["result"], newest["detail"]) == ("git.push", "denied", "permission_denied"), newest
    assert newest["actor"] == guest.username


def test_the_audit_log_of_an_acknowledged_change_survives_kill_9(fresh_service):
    service = fresh_service().start()
    client = service.client("ada")
    for number in range(5):
        client.project(f"project-{number}")
    service.restart()
    created = [e["project"] for e in audit(client, "/me/audit") if e["action"] == "project.create"]
    assert created == [f"project-{number}" for number in (4, 3, 2, 1, 0)]
