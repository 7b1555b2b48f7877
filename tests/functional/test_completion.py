"""Completion in the shells themselves, and the manual page in the reader itself; no server is needed."""
import os
import subprocess

import pytest
from tests.support.service import BUILD

CASES = [("paastech tok", ["tokens"]), ("paastech tokens ", ["create", "list", "revoke"]), ("paastech admin clients sus", ["suspend"]),
         ("paastech logs --fo", ["--follow"])]


def run(tmp_path, *argv):
    environment = {"PATH": f"{BUILD / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return done


def words_of(line):
    words = line.split(" ")
    return " ".join(f"'{word}'" for word in words), len(words)


@pytest.mark.parametrize("line, expected", CASES)
def test_bash_completes(tmp_path, line, expected):
    words, count = words_of(line)
    script = f'eval "$(paastech completion bash)"; COMP_WORDS=({words}); COMP_CWORD={count - 1}; _paastech; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = run(tmp_path, "bash", "--norc", "-c", script)
    assert done.stdout.split() == expected, done
    assert "_paastech" in run(tmp_path, "bash", "--norc", "-c", 'eval "$(paastech completion bash)"; complete -p paastech').stdout


@pytest.mark.parametrize("line, expected", CASES)
def test_zsh_completes(tmp_path, line, expected):
    words, count = words_of(line)
    # compadd works only while a line is edited: what it would be given is printed instead.
    script = (f'autoload -U compinit; compinit -D -u; eval "$(paastech completion zsh)"; compadd() {{ print -l -- "${{found[@]}}" }}; '
              f'words=({words}); CURRENT={count}; _paastech; print -- "for: $_comps[paastech]"')
    done = run(tmp_path, "zsh", "-f", "-c", script)
    assert done.stdout.split() == [*expected, "for:", "_paastech"], done


@pytest.mark.parametrize("line, expected", CASES)
def test_fish_completes(tmp_path, line, expected):
    done = run(tmp_path, "fish", "--no-config", "-c", f'paastech completion fish | source; complete -C "{line}"')
    assert [found.split("\t")[0] for found in done.stdout.splitlines()] == expected, done


def test_the_manual_page_is_read_without_a_warning(tmp_path):
    page = BUILD / "share" / "man" / "man1" / "paastech.1"
    done = run(tmp_path, "man", "--warnings=w", "-P", "cat", "-l", page)
    assert done.stderr == "", done.stderr
    for text in ("PAASTECH(1)", "paastech tokens create NAME", "--follow", "Exit codes", "PAASTECH_TOKEN"):
        assert text in done.stdout, text
