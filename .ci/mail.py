"""Runs `itog run` and `itog send` against a real mail server: login, TLS, refusals, lost connections."""

import email
import email.policy
import logging
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import time
import base64
import signal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# What the server thinks of a client that refuses its certificate is no news here.
logging.disable(logging.CRITICAL)

PROGRAM, SCRATCH = sys.argv[1], pathlib.Path(sys.argv[2])
ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECKS = []


def check(name, holds, seen=""):
    CHECKS.append(bool(holds))
    print(f"{'ok  ' if holds else 'FAIL'} {name}{': ' + str(seen) if seen != '' else ''}", flush=True)


class Keeper:
    """Takes mail, or does what the test says with a recipient."""

    def __init__(self):
        self.taken, self.rules, self.mechanisms = [], {}, []

    async def handle_RCPT(self, server, session, envelope, address, options):
        rule = self.rules.get(address, [])
        if rule and rule[0].startswith(("4", "5")):
            return rule.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        assert len(envelope.rcpt_tos) == 1, "one envelope a recipient"
        rule = self.rules.get(envelope.rcpt_tos[0], [])
        if rule and rule[0] == "slow":
            rule.pop(0)
            import asyncio

            await asyncio.sleep(600)
        if rule and rule[0] == "drop":
            rule.pop(0)
            server.transport.abort()
            return "250 never arrives"
        self.taken.append((envelope.rcpt_tos[0], envelope.content, session.ssl is not None, session.authenticated))
        return "250 2.0.0 taken"


def login(keeper):
    def check_login(server, session, envelope, mechanism, data):
        keeper.mechanisms.append(mechanism)
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"itog", "пароль".encode())
        return AuthResult(success=good, handled=False)

    return check_login


def context(name):
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(SCRATCH / f"{name}.pem", SCRATCH / f"{name}.key")
    return made


class Starttls(Controller):
    def factory(self):
        return SMTP(self.handler, **self.SMTP_kwargs)


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def start(keeper, security, certificate="own", **options):
    options |= {"hostname": "localhost", "port": free_port(), "ready_timeout": 20}
    if security == "tls":
        server = Controller(keeper, ssl_context=context(certificate), **options)
    elif security == "starttls":
        server = Starttls(keeper, require_starttls=True, tls_context=context(certificate), **options)
    else:
        server = Controller(keeper, **options)
    server.start()
    return server, server.port


def project(port, security, more=""):
    folder = SCRATCH / f"project-{time.monotonic_ns()}"
    shutil.copytree(ROOT / "config", folder / "config")
    for config in (folder / "config").glob("*.toml"):
        lines = [line for line in config.read_text().splitlines() if not line.startswith("owner")]
        text = "\n".join(lines) + "\n"
        config.write_text(text.replace("[experiment]\n", '[experiment]\nowner = "Анна Петрова"\n', 1))
    (folder / "config/delivery.toml").write_text(
        f"""enabled = true
[mail]
from = "Итоги экспериментов <itog@example.ru>"
base_url = "https://reports.example.ru/itog"
[smtp]
host = "localhost"
port = {port}
security = "{security}"
attempts = 3
backoff_seconds = 0
timeout_seconds = 5
{more}
[[manager]]
address = "Мария Ким <maria@example.ru>"
[[manager]]
address = "boss@example.ru"
[[owner]]
name = "Анна Петрова"
address = "anna@example.ru"
[[operator]]
address = "duty@example.ru"
on = "always"
"""
    )
    return folder


def itog(folder, *arguments, trust=True, **environment):
    env = {**os.environ, "ITOG_SMTP_PASSWORD": "пароль", **environment}
    env.pop("SSL_CERT_FILE", None)
    if trust:
        env["SSL_CERT_FILE"] = str(SCRATCH / "own-root.pem")
    return subprocess.run([PROGRAM, *arguments], cwd=folder, env=env, capture_output=True, text=True)


LOGIN = 'username = "itog"\npassword_env = "ITOG_SMTP_PASSWORD"\n'
NIGHT = ("run", "--date", "2026-11-22")

# A night over STARTTLS with login: everything arrives once, encrypted.
for security, mechanism in (("starttls", None), ("tls", None), ("starttls", "LOGIN")):
    keeper = Keeper()
    options = {"authenticator": login(keeper), "auth_required": True}
    if security == "tls":
        options["auth_require_tls"] = False
    if mechanism == "LOGIN":
        options["auth_exclude_mechanism"] = ["PLAIN"]
    server, port = start(keeper, security, **options)
    folder = project(port, security, LOGIN)
    done = itog(folder, *NIGHT)
    to = sorted(recipient for recipient, *_ in keeper.taken)
    expected = sorted(["maria@example.ru", "boss@example.ru", "duty@example.ru"] + ["anna@example.ru"] * 5)
    check(f"a night over {security}, AUTH {keeper.mechanisms[:1]}", done.returncode == 0 and to == expected, (done.returncode, len(to)))
    check("  encrypted and logged in", all(secure and known for *_, secure, known in keeper.taken) or security == "tls")
    again = itog(folder, *NIGHT, "--resume")
    check("  a repeat sends nothing", again.returncode == 0 and len(keeper.taken) == 8, len(keeper.taken))
    if security == "starttls" and mechanism is None:
        wrong = itog(project(port, security, LOGIN), *NIGHT, ITOG_SMTP_PASSWORD="wrong")
        check("a wrong password is said, exit 5", wrong.returncode == 5 and "delivery::server-refuses" in wrong.stderr, wrong.stderr.strip()[:110])
        check("  and not printed", "wrong" not in wrong.stderr and "пароль" not in wrong.stderr)
        shutil.copytree(folder, SCRATCH / "night")
    server.stop()

