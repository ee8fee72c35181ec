"""All of it on this machine in a minute: a shop, the engine, a messaging service, a mailbox. No Docker, no Java.

    python docs/examples/circle.py

Starts the embedded broker and Redis, a worker to which a week is four seconds, the sample shop and the sample messaging
service, and a mail server that prints what comes. Six customers order and fall silent; each is written to. Then it is
yours to look around, until Ctrl-C: it prints the commands. Needs the extra `demo` and aiosmtpd (`make install-dev` has
both).
"""

from __future__ import annotations

import json
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

from streams.local.engine import FAST, QUICK_GROUP, LocalEngine
from streams.local.processes import LOOPBACK, exchange, free_port

HERE = Path(__file__).resolve().parent
CUSTOMERS = ("anna", "bert", "carl", "dora", "emil", "fritz")


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="retention-")))
        engine = stack.enter_context(LocalEngine(folder, {**FAST, **QUICK_GROUP, "log_level": "WARNING"}, print))
        broker = engine.config.bootstrap_servers
        mail, shop, answers = (free_port() for _ in range(3))

        def start(*command: str, log: Path | None = None) -> None:
            out = None if log is None else stack.enter_context(log.open("wb"))
            process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
            stack.callback(process.wait)
            stack.callback(process.terminate)

        mailbox = Controller(Mailbox(), hostname=LOOPBACK, port=mail)
        mailbox.start()
        stack.callback(mailbox.stop)
        start(sys.executable, str(HERE / "shop" / "shop.py"), broker, "--listen", f"{LOOPBACK}:{shop}")
        sender = [sys.executable, str(HERE / "sender"), broker, "--smtp", f"{LOOPBACK}:{mail}"]
        start(*sender, "--worker", engine.address, "--listen", f"{LOOPBACK}:{answers}")
        answering(shop)
        for number, customer in enumerate(CUSTOMERS):
            order = {"action": "order", "customer": customer, "number": str(number), "amount": 20 + number}
            post(f"http://{LOOPBACK}:{shop}/events", order)
        print(f"\n{len(CUSTOMERS)} customers have ordered; now they fall silent. Meanwhile, in another shell:\n")
        print(f"    export RETENTION_CONFIG={engine.settings}\n")
        print(f"    retention tail triggers\n    retention customer anna\n    less {engine.worker.log}\n")
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


def answering(port: int, within_s: float = 60.0) -> None:
    """Wait for a service of ours."""
    until = time.monotonic() + within_s
    while not exchange(port, b"HEAD / HTTP/1.0\r\n\r\n", 4):
        if time.monotonic() > until:
            raise TimeoutError(f"nothing answers at port {port}")
        time.sleep(0.2)


def post(url: str, asked: dict[str, object]) -> None:
    sort = {"Content-Type": "application/json"}
    with urlopen(Request(url, json.dumps(asked).encode(), headers=sort), timeout=5):
        pass


if __name__ == "__main__":
    main()
