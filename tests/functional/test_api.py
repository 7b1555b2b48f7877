"""The Client API as the contract describes it: who may do what, and how bad input is answered."""
import json
import stat

import pytest

from tests.support.contract import CONTRACT, operations
from tests.support import apps
from tests.support.service import wait_for


def problem(answer, status, code=None):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.headers
    body = answer.json()
    assert body["title"] and body["detail"] and body["status"] == status and body["request_id"] == answer.headers["X-Request-Id"], body
    if code:
        assert body["code"] == code, body
    return body


def test_the_first_administrators_password_is_only_for_its_owner(service):
    mode = (service.home / "admin-password").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert service.admin().call("GET", "/me").json()["administrator"] is True


def test_only_an_administrator_creates_clients(service, client, unique):
    problem(client.call("POST", "/clients", {"email": "x@example.org", "username": unique("user")}), 403)
    problem(service.request("POST", "/api/v1/clients", {"email": "x@example.org", "username": unique("user")}), 401)


@pytest.mark.parametrize("token", [None, "", "pt_", "pt_" + "A" * 43, "x" * 5000, "pt_é"])
def test_forged_tokens_are_refused(service, token):
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")} if token is not None else {}
    problem(service.request("GET", "/api/v1/me", headers=headers), 401)


def test_a_logged_out_token_is_refused(service, client):
    assert client.call("DELETE", "/sessions/current").status == 204
    problem(client.call("GET", "/me"), 401)


def test_the_token_is_kept_hashed_and_the_environment_sealed(service, client, unique):
    name = client.project(unique())["name"]
    canary = "canary-5e1f-value"
    assert client.call("PATCH", f"/projects/{name}/environment", {"set": {"SECRET": canary}}).status == 202
    stored = service.stored()
    assert client.email.encode() in stored, "the control: what is not secret is found"
    assert client.token.encode() not in stored and canary.encode() not in stored
    assert canary not in service.log() and client.token not in service.log()


