"""`paastech deploy --source`: Deployments of a folder as it is, in Git or not."""
import subprocess

from tests.support import apps
from tests.support.cli import as_json, connected, ok
from tests.support.service import BUILD


def write_tree(folder, files):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)


def test_a_folder_is_deployed_as_it_is(service, client, unique, tmp_path):
    name = client.project(unique())["name"]

    def deploy(*more):
        return client.cli("deploy", "--source", str(tmp_path), "-p", name, *more)
    nothing = deploy()
    assert nothing.returncode == 1 and "there is nothing in" in nothing.stderr, nothing
    write_tree(tmp_path, apps.web("one") | {".gitignore": "secret.txt\n", "secret.txt": "not for the Service"})
    done = deploy("--json")
    assert as_json(done)["state"] == "live", done
    assert service.visit(name).text == "one GET /"
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == [".gitignore"], "no Git is left"
    write_tree(tmp_path, apps.web("two"))
    ok(deploy())
    assert service.visit(name).text == "two GET /"
    history = client.repository(name)
    history.git("pull", "-q", "paastech", "main")
    assert history.git("log", "--format=%s").stdout.splitlines() == ["Deployed from a folder"] * 2
    assert not (history.path / "secret.txt").exists()


def test_a_folder_follows_what_was_pushed_and_a_repository_is_left_as_it_is(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("pushed"))
    repository.push()
    before = repository.git("rev-parse", "HEAD").stdout
    repository.write(apps.web("not committed"))
    ok(client.cli("deploy", "--source", ".", cwd=repository.path))
    assert service.visit(name).text == "not committed GET /"
    assert repository.git("rev-parse", "HEAD").stdout == before and "M " in repository.git("status", "--short").stdout
    missing = client.cli("deploy", "--source", "no/such/folder", "-p", name)
    assert missing.returncode == 2 and "no/such/folder is not a folder" in missing.stderr, missing
    assert client.cli("deploy", "--source", ".", "--force", cwd=repository.path).returncode == 2


def test_ignored_files_stay_at_home_wherever_the_gitignore_is(service, client, unique, tmp_path):
    name = client.project(unique())["name"]
    files = {".gitignore": "*.log\n!kept.log\n/build/\n", "a.log": "", "kept.log": "", "build/out": "", "part/build/in": "",
             "part/.gitignore": "/local.env\n", "part/local.env": "", "local.env": "", "part/tracked": ""}
    write_tree(tmp_path, apps.web() | files)
    ok(client.cli("deploy", "--source", ".", "-p", name, cwd=tmp_path))
    history = client.repository(name)
    history.git("fetch", "-q", "paastech", "main")
    pushed = set(history.git("ls-tree", "-r", "--name-only", "FETCH_HEAD").stdout.split())
    assert pushed == {"Dockerfile", "server.pl", ".gitignore", "kept.log", "local.env", "part/.gitignore", "part/build/in",
                      "part/tracked"}
    write_tree(tmp_path, {".gitignore": "*\n"})
    nothing = client.cli("deploy", "--source", ".", "-p", name, cwd=tmp_path)
    assert nothing.returncode == 1 and "there is nothing in" in nothing.stderr and "a .gitignore" in nothing.stderr, nothing
    assert service.visit(name).text == "one GET /"


def test_a_dockerignore_keeps_files_out_of_the_image(service, client, unique, tmp_path):
    name = client.project(unique())["name"]
    more = "COPY . /app/\nRUN cd /app && find . -type f | sed s/^/has:/\n"
    dockerfile = apps.DOCKERFILE.replace("CMD", more + "CMD")
    files = {".dockerignore": "*.md\n!README.md\nnotes/\n", "README.md": "", "CHANGES.md": "", "notes/secret": "", "data": ""}
    write_tree(tmp_path, apps.web(dockerfile=dockerfile) | files)
    done = client.cli("deploy", "--source", ".", "-p", name, cwd=tmp_path)
    ok(done)
    shown = done.stdout + done.stderr
    assert service.visit(name).text == "one GET /"
    assert "has:./README.md" in shown and "has:./data" in shown, shown
    assert "has:./CHANGES.md" not in shown and "has:./notes/secret" not in shown, shown


def test_a_folder_whose_build_fails_is_exit_1_with_the_reason(service, client, unique, tmp_path):
    name = client.project(unique())["name"]
    write_tree(tmp_path, apps.web("one"))
    ok(client.cli("deploy", "--source", ".", "-p", name, cwd=tmp_path))
    write_tree(tmp_path, {"Dockerfile": apps.DOCKERFILE.replace("COPY", "RUN echo cannot find the compiler; exit 3\nCOPY")})
    done = client.cli("deploy", "--source", ".", "-p", name, cwd=tmp_path)
    assert done.returncode == 1 and "cannot find the compiler" in done.stderr and "the push did not deploy" in done.stderr, done
    last = client.newest(name)
    assert (last["number"], last["cause"], last["state"]) == (2, "push", "failed"), last
    assert last["message"] in done.stderr, (last, done.stderr)
    (tmp_path / "Dockerfile").unlink()
    without = client.cli("deploy", "--source", ".", "-p", name, "--json", cwd=tmp_path)
    assert without.returncode == 1 and without.stdout == "" and "Dockerfile" in without.stderr, without
    assert service.visit(name).text == "one GET /"
    write_tree(tmp_path, apps.web("two"))
    ok(client.cli("deploy", "--source", ".", "-p", name, cwd=tmp_path))
    assert service.visit(name).text == "two GET /", "what failed is not in the way"


def test_a_repository_inside_of_the_folder_is_deployed_with_its_files_or_refused(client, unique, tmp_path):
    name = client.project(unique())["name"]
    write_tree(tmp_path, apps.web() | {"library/code": "content\n"})
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "of its own"]):
        subprocess.run(["git", *command], cwd=tmp_path / "library", env=client.environment(), check=True)
    done = client.cli("deploy", "--source", ".", "-p", name, cwd=tmp_path)
    if done.returncode == 0:
        history = client.repository(name)
        history.git("fetch", "-q", "paastech", "main")
        assert "library/code" in history.git("ls-tree", "-r", "--name-only", "FETCH_HEAD").stdout, "live without these files"
    else:
        assert "library" in done.stderr, done


def test_deploying_a_folder_from_a_git_hook_leaves_the_repository_as_it_is(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name)
    hook = repository.path / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nexec '{BUILD}/bin/paastech' deploy --source . -p {name}\n")
    hook.chmod(0o755)
    repository.write(apps.web("by a hook") | {"notes.txt": "not committed\n"})
    repository.git("add", "Dockerfile", "server.pl")
    subprocess.run(["git", "commit", "-q", "-m", "one"], cwd=repository.path, env=connected(client), check=True)
    assert service.visit(name).text == "by a hook GET /"
    assert repository.git("status", "--short").stdout == "?? notes.txt\n", "what was not staged"
