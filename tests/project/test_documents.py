"""The documents say what there is: every setting, every section that the architecture owes its reader, no link into nothing."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("PAASTECH_BUILD", ROOT / "build"))
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "bench/README.md", "docs/architecture.md", "docs/testing.md",
             *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs/decisions").glob("*.md")))]


def text(name):
    return (ROOT / name).read_text()


def section(document, heading):
    """The part of a document below a heading, to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}$(.*?)(?=^#{{1,2}} |\Z)", text(document), re.M | re.S)
    assert found, f"{document} has no section `{heading}`"
    return found[2]


@pytest.fixture
def in_force(tmp_path):
    """What a Service without any configuration goes by."""
    environment = {"PATH": os.environ["PATH"], "PAASTECH_HOME": str(tmp_path)}
    shown = subprocess.run([BUILD / "bin/paastechd", "config", "check"], env=environment, capture_output=True, text=True, check=True)
    return dict(line.split(" = ", 1) for line in shown.stdout.splitlines() if not line.startswith("home = "))


def settings():
    """Keys and defaults of each row of README.md's table; `ingress.address`, `.port` are two keys in one row."""
    for keys, defaults in re.findall(r"^\| (`[a-z]+\.[^|]*) \| ([^|]*) \|", section("README.md", "Ports, home, configuration"), re.M):
        first, *others = re.findall(r"`([a-z_.]+)`", keys)
        yield [first, *(first.split(".")[0] + other if other[0] == "." else other for other in others)], defaults.split(", ")


def test_the_readme_names_every_setting_and_none_that_is_not_there(in_force):
    named = {key for keys, _ in settings() for key in keys}
    assert named == set(in_force), f"only in README.md: {named - set(in_force)}; only in the program: {set(in_force) - named}"


def test_the_readme_says_the_numbers_that_are_in_force(in_force):
    said = {key: default for keys, defaults in settings() if len(keys) == len(defaults) for key, default in zip(keys, defaults)}
    numbers = {key: default for key, default in said.items() if default.isdigit()}
    assert len(numbers) > 20 and numbers["git.max_push_bytes"] == str(512 << 20), numbers
    assert numbers == {key: in_force[key] for key in numbers}
    for row in re.findall(r"^\| `(PAASTECH_[A-Z]+_PORT)` \| (\d+) \|", text("README.md"), re.M):
        key = {"PAASTECH_HTTP_PORT": "ingress.port", "PAASTECH_API_PORT": "api.port", "PAASTECH_SSH_PORT": "git.port"}[row[0]]
        assert in_force[key] == row[1], row


@pytest.mark.parametrize("heading, must", [
    ("Intent", None), ("Technologies", r"\| .* \|"), ("Definitions", r"\| .* \|"), ("Components", "```mermaid"),
    ("Interactions", "```mermaid"), ("Login", "```mermaid"), ("Project storage and push authentication", "git-receive-pack|receive-pack"),
    ("Database", "erDiagram"), ("Application life cycle", "stateDiagram"), ("Key constraints", r"\| .* \|"),
    ("Failure behaviour", r"\| .* \|"), ("CI/CD", r"\.ci/run")])
def test_the_architecture_has_what_it_owes_its_reader(heading, must):
    body = section("docs/architecture.md", heading)
    assert len(body.split()) > 30, f"`{heading}` says next to nothing"
    assert must is None or re.search(must, body), f"`{heading}` lacks {must}"


def test_the_database_schema_shows_every_table():
    migrations = "".join(path.read_text() for path in sorted((ROOT / "src/store/migrations").rglob("*.sql")))
    made = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", migrations)) - set(re.findall(r"DROP TABLE (?:IF EXISTS )?(\w+)", migrations))
    body = section("docs/architecture.md", "Database")
    missing = {name for name in made if not re.search(rf"\b{name}\b", body)}
    assert made and not missing, sorted(missing)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_link_leads_into_nothing(name):
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text(name), flags=re.S)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        if not file.exists():
            wrong.append(target)
        elif anchor and anchor not in anchors(file):
            wrong.append(target)
    assert not wrong, wrong


def anchors(file):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_decisions_are_numbered_without_gaps():
    files = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1)), files


def test_the_license_and_the_commands_of_a_newcomer_are_there():
    assert "Apache License" in text("LICENSE") and "Version 2.0" in text("LICENSE")
    for command in ("make up", "make test", "make down", "make bench", "make help"):
        assert command in text("README.md"), command
    assert len(text("CONTRIBUTING.md").splitlines()) <= 40, "half a page"


def measurements():
    """The rows of bench/RESULTS.md, each as what was measured, PaaSTech's figure, the other's, ratio, goal and whether it is met."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text("bench/RESULTS.md").splitlines()
            if line.startswith("| ")]
    assert rows[0] == ["what", "PaaSTech", "against", "ratio", "goal", "met"], rows[0]
    return rows[1:]


@pytest.mark.parametrize("what", [
    r"git push → first 200, median", r"git push → first 200, p90", r"environment change → first 200", r"rollback → first 200",
    r"ingress requests/s.* 32 conn.*nginx", r"ingress requests/s.* 32 conn.*haproxy", r"ingress requests/s.* 512 conn.*nginx",
    r"ingress requests/s.* 512 conn.*haproxy", r"push of 100 MB", r"requests failed during 20 redeploys",
    r"requests failed during 20 restarts", r"requests failed during 20 rollbacks", r"requests failed during 20 scales",
    r"deploy an image → first 200 with 1,000 Projects", r"deploy an image → first 200 with 10,000 Projects",
    r"log lines from a container to a follower", r"memory of an idle log follower", r"resident memory of `paastechd all`, idle",
    r"resident memory.*50 Applications", r"resident memory.* with 10,000 Projects", r"resident memory.*10,000 Clients"])
def test_the_measurements_that_were_asked_for_are_there(what):
    found = [row for row in measurements() if re.search(what, " | ".join(row))]
    assert len(found) == 1 and re.search(r"\d", found[0][1]), found or "missing in bench/RESULTS.md; run: make bench"


def test_a_goal_that_was_missed_is_named_with_its_reason():
    rows = measurements()
    assert all(len(row) == 6 and row[5] in ("yes", "–", "**no**") for row in rows), rows
    unnamed = [row for row in rows if row[5] == "**no**" and f"* {row[0]}:" not in text("bench/README.md")]
    assert not unnamed, unnamed
