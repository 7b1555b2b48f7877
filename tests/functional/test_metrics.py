"""What an Application uses and gets, as its owner and Prometheus see it, on the real Engine."""
import re
import threading

import pytest

from tests.support import apps
from tests.support.cli import as_json, ok
from tests.support.service import wait_for

MINUTE = 75  # figures are made every 10 s, some once a minute


@pytest.fixture
def app(client, unique):
    name = client.project(unique("measured"))["name"]
    client.repository(name, apps.web("one")).push()
    return name


def prometheus(service, name):
    """The figures of one Project's `web`: by metric, or by metric and the label that follows the process."""
    found = {}
    pattern = rf'paastech_app_(\w+)\{{project="[0-9a-f-]+",name="{name}",process="web"(?:,(\w+="[^"]+"))?\}} (\S+)'
    for metric, label, value in re.findall(pattern, service.request("GET", "/metrics").text):
        found[(metric, label) if label else metric] = float(value)
    return found


def known(column):
    return [value for value in column if value is not None]


def first_figures(service, client, app):
    """Waits for them: what the ingress had counted before the Service first asked it is of an earlier time."""
    folder = service.home / "metrics" / client.call("GET", f"/projects/{app}").json()["id"]
    wait_for(lambda: (folder / "web.ring").exists(), "the first figures", MINUTE)
    return folder


def test_answers_and_use_are_shown_over_time(service, client, app):
    first_figures(service, client, app)
    for path, times in (("/", 30), ("/status/404", 10), ("/status/500", 5)):
        for _ in range(times):
            service.visit(app, path)
    burning = [threading.Thread(target=service.visit, args=(app, "/burn/2"), kwargs={"timeout": 120}) for _ in range(2)]
    for each in burning:
        each.start()
    for each in burning:
        each.join()

    def counted():
        figures = prometheus(service, app)
        by_class = [figures.get(("requests_total", f'status="{n}xx"')) for n in (2, 4, 5)]
        seen.append(by_class)
        return by_class == [32, 10, 5] and figures
    seen = []
    figures = wait_for(counted, "each answer to be counted once", MINUTE, fails=False)
    assert figures, f"32, 10 and 5 answers were counted as {seen[-1]}"
    assert figures["cpu_seconds_total"] >= 3.5, figures
    assert figures["memory_bytes"] > 1 << 20 and figures["memory_limit_bytes"] == 512 << 20, figures
    assert figures["instances"] == 1 and figures["restarts_total"] == 0, figures
    assert figures["request_duration_seconds_count"] == figures[("request_duration_seconds_bucket", 'le="+Inf"')] == 47
    assert figures["request_duration_seconds_sum"] >= 4, "the two that burned"
    assert figures["failed_requests_total"] == 0, "the Application made its 500s itself"

    hour = client.call("GET", f"/projects/{app}/metrics").json()
    series = hour["series"]
    assert hour["processes"] == ["web"] and all(len(column) == 360 for column in series.values())
    assert series["cpus"][0] is None, "an hour ago it was not there"
    assert max(known(series["cpus"])) > 0.1 and max(known(series["memory_bytes"])) > 1 << 20
    assert set(known(series["instances"])) == {1} and set(known(series["memory_limit_bytes"])) == {512 << 20}
    for column in ("status_2xx_per_second", "status_4xx_per_second", "status_5xx_per_second"):
        assert sum(known(series[column])) > 0, column
    assert max(known(series["latency_p99_ms"])) > 1000 > min(known(series["latency_p50_ms"]))
    week = client.call("GET", f"/projects/{app}/metrics?range=week").json()
    assert week["resolution_seconds"] == 300 and week["series"]["cpus"][-1] > 0, "the newest is of the part that is over"

    shown = as_json(client.cli("stats", "--json", "-p", app))
    assert [item["name"] for item in shown["processes"]] == ["web"] and shown["processes"][0]["requests_per_second"] > 0
    table = ok(client.cli("stats", "-p", app))
    assert "web.1" in table and re.search(r"^web +1 .* ms ", table, re.M), table


def test_a_restart_is_counted_and_what_is_gone_leaves_nothing(service, client, app):
    folder = first_figures(service, client, app)
    assert (folder / "web.ring").stat().st_size < 450_000

    def process():
        return client.call("GET", f"/projects/{app}/stats").json()["processes"][0]
    assert process()["restarts"] == 0
    service.visit(app, "/crash")
    wait_for(lambda: process()["restarts"] == 1, "the restart to be counted", MINUTE)
    assert prometheus(service, app)["restarts_total"] == 1

    client.call("DELETE", f"/projects/{app}?confirm={app}")
    wait_for(lambda: not folder.exists(), "the history to go with the Project", MINUTE)
