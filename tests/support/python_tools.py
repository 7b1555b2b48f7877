"""Programs from PyPI that Debian has not, in a folder of their own below the build folder."""
import fcntl
import pathlib
import subprocess
import sys

from .service import BUILD

REQUIREMENTS = pathlib.Path(__file__).parents[1] / "requirements.txt"


def program(name):
    """The path of a program that a package of tests/requirements.txt brings. Installs them where they are not there yet."""
    folder = BUILD / "tools" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "requirements.txt"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder / "venv"], check=True)
            subprocess.run([folder / "venv/bin/pip", "install", "-q", "--no-deps", "--disable-pip-version-check", "-r", REQUIREMENTS], check=True)
            stamp.write_bytes(REQUIREMENTS.read_bytes())
    return folder / "venv/bin" / name
