"""The functional suite runs on SQLite and, a second time, on PostgreSQL: each file is in a list of tests/CMakeLists.txt, or has no
part of the database in it."""
import pathlib
import re

TESTS = pathlib.Path(__file__).parents[1]
ALONE = {
    "test_completion": "needs no server",
    "test_engine_version": "what is asked of the Engine",
    "test_first_start": "files and sockets of a home",
    "test_fresh_home": "files and sockets of a home",
    "test_make_up": "its Service is a newcomer's, on SQLite",
    "test_make_up_answers": "its Service is a newcomer's, on SQLite",
    "test_postgres": "brings a server of its own",
    "test_postgres_version": "brings a server of its own",
    "test_request_limits": "what it counts is in memory",
    "test_roles": "of the four roles one has a database",
}


def test_each_functional_file_runs_on_both_databases():
    listed = set(re.findall(r"\bfunctional/(test_\w+)", (TESTS / "CMakeLists.txt").read_text()))
    there = {path.stem for path in (TESTS / "functional").glob("test_*.py")}
    assert not listed - there, f"not there: {sorted(listed - there)}"
    assert not ALONE.keys() - there, f"not there: {sorted(ALONE.keys() - there)}"
    missing = there - listed - ALONE.keys()
    assert not missing, f"put them into a list of tests/CMakeLists.txt, so that they run on PostgreSQL too: {sorted(missing)}"
