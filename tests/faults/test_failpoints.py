"""The program that is installed has nothing that acts on failpoints: only the one of the fault tests dies at them."""
import signal

from tests.support import apps
from tests.support.service import wait_for


def test_the_installed_program_passes_a_failpoint_at_which_the_tests_program_dies(fresh_service):
    service = fresh_service()
    trace = service.home / "failpoints"
    wanted = {"PAASTECH_FAILPOINT": "rollout.published", "PAASTECH_FAILPOINT_TRACE": str(trace)}
    service.variables = wanted
    service.start()
    client = service.client("owner")
    client.project("shop")
    repository = client.repository("shop", apps.web("one"))
    repository.push()
    assert service.visit("shop").text == "one GET /" and not trace.exists()
    service.kill(signal.SIGTERM)
    service.variables, service.faults = {}, wanted  # the control
    service.start()
    repository.commit(apps.web("two"))
    assert repository.push(check=False).returncode != 0
    wait_for(lambda: service.process.poll() is not None, "it to die")
    assert service.process.returncode == -signal.SIGKILL and "rollout.published" in trace.read_text().split()
