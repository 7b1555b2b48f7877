"""The Engine's disk gets full: old images go but for those one can go back to; nothing is built, Applications serve."""
from tests.support import apps
from tests.support.service import wait_for


def images(service, project):
    return sorted(tag for image in service.docker.call("GET", "/images/json")[1] for tag in image["RepoTags"] or [] if project in tag)


def test_where_it_is_nearly_full_nothing_is_built_and_applications_serve(fresh_service):
    service = fresh_service("[disk]\nrefuse_percent = 100\n").start()
    client = service.client("owner")
    name = client.project("full")["name"]
    repository = client.repository(name, apps.web("one"))
    repository.push()
    service.toml = "[disk]\nrefuse_percent = 1\n"
    service.restart()
    repository.commit(apps.web("two"))
    refused = repository.push(check=False)
    assert refused.returncode != 0 and "% full, so nothing is built" in refused.stderr, refused.stderr
    last = client.call("GET", f"/projects/{name}/deployments").json()["items"][0]
    assert (last["state"], last["reason"]) == ("failed", "disk_full"), last
    wait_for(lambda: service.visit(name).status == 200, "the Application to serve")
    assert client.cli("env", "set", "A=1", "-p", name).returncode == 0, "what needs no build goes on"


def test_an_application_that_fills_its_disk_is_ended_and_begins_anew(fresh_service):
    service = fresh_service("[disk]\ninstance_bytes = 100000000\n").start()
    client = service.client("owner")
    name, neighbour = (client.project(one)["name"] for one in ("greedy", "modest"))
    client.repository(neighbour, apps.web("modest")).push()
    client.repository(name, apps.web("greedy")).push()
    assert service.visit(name, "/filled").text == "empty"
    service.visit(name, "/fill/300")
    restart = wait_for(lambda: next((i["crash"] for i in client.call("GET", f"/projects/{name}/instances").json()["items"]
                                     if i.get("crash")), None), "the Instance to be ended", 90)
    assert "out of disk" in restart["reason"], restart
    assert service.visit(neighbour).status == 200
    wait_for(lambda: service.visit(name, "/filled").text == "empty", "the Application, with nothing of what it wrote", 60)
    assert "out of disk" in client.cli("logs", "-p", name).stdout


def test_images_of_the_last_deployments_stay_and_older_ones_go(service, client, unique):
    project = client.project(unique())
    repository = client.repository(project["name"], apps.web("v0"))
    for version in range(8):
        repository.commit(apps.web(f"v{version}"))
        repository.push()
    expected = [f"paastech/{project['id']}:{number}" for number in range(3, 9)]
    wait_for(lambda: images(service, project["id"]) == expected, "the images of the current and the last five Deployments")
    refused = client.cli("rollback", "1", "-p", project["name"])
    assert refused.returncode == 1 and "these can be rolled back to: 7, 6, 5, 4, 3" in refused.stderr, refused
    assert client.newest(project["name"])["number"] == 8, "it was recorded all the same"
    assert client.cli("rollback", "3", "-p", project["name"]).returncode == 0
    assert service.visit(project["name"]).text == "v2 GET /"
