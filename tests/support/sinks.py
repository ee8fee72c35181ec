"""Where a sender's messages end: a mail server and a webhook of the test's own."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from streams.local.embedded import PORT_ATTEMPTS
from streams.local.processes import LOOPBACK, free_port


class Mails:
    """Takes every mail but for customers named `nobody`, who are unknown, and `busy` the first time."""

    def __init__(self) -> None:
        self.came: list[Message] = []
        self.addresses: list[str] = []
        self.busy = 1

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        if address.startswith("busy@") and self.busy:
            self.busy -= 1
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.addresses += envelope.rcpt_tos
        self.came.append(email.message_from_bytes(envelope.content))
        return "250 taken"


@contextmanager
def mail_server(utf8: bool = True) -> Iterator[tuple[str, Mails]]:
    """Its address, and what came. utf8: whether it takes addresses beyond ASCII."""
    mails = Mails()
    for attempt in range(PORT_ATTEMPTS):
        controller = Controller(mails, hostname=LOOPBACK, port=free_port(), enable_SMTPUTF8=utf8, ready_timeout=30)
        try:
            controller.start()
            break
        except OSError:  # another process was faster to take the port
            if attempt + 1 == PORT_ATTEMPTS:
                raise
    try:
        yield f"{LOOPBACK}:{controller.port}", mails
    finally:
        controller.stop()


@contextmanager
def webhook() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Its address, and what was posted: the key and the body."""
    came: list[tuple[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            came.append((self.headers["Idempotency-Key"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer((LOOPBACK, 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/messages", came
    finally:
        server.shutdown()
        server.server_close()
