"""Twenty redeploys under constant load, on connections that are kept alive and with requests of ten seconds: none fails."""
import http.client

from tests.support import apps
from tests.support.service import wait_for
from tests.support.visitors import Beside, Load

REDEPLOYS = 20
SECONDS = 10  # of a slow request


class SlowVisitors(Beside):
    """So many on connections of their own that they keep, one request of ten seconds after the other; a second after each
    other, so that in each redeploy some have just begun and some are about to end."""

    def __init__(self, service, name, visitors=SECONDS):
        super().__init__(*[lambda late=late: self.visit(late) for late in range(visitors)])
        self.service, self.name = service, name
        self.asked, self.answered, self.failures = 0, [], []

    def visit(self, late):
        self.done.wait(late)
        connection = http.client.HTTPConnection("127.0.0.1", self.service.http_port, timeout=60)
        while not self.done.is_set():
            self.asked += 1
            try:
                connection.request("GET", f"/sleep/{SECONDS}", headers={"Host": f"{self.name}.user-app.localhost"})
                answer = connection.getresponse()
                text = answer.read().decode()
                if answer.status == 200:
                    self.answered.append(text.split()[0])
                else:
                    self.failures.append((answer.status, text[:100]))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()


def test_twenty_redeploys_fail_no_request(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("v0"))
    repository.push()
    with Load(service, name, visitors=8) as load, SlowVisitors(service, name) as slow:
        wait_for(lambda: slow.asked >= SECONDS, "slow requests to be under way")
        for number in range(1, REDEPLOYS + 1):
            repository.commit(apps.web(f"v{number}"))
            repository.push()
            assert service.visit(name).text == f"v{number} GET /"
            load.expect_more()
    print(f"{REDEPLOYS} redeploys: {load}; of {slow.asked} requests of {SECONDS} s {len(slow.failures)} failed; "
          f"answered by {len(set(slow.answered))} versions")
    assert not load.failures, load.failures[:5]
    assert not slow.failures, slow.failures[:5]
    assert load.requests > 1000 and len(slow.answered) == slow.asked >= 2 * SECONDS, (load.requests, slow.asked)
    assert len(set(slow.answered)) >= 3, "requests went to versions that were replaced while they lasted"