def test_the_eleventh_login_in_a_minute_is_put_off(fresh_service):
    service = fresh_service().start()
    answers = [service.request("POST", "/api/v1/sessions", {"email": "nobody@example.org", "password": "wrong password"},
                               headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(11)]
    assert [a.status for a in answers[:10]] == [401] * 10
    problem(answers[10], 429)
    assert int(answers[10].headers["Retry-After"]) > 0


@pytest.mark.parametrize("name, status", [
    ("ab", 422), ("a" * 31, 422), ("Upper", 422), ("1digit", 422), ("under_score", 422), ("-hyphen", 422), ("dot.dot", 422), ("", 422), (7, 422), (None, 422),
])
def test_project_names_follow_the_rules(client, name, status):
    assert "name" in problem(client.call("POST", "/projects", {"name": name}), status)["detail"]


def test_a_project_name_is_unique_on_the_service(service, client, unique):
    name = client.project(unique())["name"]
    problem(client.call("POST", "/projects", {"name": name}), 409)
    problem(service.client(unique("other")).call("POST", "/projects", {"name": name}), 409)


@pytest.mark.parametrize("data, status", [
    (b"{", 400), (b"[]", 400), (b"\xff\xfe", 400), (b'{"name": "abc", "nmae": 1}', 422), (b"null", 400), (b'{"name": {"a": 1}}', 422),
    (b"[" * 5000, 400), (b"", 400),
], ids=["cut off", "list", "not UTF-8", "unknown field", "null", "object for text", "deep", "empty"])
def test_malformed_bodies_are_explained(client, data, status):
    answer = client.call("POST", "/projects", data=data, headers={"Content-Type": "application/json"})
    problem(answer, status)


def test_other_wrong_requests(service, client):
    problem(client.call("GET", "/no-such-route"), 404)
    answer = client.call("PUT", "/projects", {"name": "x"})
    problem(answer, 405)
    assert "POST" in answer.headers["Allow"]
    problem(client.call("POST", "/projects", data=b'{"name": "abc"}', headers={"Content-Type": "text/plain"}), 415)
    problem(client.call("POST", "/projects", data=b"x" * (2 << 20), headers={"Content-Type": "application/json"}), 413)
    problem(client.call("GET", "/projects/%00"), 400)


def test_a_stranger_sees_nothing_of_a_foreign_project(service, client, unique):
    name = client.project(unique())["name"]
    stranger = service.client(unique("stranger"))
    for method, path, body in [("GET", "", None), ("GET", "/deployments", None), ("GET", "/environment?reveal=true", None),
                               ("PATCH", "/environment", {"set": {"A": "b"}}), ("GET", "/logs", None), ("POST", "/restart", None),
                               ("DELETE", f"?confirm={name}", None), ("GET", "/deployments/1/log", None), ("POST", "/deployments/1/cancel", None)]:
        foreign = stranger.call(method, f"/projects/{name}{path}", body)
        missing = stranger.call(method, f"/projects/nothing-here{path.replace(name, 'nothing-here')}", body)
        assert foreign.status == missing.status == 404, (method, path, foreign, missing)
        strip = lambda a, n: {k: str(v).replace(n, "N") for k, v in a.json().items() if k != "request_id"}
        assert strip(foreign, name) == strip(missing, "nothing-here")
    assert client.call("GET", f"/projects/{name}").status == 200, "the control: its owner sees it"


def test_keys_are_added_listed_removed_and_belong_to_one_client(service, client, unique):
    line = client.key.with_suffix(".pub").read_text().strip()
    other = service.client(unique("other"))
    problem(other.call("POST", "/keys", {"public_key": line}), 409)
    for bad in ("", "ssh-dss AAAAB3NzaC1kc3M=", "ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-rsa " + line.split()[1]):
        problem(other.call("POST", "/keys", {"public_key": bad}), 422)
    listed = other.call("GET", "/keys").json()["items"]
    assert len(listed) == 1 and listed[0]["fingerprint"].startswith("SHA256:")
    problem(client.call("DELETE", f"/keys/{listed[0]['id']}"), 404)
    assert other.call("DELETE", f"/keys/{listed[0]['id']}").status == 204


def test_environment_names_and_values_are_exact(service, client, unique):
    name = client.project(unique())["name"]
    values = {"A": "x=y", "_B1": "two\nlines", "C": "", "D": "é😀 \t'\"$`\\"}
    assert client.call("PATCH", f"/projects/{name}/environment", {"set": values}).status == 202
    hidden = client.call("GET", f"/projects/{name}/environment").json()["items"]
    assert all("value" not in item for item in hidden)
    shown = client.call("GET", f"/projects/{name}/environment?reveal=true").json()["items"]
    assert {item["name"]: item["value"] for item in shown} == values
    for bad in ({"1A": "x"}, {"A=B": "x"}, {"A\nB": "x"}, {"": "x"}, {"A": "nul\0"}, {"A": 5}, {"PORT": "1"}, {"PAASTECH_X": "1"}, {"A": "x" * 70000}):
        problem(client.call("PATCH", f"/projects/{name}/environment", {"set": bad}), 422)
    changed = client.call("PATCH", f"/projects/{name}/environment", {"unset": ["A", "NOT_THERE"]})
    assert changed.json()["changed"] == ["A"]


def test_deletion_needs_the_name_and_takes_everything_with_it(service, client, unique):
    project = client.project(unique())
    name = project["name"]
    client.repository(name, apps.web()).push()
    label = f"paastech.project={project['id']}"
    docker = service.docker
    assert docker.containers(label) and docker.networks(label) and docker.project_images(project["id"])
    problem(client.call("DELETE", f"/projects/{name}"), 422)
    problem(client.call("DELETE", f"/projects/{name}?confirm=other"), 422)
    removed = client.call("DELETE", f"/projects/{name}?confirm={name}")
    assert removed.status == 200 and removed.json()["leftovers"] == [], removed
    assert not docker.containers(label) and not docker.networks(label) and not docker.project_images(project["id"])
    assert not list((service.home / "repositories").glob(f"{project['id']}*"))
    assert service.visit(name).status == 404
    problem(client.call("GET", f"/projects/{name}"), 404)
    client.project(name)  # the name is free again


def test_stop_start_and_restart(service, client, unique):
    name = client.project(unique())["name"]
    problem(client.call("POST", f"/projects/{name}/start"), 412)
    client.repository(name, apps.web()).push()
    assert client.call("POST", f"/projects/{name}/stop").status == 200
    stopped = service.visit(name)
    assert stopped.status == 503 and stopped.headers["Retry-After"]
    assert client.call("GET", f"/projects/{name}").json()["state"] == "stopped"
    client.call("PATCH", f"/projects/{name}/environment", {"set": {"MARK": "set-while-stopped"}})
    assert client.call("POST", f"/projects/{name}/start").status == 202
    wait_for(lambda: "MARK=set-while-stopped" in service.visit(name, "/environment").text, "the Application to start again")
    before = client.call("GET", f"/projects/{name}/instances").json()["items"][0]
    assert client.call("POST", f"/projects/{name}/restart").status == 202
    after = wait_for(lambda: next((i for i in client.call("GET", f"/projects/{name}/instances").json()["items"]
                                   if i["deployment"] > before["deployment"]), None), "a new Instance")
    assert after["state"] in ("created", "running")


def events(answer_text):
    return [(block.split("\n")[0].removeprefix("event: "), json.loads(block.split("data: ", 1)[1]))
            for block in answer_text.split("\n\n") if block.startswith("event:")]


def test_progress_and_logs_are_server_sent_events(service, client, unique):
    name = client.project(unique())["name"]
    client.repository(name, apps.web()).push()
    answer = client.call("GET", f"/projects/{name}/deployments/1/log")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    parsed = events(answer.text)
    assert parsed[-1][0] == "result" and parsed[-1][1]["state"] == "live"
    assert any(kind == "line" and "Live" in data["text"] for kind, data in parsed)
    service.visit(name, "/log/marker")
    lines = wait_for(lambda: [i for i in client.log_lines(name, "lines=50") if "/log/marker" in i["text"]], "the log line")
    assert lines[0]["stream"] == "stdout" and lines[0]["deployment"] == 1


def test_output_for_terminals_is_made_safe(service, client, unique):
    name = client.project(unique())["name"]
    evil = "FROM debian:bookworm\nRUN printf 'a\\033]52;c;ZXZpbA==\\007b\\033[2Jc\\033[31mred\\033[0m\\n'\nCOPY server.pl /\nCMD [\"perl\", \"/server.pl\"]\n"
    done = client.repository(name, apps.web(dockerfile=evil)).push()
    log = client.call("GET", f"/projects/{name}/deployments/1/log", headers={"Accept": "text/plain"}).text
    for text in (done.stderr, log):
        assert "\x1b]" not in text and "\x1b[2J" not in text and "\x07" not in text
        assert "abc" in text and "red" in text


def test_the_contract_lists_what_the_server_offers(service):
    assert CONTRACT["openapi"].startswith("3.1")
    for method, path, _, _ in operations():
        target = path.replace("{project}", "nothing").replace("{number}", "1").replace("{id}", "00000000-0000-4000-8000-000000000000")
        answer = service.request(method, target)
        assert answer.status != 405 and not (answer.status == 404 and "route" in answer.text), (method, path, answer)


def test_health_and_metrics(service, client, unique):
    assert service.request("GET", "/healthz").json()["status"] == "ok"
    metrics = service.request("GET", "/metrics").text
    assert "# TYPE" in metrics and "paastech" in metrics
