"""What comes back: a small HTTP server for the links in a message, and for what the mail provider tells.

`/o/TOKEN` opened, `/a/TOKEN` accepted, `/d/TOKEN` declined: signed, so that nobody answers for somebody else. `POST
/provider` takes `{"trigger": ID, "event": "delivered" | "bounced" | "spam"}`, as providers call it, with
`Authorization: Bearer` and a secret: the same listener is open to everybody who has a link.
"""

from __future__ import annotations

import hashlib
import hmac
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
from memory import Memory

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
LINKS = {"o": "offer_opened", "a": "offer_accepted", "d": "offer_declined"}
WORDS = {"a": "Thank you. It is yours.", "d": "Understood. We will not ask again about this."}
FORMS = {
    "a": '<form method="post"><button>Yes, I take it</button></form>',
    "d": '<form method="post"><button>No, thank you</button></form>',
}
MOST = 10_000


class Links:
    """Makes the links of a trigger, and reads them."""

    def __init__(self, base: str, secret: bytes) -> None:
        self._base, self._secret = base.rstrip("/"), secret

    def __call__(self, trigger_id: str) -> dict[str, str]:
        names = {"o": "pixel", "a": "accept", "d": "decline"}
        return {names[what]: f"{self._base}/{what}/{trigger_id}.{self._sign(what, trigger_id)}" for what in LINKS}

    def read(self, path: str) -> tuple[str, str] | None:
        """Which link it is, and of which trigger; None: none of ours."""
        what, _, token = path.strip("/").partition("/")
        trigger_id, _, signature = token.partition(".")
        if what in LINKS and hmac.compare_digest(signature.encode(), self._sign(what, trigger_id).encode()):
            return what, trigger_id
        return None

    def _sign(self, what: str, trigger_id: str) -> str:
        return hmac.new(self._secret, f"{what}:{trigger_id}".encode(), hashlib.sha256).hexdigest()[:32]


def server(host: str, port: int, path: str | Path, links: Links, provider: bytes) -> ThreadingHTTPServer:
    """The server, not started yet. path: of the memory's file. provider: the secret of who calls `/provider`; empty:
    nobody may."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """An open counts; an answer is confirmed by a person, since mail scanners follow links."""
            found = links.read(self.path)
            if found is None:
                return self._reply(404, b"There is no such page.")
            what, trigger_id = found
            if what in FORMS:
                return self._reply(200, FORMS[what].encode(), "text/html; charset=utf-8")
            return self._told(what, trigger_id)

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST))
            if self.path == "/provider":
                given = self.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
                if not provider or not hmac.compare_digest(given, b"Bearer " + provider):
                    return self._reply(401, b"who calls for the provider is not known")
                return self._provider(body)
            found = links.read(self.path)
            return self._reply(404, b"There is no such page.") if found is None else self._told(*found)

        def _told(self, what: str, trigger_id: str) -> None:
            memory = Memory(path)
            try:
                trigger = memory.find(trigger_id)
                if trigger is None:
                    return self._reply(404, b"This offer is not known any more.")
                memory.tell(trigger, LINKS[what])
            finally:
                memory.close()
            return self._reply(200, PIXEL, "image/gif") if what == "o" else self._reply(200, WORDS[what].encode())

        def _provider(self, body: bytes) -> None:
            memory = Memory(path)
            try:
                said = msgspec.json.decode(body, type=dict[str, str])
                trigger = memory.find(said.get("trigger", ""))
                if trigger is None:
                    return self._reply(404, b"no such trigger")
                match said.get("event"):
                    case "delivered":
                        memory.tell(trigger, "offer_delivered")
                    case "bounced":
                        memory.tell(trigger, "offer_failed", failure="hard")
                    case "spam":
                        memory.tell(trigger, "spam_reported")
                    case other:
                        return self._reply(400, f"event is {other}; give delivered, bounced or spam".encode())
            except msgspec.DecodeError as error:
                return self._reply(400, str(error).encode())
            finally:
                memory.close()
            return self._reply(204, b"")

        def _reply(self, status: int, body: bytes, sort: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", sort)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    return ThreadingHTTPServer((host, port), Answers)
