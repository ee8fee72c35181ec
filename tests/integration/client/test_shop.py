"""docs/examples/shop: what its pages tell arrives once, across a kill, and what is refused waits for a person."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from models.touchpoints import Rejected, read
from streams.local.processes import LOOPBACK, free_port
from tests.integration.client.conftest import ClientTopics
from tests.support.servers import PROJECT, ApacheKafka

WAIT_S = 180.0


def test_what_the_pages_tell_is_published_once_and_a_killed_shop_forgets_nothing(
    kafka: ApacheKafka, redis_app: str, tmp_path: Path
) -> None:
    topics, port = ClientTopics(kafka.bootstrap_servers, redis_app).create(), free_port()
    database = tmp_path / "shop.sqlite"
    command = [sys.executable, str(PROJECT / "docs" / "examples" / "shop" / "shop.py"), topics.servers]
    command += ["--topic", topics.touchpoints, "--db", str(database), "--listen", f"{LOOPBACK}:{port}"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / "stderr").open("ab") as log:
            return subprocess.Popen(command, env=environment, stderr=log)

    def post(**asked: Any) -> int:
        until = time.monotonic() + WAIT_S
        while True:
            try:
                sort = {"Content-Type": asked.pop("sort", "application/json")}
                url, body = f"http://{LOOPBACK}:{port}/events", json.dumps(asked).encode()
                with urlopen(Request(url, body, headers=sort)) as answer:
                    return int(answer.status)
            except HTTPError as error:
                return error.code
            except URLError:  # it is only just starting
                assert time.monotonic() < until, (tmp_path / "stderr").read_text()
                time.sleep(0.1)

    def told() -> dict[str, int]:
        found: dict[str, int] = {}
        for record in topics.read(topics.touchpoints):
            assert not isinstance(read(record.value, record.key, record.timestamp), Rejected)
            id = json.loads(record.value)["id"]
            found[id] = found.get(id, 0) + 1
        return found

    def wait(*ids: str) -> None:
        until = time.monotonic() + WAIT_S
        while not told().keys() >= set(ids):
            assert time.monotonic() < until, (told(), (tmp_path / "stderr").read_text())
            time.sleep(0.2)

    def settled() -> None:
        """That all has arrived but what was refused the shop knows, too."""
        until = time.monotonic() + WAIT_S
        with closing(sqlite3.connect(database, timeout=WAIT_S)) as looked:
            while looked.execute("SELECT count(*) FROM outbox WHERE refused IS NULL").fetchone()[0]:
                assert time.monotonic() < until
                time.sleep(0.1)

    shop = start()
    try:
        assert post(action="order", customer="anna", number="1", amount=59.9, currency="EUR") == 200
        assert post(action="order", customer="anna", number="1", amount=59.9, currency="EUR") == 200
        assert post(action="visited", customer="bert", id="v1") == 200
        assert post(action="searched", customer="bert", id="s1", query="roses") == 200
        assert post(action="consented", customer="bert", id="c1", marketing=True, channels=["email"]) == 200
        assert post(action="send_back", number="1") == 200
        assert post(action="send_back", number="7") == 400
        assert post(action="order", customer="", number="2", amount=5) == 200
        assert post(action="steal") == 400
        assert post(action="visited", customer=["bert"], id="v2") == 400
        assert post(action="order", customer={}, number="4", amount=5) == 400
        assert post(action="order", customer="bert", number=10**30, amount=5) == 400
        assert post(action="visited", customer="bert", id="v3", sort="text/plain") == 415, "of any site's page"
        wait("order-1", "visit-v1", "search-s1", "consent-c1", "return-1")
        settled()
        shop.send_signal(signal.SIGKILL)
        shop.wait(WAIT_S)
        # What the database has and the topic has not yet: as if the process had died in between.
        database_of_the_shop = sqlite3.connect(database)
        with database_of_the_shop:
            row = ("order-3", "purchase", "carl", time.time_ns() // 1_000_000, '{"amount": 5}')
            database_of_the_shop.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, NULL)", row)
        shop = start()
        wait("order-3")
        shop.send_signal(signal.SIGTERM)
        assert shop.wait(WAIT_S) == 0
    finally:
        shop.kill()
        shop.wait()
    assert told() == dict.fromkeys(("order-1", "visit-v1", "search-s1", "consent-c1", "return-1", "order-3"), 1)
    left = database_of_the_shop.execute("SELECT id, refused FROM outbox").fetchall()
    database_of_the_shop.close()
    [(id, refused)] = left
    assert id == "order-2"
    assert 'subject is ""' in refused


@pytest.mark.parametrize("example", ["shop", "sender", "publish", "consume"])
def test_an_example_is_named_where_people_look_for_it(example: str) -> None:
    assert f"examples/{example}/README.md" in (PROJECT / "docs" / "clients.md").read_text(encoding="utf-8")
