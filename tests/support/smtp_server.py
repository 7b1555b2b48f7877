"""A real SMTP server (aiosmtpd) for tests: prints its port, keeps what it takes as FOLDER/NNNN.json, ends with its
input.

    smtp_server.py FOLDER [--port PORT] [--security none|starttls|tls] [--user NAME --password SECRET [--without PLAIN|LOGIN]]

With TLS its certificate, for 127.0.0.1 only, is FOLDER/cert.pem; whoever trusts that file trusts the server. The name
before the @ of a recipient decides what happens to a mail; see ANSWERS.
"""
import argparse
import asyncio
import email
import email.policy
import json
import logging
import os
import pathlib
import ssl
import subprocess
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

ANSWERS = {  # to RCPT
    "later": "451 4.3.0 the mailbox is locked, try again",
    "unknown": "550 5.1.1 no such user here",
    "odd": "550 5.1.1 \x1b[31mred\x07\tand \u00fcmlaut",
    "full": "452 4.2.2 the mailbox is full",
}
DATA_ANSWERS = {
    "spam": "554 5.7.1 this looks like spam",
    "busy": "451 4.7.1 greylisted, come back in five minutes",
}


class Keeper:
    def __init__(self, folder):
        self.folder, self.count = folder, len(list(folder.glob("*.json")))

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("stranger@"):
            return "553 5.7.1 you may not send as this"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        return ANSWERS.get(address.split("@")[0], "250 OK")

    async def handle_DATA(self, server, session, envelope):
        who = envelope.rcpt_tos[0].split("@")[0]
        if who == "cut":
            server.transport.abort()
            return "250 OK"
        if who in DATA_ANSWERS:
            return DATA_ANSWERS[who]
        self.keep(session, envelope, server.transport.get_extra_info("ssl_object") is not None)
        return "250 OK"

    def keep(self, session, envelope, tls):
        raw = envelope.content
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        body = {kind: part.get_content().replace("\r\n", "\n") for kind in ("plain", "html")
                if (part := mail.get_body((kind,)))}
        kept = {"mail_from": envelope.mail_from, "rcpt_tos": envelope.rcpt_tos, "helo": session.host_name,
                "tls": tls, "user": session.auth_data, "raw": raw.decode("ascii"),
                "headers": {name.lower(): str(value) for name, value in mail.items()}, "names": mail.keys(),
                "type": mail.get_content_type(), "text": body.get("plain", ""), "html": body.get("html", ""),
                "date": mail["date"].datetime.timestamp(),
                "defects": [str(each) for part in mail.walk() for each in part.defects]}
        self.count += 1
        path = self.folder / f"{self.count:04}.json"
        path.with_suffix(".part").write_text(json.dumps(kept))
        os.rename(path.with_suffix(".part"), path)


def tls_context(folder):
    cert, key = folder / "cert.pem", folder / "key.pem"
    if not cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=mail.test", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def serve(options):
    folder = pathlib.Path(options.folder)
    context = tls_context(folder) if options.security != "none" else None
    keeper = Keeper(folder)

    def authenticate(server, session, envelope, mechanism, data):
        right = data.login.decode() == options.user and data.password.decode() == options.password
        return AuthResult(success=right, handled=False, auth_data=options.user if right else None)

    def session():
        return SMTP(keeper, hostname="mail.test", enable_SMTPUTF8=True, timeout=60,
                    tls_context=context if options.security == "starttls" else None,
                    require_starttls=options.security == "starttls", auth_required=options.user is not None,
                    auth_require_tls=options.security == "starttls", authenticator=authenticate,
                    auth_exclude_mechanism=[options.without] if options.user else ["PLAIN", "LOGIN"])

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", options.port, ssl=context if options.security == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # until the test closes it, or dies
    server.close()


def main():
    warnings.simplefilter("ignore")  # AUTH without TLS of its own: what is under it has TLS, or the test wants it so
    logging.disable()  # sessions that end badly are what the tests are about
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--security", choices=["none", "starttls", "tls"], default="none")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--without", choices=["PLAIN", "LOGIN"])
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
