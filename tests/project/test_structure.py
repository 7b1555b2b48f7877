"""What the compiler does not check: the direction of includes, sizes, words that must not appear, the workflows' syntax."""
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
SOURCE = ROOT / "src"

# Folder → the folders it may include from (docs/architecture.md, "Rooms").
MAY_SEE = {
    "base": set(),
    "domain": {"base"},
    "net": {"base"},
    "rpc": {"base", "net"},
    "store": {"base", "domain"},
    "docker": {"base", "net"},
    "build": {"base", "domain"},
    "logs": {"base", "domain"},
    "metrics": {"base", "domain"},
    "mail": {"base", "domain"},
    "ingress": {"base", "domain", "net", "rpc"},
    "git": {"base", "domain", "net", "rpc"},
    "pomegranate": {"base", "domain", "net", "rpc", "docker", "build"},
    "controller": {"base", "domain", "net", "rpc", "store", "build", "logs", "metrics"},
    "api": {"base", "domain", "net", "rpc", "store", "logs", "metrics", "mail", "controller"},
    "paastechd": {"base", "domain", "net", "rpc", "store", "git", "ingress", "logs", "metrics", "mail", "pomegranate", "controller", "api"},
    "cli": {"base"},
}
# Heavy or dangerous headers → the folders that may include them.
ONLY_IN = {
    "boost/beast": {"net"},
    "libssh/": {"git"},
    "git2": {"git"},
    "soci/": {"store"},
    "curl/": {"cli", "mail"},
    "yaml-cpp/": {"build", "api"},
    "re2/": {"api", "build", "logs"},
    "zlib.h": {"logs"},
    "toml++/": {"paastechd"},
}


def files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def sources():
    return [path for path in files() if path.is_relative_to(SOURCE) and path.suffix in (".h", ".cc")]


def includes(path):
    return re.findall(r'^#include [<"]([^>"]+)[>"]', path.read_text(), re.M)


def room(path):
    return path.relative_to(SOURCE).parts[0]


def test_includes_point_one_way():
    wrong = []
    for path in sources():
        for name in includes(path):
            other = name.split("/")[0]
            if other in MAY_SEE and other != room(path) and other not in MAY_SEE[room(path)]:
                wrong.append(f"{path.relative_to(ROOT)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_every_folder_has_a_rule():
    assert {room(path) for path in sources()} == set(MAY_SEE)


def test_heavy_headers_stay_in_their_rooms():
    wrong = []
    for path in sources():
        if path.parent.name == "pch":  # read once for many rooms; what a room may use, its own includes say
            continue
        for name in includes(path):
            for header, rooms in ONLY_IN.items():
                if name.startswith(header) and room(path) not in rooms:
                    wrong.append(f"{path.relative_to(ROOT)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_domain_does_no_io():
    wrong = [f"{path.name}: {name}" for path in sources() if room(path) == "domain" for name in includes(path)
             if name.startswith(("boost/asio", "grpc", "soci", "sys/socket", "fstream"))]
    assert not wrong, wrong


def test_files_stay_small():
    long = {str(path.relative_to(ROOT)): n for path in sources() if (n := len(path.read_text().splitlines())) > 600}
    assert not long, long


def test_no_string_reaches_a_shell():
    pattern = re.compile(r'\b(system|popen)\s*\(|"/bin/sh"|"/bin/bash"|"sh",\s*"-c"')
    # The one shell there is belongs to a Client's image and runs in its container (domain/scale.h, shell_words).
    inside = SOURCE / "domain/scale.cc"
    wrong = [str(path.relative_to(ROOT)) for path in sources()
             if not path.name.endswith("_test.cc") and path != inside and pattern.search(path.read_text())]
    assert not wrong, wrong


def test_no_braces_in_awaited_expressions():
    """GCC 12 copies an aggregate that is made inside an awaited expression bit by bit, and destroys it twice."""
    pattern = re.compile(r"co_await [^;]*[(,]\s*(?:[\w:]+\s*)?\{[^;]*;")
    wrong = []
    for path in sources():
        for match in pattern.finditer(re.sub(r"//[^\n]*", "", path.read_text())):
            if "[" not in match.group(0).split("{")[0]:  # a lambda's body is no aggregate
                wrong.append(f"{path.relative_to(ROOT)}: {match.group(0)[:100]}")
    assert not wrong, "\n".join(wrong)


def test_formatting():
    program = shutil.which("clang-format-19")
    assert program, "clang-format-19 is missing: scripts/install-packages test"
    done = subprocess.run([program, "--dry-run", "-Werror", *map(str, sources())], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:] + "\nrun: make format"


def test_the_workflows_are_valid():
    tools = pathlib.Path(os.environ.get("PAASTECH_BUILD", ROOT / "build")) / "tools"
    program = tools / "actionlint"
    if not program.exists():
        # The newest release that the Go of Debian 12 compiles.
        subprocess.run(["go", "install", "github.com/rhysd/actionlint/cmd/actionlint@v1.6.27"], check=True,
                       env=os.environ | {"GOBIN": str(tools), "GOFLAGS": "-modcacherw"})
    workflows = sorted((ROOT / ".github/workflows").glob("*.yml"))
    done = subprocess.run([program, *workflows], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ci_runs_what_the_readme_says():
    assert "make test" in (ROOT / ".ci/run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()
    assert ".ci/run" in (ROOT / ".github/workflows/ci.yml").read_text()


def test_shell_scripts_parse():
    scripts = [path for path in files() if path.read_bytes().startswith(b"#!/usr/bin/env bash")]
    assert len(scripts) > 5
    for path in scripts:
        done = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
