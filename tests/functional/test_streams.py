"""Open event streams end at once where their reader loses what let it read, not only when the stream next asks by itself.

A stream asks by itself 15 s after it began; here it must end before.
"""
import json
import urllib.request

import pytest

from tests.support.members import invite


class Stream:
    """A follower of a Project's logs, with a token."""

    def __init__(self, service, name, token):
        request = urllib.request.Request(f"{service.api}/api/v1/projects/{name}/logs?follow=true&lines=1")
        request.add_header("Authorization", "Bearer " + token)
        self.answer = urllib.request.urlopen(request, timeout=10)

    def rest(self):
        """What still comes until the Service ends it; fails where nothing comes for 10 s."""
        with self.answer:
            return self.answer.read().decode()

    def last_error(self):
        events = [block for block in self.rest().split("\n\n") if block.startswith("event: error\n")]
        assert len(events) == 1, events
        return json.loads(events[0].split("data: ", 1)[1])


@pytest.fixture
def reader(service, unique):
    return service.client(unique("reader"))


@pytest.fixture
def owned(reader, unique):
    return reader.project(unique())["name"]


def test_a_suspension_ends_them(service, reader, owned):
    stream = Stream(service, owned, reader.token)
    assert service.admin().call("POST", f"/clients/{reader.username}/suspend", {"reason": "mining coins"}).status == 200
    assert stream.last_error()["status"] in (401, 403)


def test_the_deletion_of_an_account_ends_them(service, reader, owned):
    stream = Stream(service, owned, reader.token)
    deleted = service.admin().call("DELETE", f"/clients/{reader.username}?confirm={reader.username}")
    assert deleted.status == 202, deleted
    assert stream.last_error()["status"] in (401, 404)


@pytest.mark.parametrize("how", ["DELETE /sessions/current", "DELETE /sessions/ID", "DELETE /sessions", "POST /me/password"])
def test_the_end_of_a_login_ends_them_and_no_other_login_s(service, reader, owned, how):
    ending, staying = reader.log_in(), reader.log_in()
    ended, stays = (Stream(service, owned, login["token"]) for login in (ending, staying))
    method, path = how.replace("ID", ending["token_id"]).split()
    by, body = staying["token"], None
    if path == "/sessions/current":
        by = ending["token"]
    if path == "/me/password":
        body = {"current": reader.password, "password": "another long one 4711"}
    done = service.request(method, "/api/v1" + path, body, token=by)
    assert done.status in (200, 204), done
    assert ended.last_error()["status"] == 401
    assert service.request("GET", "/api/v1/me", token=staying["token"]).status == 200
    done = service.request("DELETE", "/api/v1/sessions/current", token=staying["token"])
    assert done.status == 204, done
    assert stays.last_error()["status"] == 401


def test_a_revoked_token_ends_them(service, reader, owned):
    made = reader.call("POST", "/tokens", {"name": "robot", "scope": "read"}).json()
    stream = Stream(service, owned, made["token"])
    assert reader.call("DELETE", f"/tokens/{made['id']}").status == 204
    assert stream.last_error()["status"] == 401


def test_a_removed_member_s_end(service, client, reader, unique):
    name = client.project(unique())["name"]
    invite(client, name, reader, "viewer")
    stream = Stream(service, name, reader.token)
    assert client.call("DELETE", f"/projects/{name}/members/{reader.username}").status == 204
    assert stream.last_error()["status"] == 404
