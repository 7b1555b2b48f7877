"""The disk under the data directory is full for a while, with changes, visitors and pushes coming: nothing is damaged, the
answer says what is wrong, what was acknowledged is there, and it recovers by itself."""
import contextlib
import sqlite3
import time

import pytest

from tests.support import apps
from tests.support.changes import Changes, shop_and_ledger
from tests.support.service import wait_for
from tests.support.small_disk import SmallDisk
from tests.support.visitors import Load


@pytest.fixture
def disk(fresh_service):
    service = fresh_service()
    if service.database:
        pytest.skip("a test of SQLite, which is on that disk")
    with SmallDisk(service, 192) as disk:
        yield disk


def test_a_full_data_directory_damages_nothing_and_says_what_is_wrong(disk):
    service = disk.service.start()
    client, repository = shop_and_ledger(service)
    with Load(service, "shop") as load, Changes(client, "ledger") as changes:
        refused = lambda: [each for each in changes.answers if each[0] == "change" and each[3] != 202]
        wait_for(lambda: len(changes.acknowledged) >= 5, "changes before it")
        began = time.monotonic()

        def full():
            disk.fill()
            return len(refused()) >= 50
        wait_for(full, "changes to be refused", seconds=60)
        answer = client.call("PATCH", "/projects/ledger/environment", {"set": {"WHY": "x"}})
        repository.commit(apps.web("two"))
        push = repository.push(check=False)
        read = client.call("GET", "/projects")
        load.expect_more()
        pid = service.process.pid
        count = len(changes.acknowledged)
        ended = time.monotonic()
        disk.clear()
        wait_for(lambda: len(changes.acknowledged) >= count + 5, "changes to be taken again")
        healed = time.monotonic() - ended
        wait_for(lambda: repository.push(check=False).returncode == 0, "a push to be taken again", seconds=60)
    slowest = max(each[2] for each in changes.answers)
    print(f"full for {ended - began:.1f} s: {load}; {len(refused())} changes refused, as by {answer}; slowest answer {slowest:.2f} s; "
          f"a push ended with {push.returncode}; {len(changes.acknowledged)} of {changes.asked} acknowledged; healed after {healed:.1f} s")
    assert not load.failures, load.failures[:5]
    assert answer.status in (429, 507) and "disk" in answer.json()["detail"], answer
    assert push.returncode != 0 and "disk" in push.stderr, push.stderr
    assert read.status == 200, read
    assert service.process.pid == pid and service.process.poll() is None
    assert service.visit("shop").text == "two GET /"

    # Nothing of it was damaged: also for who starts from what is on the disk.
    service.kill()
    with contextlib.closing(sqlite3.connect(service.home / "paastech.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    service.start()
    stored = {item["name"] for item in client.call("GET", "/projects/ledger/environment").json()["items"]}
    assert changes.acknowledged <= stored, sorted(changes.acknowledged - stored)
    wait_for(lambda: service.visit("shop").text == "two GET /", "the Application to be served after a restart")
    fetched = repository.git("ls-remote", "paastech", "main").stdout.split()[0]
    assert fetched == repository.git("rev-parse", "HEAD").stdout.strip()