# Certificates that must be refused: nobody's trust, another name; and the right one by `ca_file`.
for certificate, trust, more, code in (
    ("stranger", True, "", 5),
    ("own", False, "", 5),
    ("elsewhere", False, f'ca_file = "{SCRATCH}/elsewhere-root.pem"\n', 5),
    ("own", False, f'ca_file = "{SCRATCH}/own-root.pem"\n', 0),
):
    for security in ("tls", "starttls"):
        keeper = Keeper()
        server, port = start(keeper, security, certificate)
        done = itog(project(port, security, more), *NIGHT, trust=trust)
        name = f"certificate {certificate}, {'trusted' if trust or more else 'unknown'} root, {security}"
        words = next((line for line in done.stderr.splitlines() if "delivery::server" in line), "")
        check(name, done.returncode == code and (len(keeper.taken) == 8) == (code == 0), (done.returncode, words[:120]))
        if code == 5:
            check("  nothing was said to it", not keeper.taken and "delivery::server-refuses" in done.stderr)
        server.stop()

# Refusals and lost connections.
keeper = Keeper()
keeper.rules = {
    "maria@example.ru": ["450 4.2.0 later", "451 4.3.0 later"],
    "boss@example.ru": ["550 5.1.1 no such user"],
    "duty@example.ru": ["drop"],
}
server, port = start(keeper, "none")
folder = project(port, "none")
done = itog(folder, *NIGHT)
to = sorted(recipient for recipient, *_ in keeper.taken)
check("4xx twice, then taken", "maria@example.ru" in to, to.count("maria@example.ru"))
check("5xx for one, the others are taken", "boss@example.ru" not in to and to.count("anna@example.ru") == 5)
check("exit 5; failed and uncertain are told", done.returncode == 5 and "delivery::failed" in done.stderr and "delivery::uncertain" in done.stderr)
status = itog(folder, "send", "--status")
check("status lists them", "failed" in status.stdout and "uncertain" in status.stdout, status.stdout.strip().splitlines()[-1])
before = len(keeper.taken)
again = itog(folder, "send")
check("uncertain is not sent again in silence", len(keeper.taken) == before and again.returncode == 5, again.returncode)
number = next(line.split()[0] for line in status.stdout.splitlines() if " uncertain " in line)
retried = itog(folder, "send", "--retry-uncertain", number)
check("  but on demand", len(keeper.taken) == before + 1 and retried.returncode == 0, retried.returncode)

# kill -9 while the server is silent after the text: uncertain, not doubled, and the rest arrives.
keeper.taken.clear()
keeper.rules = {"boss@example.ru": ["slow"]}
folder = project(port, "none", "").resolve()
text = (folder / "config/delivery.toml").read_text()
(folder / "config/delivery.toml").write_text(text.replace("timeout_seconds = 5\n", "timeout_seconds = 60\n"))
itog(folder, *NIGHT, "--no-send")
process = subprocess.Popen([PROGRAM, "send", "--night", "2026-11-22"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
deadline = time.monotonic() + 60
while keeper.rules["boss@example.ru"] and time.monotonic() < deadline:
    time.sleep(0.05)
process.send_signal(signal.SIGKILL)
process.wait()
after = itog(folder, "send")
to = sorted(recipient for recipient, *_ in keeper.taken)
check("kill -9 during the text: the message is uncertain", after.returncode == 5 and "boss@example.ru" in after.stderr and "boss@example.ru" not in to)
check("  and every other one arrives once", to == sorted(["maria@example.ru", "duty@example.ru"] + ["anna@example.ru"] * 5), len(to))
verified = itog(folder, "archive", "verify")
check("  the archive verifies", verified.returncode == 0, (verified.stdout + verified.stderr).strip()[:100])
server.stop()

# The messages as files, and their HTML with the pictures in it.
folder = SCRATCH / "night"
eml = SCRATCH / "eml"
dry = itog(folder, "send", "--dry-run", "--night", "2026-11-22", "--to", str(eml))
twice = itog(folder, "send", "--dry-run", "--night", "2026-11-22", "--to", str(SCRATCH / "eml2"))
files = sorted(eml.glob("*.eml"))
check("--dry-run writes every message", dry.returncode == 0 and len(files) == 8, len(files))
same = all(file.read_bytes() == (SCRATCH / "eml2" / file.name).read_bytes() for file in files)
check("  the same bytes twice", same)
largest = 0
for file in files:
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert not message.defects, (file.name, message.defects)
    html = message.get_body(("html",)).get_content()
    largest = max(largest, len(html.encode()))
    for part in message.walk():
        if part["Content-ID"]:
            data = base64.b64encode(part.get_content()).decode()
            html = html.replace("cid:" + part["Content-ID"].strip("<>"), "data:image/png;base64," + data)
    file.with_suffix(".html").write_text(html)
    file.with_suffix(".raw.html").write_text(message.get_body(("html",)).get_content())
check("HTML below 90 KB", largest < 90_000, largest)

print(f"{sum(CHECKS)} of {len(CHECKS)} checks of the mail passed")
sys.exit(0 if all(CHECKS) else 1)
