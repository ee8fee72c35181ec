"""A web shop that tells the engine what its customers do: a transactional outbox, and a relay that empties it.

    python docs/examples/shop/shop.py 127.0.0.1:9092 --listen 127.0.0.1:8026

What the shop writes to its own database and the touchpoint about it are one transaction: no order without its
touchpoint, no touchpoint without its order, whenever the process dies. The relay publishes at least once; since each
touchpoint has the id of its fact, it counts once. `POST /events` is what the shop's pages call: README.md has them.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from streams.client import Outcome, Refusal, Sent, TouchpointPublisher
from streams.errors import EngineError
from streams.kafka.errors import BrokerUnreachable

logger = logging.getLogger("shop")
SOURCE = "https://shop.example"
LOOK_S = 0.2
MOST = 100_000
TABLES = """
CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, customer TEXT, amount REAL, status TEXT);
CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY, type TEXT, subject TEXT, time INTEGER, data TEXT, refused TEXT);
"""


class NotPossible(Exception):
    """What the page asks for can't be done."""


REFUSED = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, NotPossible)
REFUSED += (sqlite3.InterfaceError, sqlite3.ProgrammingError)  # a list where a text is due


class Shop:
    """The shop's own work. Each thread has one of its own on the same file."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, timeout=30)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(TABLES)

    def order(self, customer: str, number: str, amount: float, **more: Any) -> None:
        """The customer ordered. The same number once more changes nothing."""
        with self.db:
            new = self.db.execute(
                "INSERT OR IGNORE INTO orders VALUES (?, ?, ?, 'ordered')", (number, customer, amount)
            )
            if new.rowcount:
                self._tell("purchase", f"order-{number}", customer, amount=amount, order_id=number, **more)

    def send_back(self, number: str) -> None:
        """An order came back, and was refunded."""
        with self.db:
            row = self.db.execute("SELECT customer, amount FROM orders WHERE number = ?", (number,)).fetchone()
            if row is None:
                raise NotPossible(f"there is no order {number}")
            changed = "UPDATE orders SET status = 'returned' WHERE number = ? AND status = 'ordered'"
            if self.db.execute(changed, (number,)).rowcount:
                self._tell("return", f"return-{number}", row[0], amount=row[1], order_id=number)

    def visited(self, customer: str, id: str) -> None:
        with self.db:
            self._tell("visit", f"visit-{id}", customer, channel="web")

    def searched(self, customer: str, id: str, query: str) -> None:
        with self.db:
            self._tell("search", f"search-{id}", customer, query=query)

    def consented(self, customer: str, id: str, marketing: bool, channels: list[str]) -> None:
        """The customer ticked or unticked a box."""
        with self.db:
            self._tell("consent_changed", f"consent-{id}", customer, marketing=marketing, channels=channels)

    def waiting(self) -> list[tuple[int, str, str, str, int, str]]:
        """Touchpoints that the engine has not got yet, the oldest first."""
        columns = "rowid, id, type, subject, time, data"
        rows = f"SELECT {columns} FROM outbox WHERE refused IS NULL ORDER BY time, rowid LIMIT 1000"
        return self.db.execute(rows).fetchall()

    def told(self, outcome: Outcome) -> None:
        """What became of a touchpoint. What is refused stays in the table, for a person: it is a fault of the shop."""
        with self.db:
            if isinstance(outcome, Sent):
                self.db.execute("DELETE FROM outbox WHERE rowid = ?", (outcome.line,))
            elif isinstance(outcome, Refusal):
                logger.error("%s", outcome)
                self.db.execute("UPDATE outbox SET refused = ? WHERE rowid = ?", (outcome.reason, outcome.line))
            else:
                logger.warning("%s", outcome)  # it stays, and is published again

    def _tell(self, type: str, id: str, customer: str, **data: Any) -> None:
        row = (id, type, customer, time.time_ns() // 1_000_000, json.dumps(data))
        self.db.execute("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?, NULL)", row)


ACTIONS: Mapping[str, Callable[..., None]] = {
    "order": Shop.order,
    "send_back": Shop.send_back,
    "visited": Shop.visited,
    "searched": Shop.searched,
    "consented": Shop.consented,
}


def relay(path: str, servers: str, topic: str, ended: threading.Event) -> None:
    """Publish what waits, until the event."""
    shop = Shop(path)
    with TouchpointPublisher(servers, topic, on_outcome=shop.told) as publisher:
        while True:
            last = ended.is_set()
            try:
                for row, id, type, subject, at, data in shop.waiting():
                    publisher.publish_event(
                        type, id=id, source=SOURCE, subject=subject, time_ms=at, data=json.loads(data), line=row
                    )
                publisher.flush()
            except BrokerUnreachable as error:
                logger.warning("%s", error)
            if last:
                return
            ended.wait(LOOK_S)


def pages(host: str, port: int, path: str) -> ThreadingHTTPServer:
    """`POST /events` with `{"action": ..., ...}`: what the shop's pages call."""

    class Pages(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            # Another site's page can send text/plain from a customer's browser, and JSON only if we let it.
            if self.headers.get_content_type() != "application/json":
                return self._reply(415, "give Content-Type: application/json")
            shop = Shop(path)
            try:
                length = max(0, int(self.headers.get("Content-Length") or 0))
                asked = json.loads(self.rfile.read(min(length, MOST)))
                ACTIONS[asked.pop("action")](shop, **asked)
            except REFUSED as error:
                return self._reply(400, str(error))
            finally:
                shop.db.close()
            return self._reply(200, "done")

        def _reply(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    return ThreadingHTTPServer((host, port), Pages)


def main() -> int:
    parser = argparse.ArgumentParser(prog="shop", description=__doc__.partition("\n")[0])
    parser.add_argument("bootstrap_servers", help="host:port,host:port")
    parser.add_argument("--topic", default="retention.touchpoints")
    parser.add_argument("--db", default="shop.sqlite", metavar="FILE")
    parser.add_argument("--listen", default="127.0.0.1:8026", metavar="HOST:PORT")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("kafka").setLevel(logging.WARNING)
    host, _, port = given.listen.partition(":")
    ended = threading.Event()
    served = pages(host, int(port), given.db)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    logger.info("listening on %s", given.listen)
    try:
        relay(given.db, given.bootstrap_servers, given.topic, ended)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.code)
    finally:
        served.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
