"""Which version of the Docker Engine's API is spoken: the newest that both sides know. And what of an Engine the operator is
warned of."""
import json
import re

import pytest

from tests.support import apps
from tests.support.relayed_engine import RelayedEngine
from tests.support.service import SOCKET, wait_for


class OtherVersion(RelayedEngine):
    """Says that it speaks other versions than the real Engine, whose own takes its place in what is passed on."""

    def __init__(self, path, real, version, newest, oldest):
        self.said = {"ApiVersion": newest, "MinAPIVersion": oldest, "Version": "99.0"}
        self.version, self.spoken = version, set()
        super().__init__(path, real)

    def answers(self, target):
        return self.answer("200 OK", json.dumps(self.said)) if target.endswith("/version") else None

    def rewritten(self, first):
        if found := re.match(rb"[A-Z]+ /v(1\.\d+)/", first):
            self.spoken.add(found[1].decode())
            return first.replace(b"/v" + found[1] + b"/", b"/v" + self.version.encode() + b"/", 1)
        return first


@pytest.mark.parametrize("newest, oldest, spoken", [("1.41", "1.12", "1.41"), ("1.47", "1.44", "1.47")])
def test_the_newest_that_both_know_is_spoken(fresh_service, newest, oldest, spoken):
    service = fresh_service()
    _, real = service.docker.call("GET", "/version")
    engine = OtherVersion(str(service.home / "engine.sock"), SOCKET, real["ApiVersion"], newest, oldest)
    service.extra.append(engine.close)
    service.socket = engine.path
    service.start()
    client = service.client("ada")
    client.repository(client.project("hello")["name"], apps.web("one")).push()
    assert service.visit("hello").text == "one GET /"
    assert engine.spoken == {spoken}, engine.spoken


class OtherStore(RelayedEngine):
    """Says that it keeps images in containerd's store, and whether it has a proxy."""

    def __init__(self, path, service, proxy):
        _, info = service.docker.call("GET", "/info")
        self.info = info | {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]], "HttpProxy": proxy, "HttpsProxy": proxy}
        super().__init__(path, SOCKET)

    def answers(self, target):
        return self.answer("200 OK", json.dumps(self.info)) if target.endswith("/info") else None


@pytest.mark.parametrize("proxy, warned", [("", True), ("http://proxy.example:3128", False)])
def test_an_engine_that_asks_whatever_address_an_image_names_is_warned_of(fresh_service, proxy, warned):
    service = fresh_service()
    engine = OtherStore(str(service.home / "engine.sock"), service, proxy)
    service.extra.append(engine.close)
    service.socket = engine.path
    service.start()
    looked = ("the host is closed", "THE FIREWALL IS OFF")
    wait_for(lambda: any(each in service.log() for each in looked), "what follows the first look at the Engine")
    assert ("containerd's store" in service.log()) == warned, service.log()
