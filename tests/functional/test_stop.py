"""SIGTERM ends the daemon in good order, whatever state its neighbours are in."""
import signal
import time


def test_it_stops_in_good_order_while_the_engine_is_away(fresh_service):
    # Where in its wait for the next attempt the stop meets it decides: several moments are tried.
    for seconds in (0.2, 1.3, 2.0, 2.7):
        service = fresh_service()
        service.socket = str(service.home / "no-engine.sock")
        service.start()
        time.sleep(seconds)
        service.kill(signal.SIGTERM)
        service.instance = None  # there is no Engine to clean
        code = service.process.returncode
        assert code == 0, f"{seconds} s after its start: {code}\n{service.log()}"
