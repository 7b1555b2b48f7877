"""Visitors of an Application who come all the time, for what they must not notice."""
import threading


class Visitors:
    """with Visitors(service, "shop"): … – every answer meanwhile must be a 200, and there must be more than ten."""

    def __init__(self, service, name):
        self.service, self.name = service, name
        self.answered, self.failures, self.done = 0, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

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

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.done.set()
        self.thread.join()
        if kind is None:
            assert not self.failures and self.answered > 10, (self.answered, self.failures[:3])
