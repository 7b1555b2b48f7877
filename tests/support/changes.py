"""Changes that come all the time while something is wrong, for what must not be lost."""
import time

from . import apps
from .visitors import Beside


class Changes(Beside):
    """Asks for one change after another and reads between; keeps what was acknowledged, and how long each answer took."""

    def __init__(self, client, project):
        super().__init__(lambda: self.run(self.change), lambda: self.run(self.read))
        self.client, self.project = client, project
        self.asked, self.acknowledged, self.answers = 0, set(), []

    def change(self):
        self.asked += 1
        name = f"N{self.asked}"
        answer = self.client.call("PATCH", f"/projects/{self.project}/environment", {"set": {name: "x"}})
        if answer.status == 202:
            self.acknowledged.add(name)
        return answer

    def read(self):
        return self.client.call("GET", "/projects")

    def run(self, ask):
        while not self.done.is_set():
            began = time.monotonic()
            try:
                answer = ask()
                seen = answer.status, answer.text if answer.status == 503 else ""
            except OSError as error:
                seen = repr(error), ""
            self.answers.append((ask.__name__, began, time.monotonic() - began, *seen))
            self.done.wait(0.1)

    def refused(self, kind):
        """The 503 so far."""
        return [each for each in self.answers if each[0] == kind and each[3] == 503]


def shop_and_ledger(service):
    """The owner of both; `shop` is live, and its repository comes with it."""
    client = service.client("owner")
    client.project("shop")
    repository = client.repository("shop", apps.web("one"))
    repository.push()
    client.project("ledger")  # never deployed, so that its changes are the database's alone
    return client, repository
