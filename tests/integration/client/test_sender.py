"""docs/examples/sender: what it sends and says, on Apache Kafka, to a real mail server and a webhook."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest

from models.outputs import Position, StopOrder, Trigger, Withdrawal, encode
from models.touchpoints import Rejected, read
from streams.client import LinkKeys
from streams.local.processes import LOOPBACK, free_port
from streams.monitoring.health import Progress
from streams.monitoring.http import WebServer
from streams.monitoring.metrics import Metrics
from tests.integration.client.conftest import ClientTopics, a_trigger
from tests.support.servers import PROJECT, ApacheKafka
from tests.support.sinks import Mails, mail_server, webhook
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, shopping

HOUR = 3_600_000
OWN_PAGE_KEYS = f"a1:{'s' * 32}"
WAIT_S = 180.0
PROVIDER = "the provider's"
Posted = list[tuple[str, Any]]


def trigger(number: int, customer: str, **given: Any) -> Trigger:
    now = time.time_ns() // 1_000_000
    known = {"time": now, "expires_at": now + 48 * HOUR, "purpose": "marketing"}
    return msgspec.structs.replace(a_trigger(number), customer=customer, **(known | given))


class Running:
    """The service as a process, what it sent, and what it told the engine."""

    def __init__(self, topics: ClientTopics, folder: Path, smtp: str, hook: str, worker: str) -> None:
        self._topics, self._folder, self.port = topics, folder, free_port()
        self._command = [sys.executable, str(PROJECT / "docs" / "examples" / "sender"), topics.servers]
        self._command += [
            "--prefix",
            topics.app,
            "--group",
            f"{topics.app}.sender",
            "--memory",
            str(folder / "sender.sqlite"),
        ]
        (folder / "keys").write_text(f"{OWN_PAGE_KEYS}\n")
        self._command += ["--own-page", "https://me.shop.example", "--own-page-keys", str(folder / "keys")]
        self._command += ["--smtp", smtp, "--webhook", hook, "--worker", worker, "--listen", f"{LOOPBACK}:{self.port}"]
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "SENDER_SECRET": "a secret"}
        environment["SENDER_PROVIDER_SECRET"] = PROVIDER
        with (self._folder / "stderr").open("ab") as log:
            self.process = subprocess.Popen(self._command, cwd=self._folder, env=environment, stderr=log)
        return self.process

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)

    def told(self) -> Counter[tuple[str, int]]:
        """What was reported of each trigger, and how often; each such report is one that the engine takes."""
        found: Counter[tuple[str, int]] = Counter()
        for record in self._topics.read(self._topics.touchpoints):
            event = json.loads(record.value)
            if event["source"] != "https://sender.example":
                continue
            touch = read(record.value, record.key, record.timestamp)
            assert not isinstance(touch, Rejected), touch
            found[event["type"], int(event["data"]["trigger_id"], 16)] += 1
        return found

    def untold(self) -> int:
        """Reports of which it does not know that the engine has them."""
        with closing(sqlite3.connect(self._folder / "sender.sqlite", timeout=60)) as memory:
            return int(memory.execute("SELECT count(*) FROM reports").fetchone()[0])

    def wait(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + WAIT_S
        while not done():
            assert time.monotonic() < until, (self.told(), (self._folder / "stderr").read_text())
            assert self.process.poll() is None, (self._folder / "stderr").read_text()
            time.sleep(0.2)

    def url(self, path: str) -> str:
        return f"http://{LOOPBACK}:{self.port}{path}"


@contextmanager
def a_worker(stopped: set[str]) -> Iterator[str]:
    """The HTTP side of a worker that knows these triggers as stopped, and all others as valid."""
    loop = asyncio.new_event_loop()
    server = WebServer(Metrics(), Progress(60.0))

    async def valid(customer: str, asked: str) -> dict[str, Any]:
        return {"valid": asked not in stopped, "reason": "stopped" if asked in stopped else "", "stop": 1, "as_of": 1}

    server.valid = valid
    port = loop.run_until_complete(server.start(LOOPBACK, 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


pytestmark = pytest.mark.slow


@pytest.fixture
def topics(kafka: ApacheKafka, redis_app: str) -> ClientTopics:
    return ClientTopics(kafka.bootstrap_servers, redis_app).create()


@pytest.fixture
def running(topics: ClientTopics, tmp_path: Path) -> Iterator[tuple[Running, Mails, Posted]]:
    with mail_server() as (smtp, mails), webhook() as (hook, posted), a_worker({f"{6:032x}"}) as worker:
        found = Running(topics, tmp_path, smtp, hook, worker)
        try:
            yield found, mails, posted
        finally:
            found.process.kill()
            found.process.wait()


def links(mail: Any) -> list[str]:
    return re.findall(r"http://\S+?/[ad]/[0-9a-f]+\.[0-9a-f]+", mail.get_payload(0).get_payload(decode=True).decode())


def test_it_sends_what_may_be_sent_once_and_tells_what_became_of_each(
    running: tuple[Running, Mails, Posted], topics: ClientTopics
) -> None:
    sender, mails, posted = running
    now = time.time_ns() // 1_000_000
    out = [
        trigger(1, "anna", language="de-AT", notices=("You may object at any time.",)),
        trigger(2, "nobody"),
        trigger(3, "carl", channel="push"),
        trigger(4, "dora", not_before=now + HOUR),
        trigger(5, "emil", not_before=now + HOUR),
        trigger(6, "fred", time=now - HOUR),
        trigger(7, "busy"),
        trigger(8, "gina", expires_at=now - 1),
        trigger(9, "hans", time=now - HOUR, not_before=now + HOUR, purpose="contract"),
    ]
    topics.write([encode(one) for one in [*out, out[0]]])
    expected = {("offer_sent", 1), ("offer_failed", 2), ("offer_sent", 3), ("offer_withdrawn", 6), ("offer_sent", 7)}
    expected |= {("offer_expired", 8)}
    sender.wait(lambda: sender.told().keys() >= expected)

    # Taken back while it is held, and stopped by an operator: neither leaves.
    withdrawal = Withdrawal("w", "dora", f"{4:032x}", "complaint", now, Position(0, 99, False))
    topics.write([encode(withdrawal), encode(StopOrder("s", 7, now, purposes=("marketing",), by="ada"))])
    expected |= {("offer_withdrawn", 4), ("offer_withdrawn", 5)}
    sender.wait(lambda: sender.told().keys() >= expected)

    # The mail says what it has to, in the customer's language, and its links tell who answers.
    [mail] = [one for one in mails.came if one["To"] == "anna@example.org"]
    assert mail["Message-ID"] == f"<{1:032x}@shop.example>"
    text = mail.get_payload(0).get_payload(decode=True).decode()
    assert "Guten Tag anna" in text
    assert "You may object at any time." in text
    page = text.split()[-1]
    linked = LinkKeys.of(OWN_PAGE_KEYS).read(page.removeprefix("https://me.shop.example/o/"), now)
    assert (linked.customer, linked.channel) == ("anna", "email")
    assert mail["List-Unsubscribe"] == f"<{page}/one-click>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    accept, decline = links(mail)
    [pixel] = re.findall(r'src="(http://[^"]+/o/[^"]+)"', mail.get_payload(1).get_payload(decode=True).decode())
    with urlopen(pixel) as image:
        assert image.headers["Content-Type"] == "image/gif"
    with urlopen(accept) as page:
        assert b"<button>" in page.read()
    assert ("offer_accepted", 1) not in sender.told(), "a mail scanner follows links, and takes nothing"
    with urlopen(Request(accept, data=b"")) as page:
        assert b"It is yours" in page.read()
    with pytest.raises(HTTPError, match="404"):
        urlopen(Request(decline.replace(f"{1:032x}", f"{3:032x}"), data=b""))
    delivered = json.dumps({"trigger": f"{1:032x}", "event": "delivered"}).encode()
    for stranger in ({}, {"Authorization": "Bearer x"}, {"Authorization": PROVIDER}):
        with pytest.raises(HTTPError, match="401"):
            urlopen(Request(sender.url("/provider"), data=delivered, headers=stranger))
    known = {"Authorization": f"Bearer {PROVIDER}"}
    with urlopen(Request(sender.url("/provider"), data=delivered, headers=known)) as answer:
        assert answer.status == 204
    [(key, body)] = posted
    assert (key, body["trigger"]["customer"]) == (f"{3:032x}", "carl")
    expected |= {("offer_opened", 1), ("offer_accepted", 1), ("offer_delivered", 1)}
    sender.wait(lambda: sender.told().keys() >= expected)

    # Killed and started again, it sends nothing twice and tells nothing new: that all it told has arrived it knows.
    sender.wait(lambda: not sender.untold())
    sender.stop(signal.SIGKILL)
    topics.write([encode(out[0]), encode(trigger(10, "ida"))])
    sender.start()
    expected |= {("offer_sent", 10)}
    sender.wait(lambda: sender.told().keys() >= expected)
    assert sender.stop() == 0
    assert sender.told() == dict.fromkeys(expected, 1)
    assert Counter(one["To"] for one in mails.came) == {f"{name}@example.org": 1 for name in ("anna", "busy", "ida")}
    assert len(posted) == 1


@pytest.mark.parametrize("utf8", [True, False])
def test_an_id_is_one_mailbox_or_none_and_what_can_not_be_spelt_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, utf8: bool
) -> None:
    monkeypatch.syspath_prepend(str(PROJECT / "docs" / "examples" / "sender"))
    spec = importlib.util.spec_from_file_location(
        "sender_main", PROJECT / "docs" / "examples" / "sender" / "__main__.py"
    )
    assert spec
    assert spec.loader
    service = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(service)
    channels = sys.modules["channels"]
    address = service._contacts(None)

    def sent(to: Callable[[str], str | None], customer: str) -> str:
        way = channels.by_email(smtp, "shop@shop.example", to)
        try:
            way(trigger(1, customer), channels.Text("hello", "you"), "http://x/pixel")
        except channels.Failed as error:
            return "again" if error.passes else str(error.failure)
        return "sent"

    with mail_server(utf8) as (smtp, mails):
        for name in ("anna", "x@evil.example, y", "a:b;", "a b", '"'):
            assert sent(address, name) == "sent"
        assert sent(address, "zoë") == "no_address"
        assert sent(lambda _: "anna@münchen.example", "anna") == ("sent" if utf8 else "hard")
        for many in ("a@x.example, b@evil.example", "a:b;@x", "a@x.example\r\nBcc: b@evil.example", "", "@", "group:;"):
            assert sent(lambda _, found=many: found, "anna") == "no_address"
    assert len(mails.addresses) == 5 + utf8
    assert all(one.endswith("@example.org") for one in mails.addresses[:5]), mails.addresses


def test_between_a_worker_and_a_mail_server_it_closes_the_circle(
    kafka: ApacheKafka, make_world: MakeWorld, tmp_path: Path
) -> None:
    """Customers fall silent, the engine asks, the service writes, and the engine applies what it tells."""
    world = make_world(kafka, metrics_port=(port := free_port()), **LIVE)
    world.worker()
    world.wait(lambda: all(world.bodies()))
    shopping(world, 6)
    place = ClientTopics(kafka.bootstrap_servers, world.config.app)
    with mail_server() as (smtp, mails), webhook() as (hook, _):
        sender = Running(place, tmp_path, smtp, hook, f"http://{LOOPBACK}:{port}")
        try:
            sender.wait(lambda: len(mails.came) >= 3)
            for mail in mails.came[:3]:
                with urlopen(Request(links(mail)[0], data=b"")):
                    pass

            def applied() -> tuple[int, int]:
                totals = [body.state.totals for body in world.bodies() if body is not None]
                return sum(one.applied + one.late for one in totals), sum(one.dead for one in totals)

            sender.wait(lambda: sum(sender.told().values()) >= 6)
            assert sender.stop() == 0
        finally:
            sender.process.kill()
            sender.process.wait()
    told = sender.told()
    assert Counter(what for what, _ in told)["offer_accepted"] == 3
    world.wait(lambda: applied()[0] >= 6 + sum(told.values()))
    assert applied()[1] == 0
