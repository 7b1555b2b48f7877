"""Who may see the values of variables: the route is open to every member and token that may read, its `reveal` is not. The
matrix of routes (unit.api) does not ask for it."""
import pytest

from tests.support.cli import ok

VALUE = "canary-shown-only-to-some-3d9a"


def joined(service, owner, project, name, role):
    member = service.client(name)
    made = owner.call("POST", f"/projects/{project}/invitations", {"email": member.email, "role": role})
    assert made.status == 201, made
    secret = made.json()["link"].split("secret=")[1]
    assert member.call("POST", "/invitations/accept", {"secret": secret}).status == 200
    return member


@pytest.fixture
def shop(client, unique):
    """A project of the Client's with one variable."""
    project = client.project(unique("shop"))["name"]
    assert client.call("PATCH", f"/projects/{project}/environment", {"set": {"SECRET": VALUE}}).status == 202
    return project


def listed(service, token, project, reveal):
    return service.request("GET", f"/api/v1/projects/{project}/environment?reveal={reveal}", token=token)


def hold(service, token, project, may, why):
    """Who may not see them is told so, and nothing of them; the names are for all that may read."""
    names = listed(service, token, project, "false")
    assert names.status == 200 and [item["name"] for item in names.json()["items"]] == ["SECRET"], (why, names)
    assert VALUE not in names.text, (why, names)
    shown = listed(service, token, project, "true")
    if may:
        assert shown.status == 200 and shown.json()["items"][0]["value"] == VALUE, (why, shown)
    else:
        assert shown.status == 403 and VALUE not in shown.text, (why, shown)
        assert shown.json()["detail"] and shown.json()["hint"], (why, shown)


def test_owner_and_maintainer_see_the_values_and_a_viewer_does_not(service, client, unique, shop):
    hold(service, client.token, shop, True, "owner")
    maintainer = joined(service, client, shop, unique("maintainer"), "maintainer")
    viewer = joined(service, client, shop, unique("viewer"), "viewer")
    hold(service, maintainer.token, shop, True, "maintainer")
    hold(service, viewer.token, shop, False, "viewer")
    hold(service, service.admin().token, shop, True, "administrator")
    refused = viewer.cli("env", "list", "--reveal", "-p", shop)
    assert refused.returncode == 1 and "viewer" in refused.stderr and VALUE not in refused.stdout + refused.stderr, refused
    assert "SECRET" in ok(viewer.cli("env", "list", "-p", shop))
    name = viewer.username
    assert client.call("PUT", f"/projects/{shop}/members/{name}", {"role": "maintainer"}).status == 200
    hold(service, viewer.token, shop, True, "once it is a maintainer")
    assert client.call("PUT", f"/projects/{shop}/members/{name}", {"role": "viewer"}).status == 200
    hold(service, viewer.token, shop, False, "and no longer")


def test_of_the_owners_tokens_only_those_that_manage_show_them(service, client, unique, shop):
    other = client.project(unique("other"))["name"]

    def token(scope, *projects):
        made = client.call("POST", "/tokens", {"name": scope, "scope": scope} | ({"projects": list(projects)} if projects else {}))
        assert made.status == 201, made
        return made.json()["token"]
    for scope, may in (("read", False), ("deploy", False), ("manage", True)):
        hold(service, token(scope), shop, may, scope)
        hold(service, token(scope, shop), shop, may, f"{scope}, for this project alone")
        elsewhere = listed(service, token(scope, other), shop, "true")
        assert elsewhere.status == 404 and VALUE not in elsewhere.text, (scope, elsewhere)


def test_nothing_else_that_a_viewer_reads_has_them(service, client, unique, shop):
    viewer = joined(service, client, shop, unique("viewer"), "viewer")
    broken = client.repository(shop, {"Dockerfile": "FROM debian:bookworm\nRUN env && exit 9\n"})
    assert broken.push(check=False).returncode != 0
    for path in ("", "/deployments", "/deployments/1", "/deployments/1/log", "/processes", "/instances", "/audit", "/logs",
                 "/members"):
        answer = viewer.call("GET", f"/projects/{shop}{path}")
        assert answer.status == 200 and VALUE not in answer.text, (path, answer)
    assert "SECRET" in viewer.call("GET", f"/projects/{shop}/environment").text, "the control"
    assert "exit 9" in viewer.call("GET", f"/projects/{shop}/deployments/1/log").text, "the control: it shows what the build printed"
