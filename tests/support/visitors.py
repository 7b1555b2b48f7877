"""Visitors of an Application who come all the time, for what they must not notice."""
import http.client
import threading

from .service import wait_for


class Beside:
    """What runs on threads of its own for as long as a `with`; each of the functions looks at `done`."""

    def __init__(self, *functions):
        self.done = threading.Event()
        self.threads = [threading.Thread(target=each) for each in functions]

    def __enter__(self):
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for each in self.threads:
            each.join()


class Visitors(Beside):
    """with Visitors(service, "shop"): … – every answer meanwhile must be a 200; it lasts for more than ten."""

    def __init__(self, service, name):
        super().__init__(self.run)
        self.service, self.name, self.answered, self.failures = service, name, 0, []

    def run(self):
        while not self.done.is_set():
            try:
                answer = self.service.visit(self.name, timeout=10)
                if answer.status != 200:
                    self.failures.append(repr(answer))
            except OSError as error:
                self.failures.append(repr(error))
            self.answered += 1
            self.done.wait(0.02)

    def __exit__(self, kind, *_):
        if kind is None:  # what is over quickly too has had its visitors
            wait_for(lambda: self.answered > 10, "more than ten visitors", fails=False)
        super().__exit__()
        if kind is None:
            assert not self.failures and self.answered > 10, (self.answered, self.failures[:3])


class Load(Beside):
    """Visitors with keep-alive connections, who come back at once; what went wrong is kept."""

    def __init__(self, service, name, visitors=4, pause=0.005):
        super().__init__(*[self.visit] * visitors)
        self.service, self.name, self.pause = service, name, pause
        self.requests, self.failures = 0, []

    def visit(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.http_port, timeout=30)
        while not self.done.is_set():
            try:
                connection.request("GET", "/", headers={"Host": f"{self.name}.user-app.localhost"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(answer.status)
            except (OSError, http.client.HTTPException) as e:
                self.failures.append(repr(e))
                connection.close()
            self.requests += 1
            self.done.wait(self.pause)
        connection.close()

    def expect_more(self, count=50):
        """Waits until so many more visitors have come and gone."""
        before = self.requests
        wait_for(lambda: self.requests >= before + count, f"{count} more visitors")

    def __str__(self):
        return f"{self.requests} requests, {len(self.failures)} failed"
