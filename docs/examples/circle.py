"""All of it on this machine in a minute: a shop, the engine, a messaging service, a mailbox. No Docker, no Java.

    python docs/examples/circle.py

Starts the embedded broker and Redis, a worker to which a week is four seconds, the sample shop and the sample messaging
service, and a mail server that prints what comes. Six customers order and fall silent; each is written to. Then it is
yours to look around, until Ctrl-C: it prints the commands. Needs the extra `demo` and aiosmtpd (`make install-dev` has
both).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from streams.local.embedded import EmbeddedBroker, EmbeddedRedis
from streams.local.processes import LOOPBACK, free_port

HERE = Path(__file__).resolve().parent
RETENTION = [sys.executable, "-m", "streams.cli"]
QUICK = {
    "RETENTION_TICK_DAYS": str(4 / 86_400),
    "RETENTION_HORIZON_DAYS": str(20 / 86_400),
    "RETENTION_VERSION_EVERY_S": "2",
    "RETENTION_LATENESS_S": "1",
    "RETENTION_CLOCK_EVERY_S": "0.5",
    "RETENTION_ENTER": "0.5",
    "RETENTION_EXIT": "0.4",
    "RETENTION_SESSION_TIMEOUT_S": "2",
    "RETENTION_HEARTBEAT_S": "0.3",
    "RETENTION_LOG_LEVEL": "WARNING",
}
"""Weeks of four seconds: a customer who is silent for one is at risk."""
CUSTOMERS = ("anna", "bert", "carl", "dora", "emil", "fritz")


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="retention-")))
        broker = stack.enter_context(EmbeddedBroker(folder))
        redis = stack.enter_context(EmbeddedRedis(folder))
        worker, mail, shop, answers = (free_port() for _ in range(4))
        servers = {"RETENTION_BOOTSTRAP_SERVERS": broker.bootstrap_servers, "RETENTION_REDIS_URL": redis.url}
        environment = {**os.environ, **QUICK, **servers, "RETENTION_METRICS_PORT": str(worker)}

        def start(*command: str, log: Path | None = None) -> None:
            out = None if log is None else stack.enter_context(log.open("wb"))
            process = subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=out)
            stack.callback(process.wait)
            stack.callback(process.terminate)

        print(
            "starting a worker, a shop, a messaging service; the first time the engine compiles itself, a minute or two"
        )
        subprocess.run([*RETENTION, "topics", "create"], env=environment, check=True)
        start(*RETENTION, "worker", log=folder / "worker.log")
        mailbox = Controller(Mailbox(), hostname=LOOPBACK, port=mail)
        mailbox.start()
        stack.callback(mailbox.stop)
        start(
            sys.executable, str(HERE / "shop" / "shop.py"), broker.bootstrap_servers, "--listen", f"{LOOPBACK}:{shop}"
        )
        sender = [sys.executable, str(HERE / "sender"), broker.bootstrap_servers, "--smtp", f"{LOOPBACK}:{mail}"]
        start(*sender, "--worker", f"http://{LOOPBACK}:{worker}", "--listen", f"{LOOPBACK}:{answers}")
        ready(f"http://{LOOPBACK}:{worker}/ready")
        for number, customer in enumerate(CUSTOMERS):
            order = {"action": "order", "customer": customer, "number": str(number), "amount": 20 + number}
            post(f"http://{LOOPBACK}:{shop}/events", order)
        print(f"\n{len(CUSTOMERS)} customers have ordered; now they fall silent. Meanwhile, in another shell:\n")
        print("".join(f"    export {name}={value}\n" for name, value in servers.items()))
        print(f"    retention tail triggers\n    retention customer anna\n    less {folder / 'worker.log'}\n")
        print("Open a link of a mail and press its button: the engine hears of it. Ctrl-C ends it all.\n", flush=True)
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            print("ending")


class Mailbox:
    """Prints what comes."""

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.original_content or b"", policy=default)
        body = mail.get_body(("plain",))
        text = body.get_content().replace("\r\n", "\n") if body else ""
        print(f"\nmail to {mail['To']}: {mail['Subject']}\n\n{text}", flush=True)
        return "250 taken"


def ready(url: str, within_s: float = 600.0) -> None:
    """Wait for a worker."""
    until = time.monotonic() + within_s
    while True:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def post(url: str, asked: dict[str, object]) -> None:
    sort = {"Content-Type": "application/json"}
    with urlopen(Request(url, json.dumps(asked).encode(), headers=sort), timeout=5):
        pass


if __name__ == "__main__":
    main()
