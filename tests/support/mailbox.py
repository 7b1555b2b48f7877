"""A real SMTP server on loopback (smtp_server.py, a process of its own), and the mails that it took."""
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

from .service import wait_for

SERVER = pathlib.Path(__file__).with_name("smtp_server.py")


def sends_to(port):
    """What a Service is configured with that sends its mails there."""
    return f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nfrom = "PaaSTech <paas@example.org>"\n'


class Mailbox:
    """with Mailbox(folder, *options of the server) as mailbox: … – it can go away and come back at the same port."""

    def __init__(self, folder, *options):
        self.folder, self.options, self.process, self.port = folder, options, None, None
        folder.mkdir(exist_ok=True)
        self.come()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go()

    def come(self):
        options = [*self.options, *(["--port", str(self.port)] if self.port else [])]
        self.process = subprocess.Popen([sys.executable, SERVER, self.folder, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline())

    def go(self):
        if self.process is None:
            return
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        self.process = None

    def toml(self):
        return sends_to(self.port)

    def mails(self, to, subject=""):
        kept = [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]
        return [mail for mail in kept if to in mail["rcpt_tos"] and subject in mail["headers"]["subject"]]

    def wait(self, to, subject, seconds=30, nth=None):
        """The last such mail once there is one; or the nth, from 1 on."""
        found = wait_for(lambda: self.mails(to, subject)[(nth or 1) - 1:], f"mail {nth or ''} '{subject}' to {to}", seconds)
        return found[0] if nth else found[-1]


def link_in(mail):
    """The one link of a mail, which its HTML has too."""
    links = re.findall(r"^https?://\S+$", mail["text"], re.M)
    assert len(links) == 1, mail["text"]
    assert links[0] in mail["html"].replace("&amp;", "&")
    return links[0]


def secret_in(mail):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(link_in(mail)).query)["secret"][0]
