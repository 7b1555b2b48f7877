"""What the web application is compiled against is what the contract says today."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).parents[2]


def test_the_types_of_the_web_come_from_the_contract():
    done = subprocess.run([ROOT / "scripts/types", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
