"""The program that is installed has nothing that acts on failpoints: only the one of the fault tests dies at them."""
import pathlib
import signal
import subprocess

from tests.support import apps
from tests.support.service import BUILD, wait_for

CONTRACT = pathlib.Path(__file__).parents[2] / "api/openapi.yaml"


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


def test_a_service_whose_handlers_and_contract_disagree_does_not_start(fresh_service):
    service = fresh_service()
    wrong = service.home / "openapi.yaml"
    text = CONTRACT.read_text()
    assert text.count("\n  /api/v1/me:\n") == 1
    wrong.write_text(text.replace("\n  /api/v1/me:\n", "\n  /api/v1/myself:\n"))
    ended = subprocess.run([BUILD / "bin/paastechd_faults", "all"], env=service.environment() | {"PAASTECH_CONTRACT": str(wrong)},
                           capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1, (ended.returncode, ended.stderr)
    assert "the routes and the contract, api/openapi.yaml, disagree:" in ended.stderr, ended.stderr
    assert "GET /api/v1/me: " in ended.stderr and "GET /api/v1/myself: " in ended.stderr, ended.stderr
    service.variables = {"PAASTECH_CONTRACT": str(wrong)}
    service.start()  # the installed program takes no other
    service.kill(signal.SIGTERM)
    service.variables, service.faults = {}, {"PAASTECH_CONTRACT": str(CONTRACT)}  # the control
    service.start()
