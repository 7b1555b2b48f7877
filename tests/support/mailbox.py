"""A real SMTP server on loopback (smtp_server.py, a process of its own), which keeps each mail as a file of JSON."""
import contextlib
import pathlib
import subprocess
import sys
import types

SERVER = pathlib.Path(__file__).with_name("smtp_server.py")


@contextlib.contextmanager
def mailbox(folder):
    """Its port, and the folder of the mails."""
    server = subprocess.Popen([sys.executable, SERVER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield types.SimpleNamespace(port=int(server.stdout.readline()), folder=folder)
    finally:
        server.stdin.close()
        server.wait(20)
        server.stdout.close()
