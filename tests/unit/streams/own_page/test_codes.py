"""The webhook that sends codes, and what becomes of touchpoints where no broker is."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.client import topic_check
from streams.config import load
from streams.own_page import codes, publishing
from streams.own_page import reading as reading_module
from streams.own_page.codes import SIGNATURE, TIME, CodeNotSent, Webhook
from streams.own_page.publishing import NotTaken, Publishing
from streams.own_page.reading import Known, Reading
from tests.support.own_pages import BEFORE, KEYS


@pytest.mark.asyncio
async def test_a_webhook_gets_the_code_signed_and_must_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[dict[str, Any]] = []
    status = [204]

    async def hear(request: web.Request) -> web.Response:
        body = await request.text()
        at = request.headers[TIME]
        assert abs(time.time() - int(at)) < 60
        assert KEYS.is_sealed(request.headers[SIGNATURE], "webhook", at, body)
        assert not KEYS.is_sealed(request.headers[SIGNATURE], "webhook", str(int(at) + 1), body)
        assert not BEFORE.is_sealed(request.headers[SIGNATURE], "webhook", at, body)
        heard.append(json.loads(body))
        return web.Response(status=status[0], headers={"Location": "/codes"})

    app = web.Application()
    app.add_routes([web.post("/codes", hear)])
    async with TestServer(app) as server:
        hook = Webhook(str(server.make_url("/codes")), KEYS)
        await hook.send_code("Zoë", "00123456", "de")
        for refusing in (302, 404, 500):
            status[0] = refusing
            with pytest.raises(CodeNotSent, match=str(refusing)):
                await hook.send_code("Zoë", "00123456", "de")
    assert heard[0] == {"customer": "Zoë", "code": "00123456", "language": "de", "valid_s": 600}
    monkeypatch.setattr(codes, "ANSWER_S", 0.5)
    with pytest.raises(CodeNotSent, match="did not answer") as refused:
        await hook.send_code("Zoë", "00123456", "de")
    assert "00123456" not in str(refused.value)


@pytest.mark.asyncio
async def test_whatever_fails_everybody_gets_an_answer_and_the_next_try_is_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = Publishing(load(bootstrap_servers="127.0.0.1:1"))

    def broken() -> None:
        raise RuntimeError("a library's own")

    monkeypatch.setattr(publisher, "_opened", broken)
    assert not publisher.runs
    with pytest.raises(NotTaken, match="start the page again"):
        await publisher.publish_all([b"{}"])
    with publisher:
        for _ in range(2):
            with pytest.raises(NotTaken, match="RuntimeError: a library's own"):
                await publisher.publish_all([b"{}"])
        assert publisher.runs


@pytest.mark.asyncio
async def test_whoever_waits_no_longer_ends_nothing_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher, go = Publishing(load(bootstrap_servers="127.0.0.1:1")), threading.Event()

    def slow() -> None:
        go.wait(10)
        raise RuntimeError("late")

    monkeypatch.setattr(publisher, "_opened", slow)
    monkeypatch.setattr(publishing, "ANSWER_S", 0.2)
    with publisher:
        for _ in range(2):  # one that is being sent, and one behind it
            with pytest.raises(NotTaken, match="not confirmed in time"):
                await publisher.publish_all([b"{}"])
        monkeypatch.setattr(publishing, "ANSWER_S", 10.0)
        go.set()
        with pytest.raises(NotTaken, match="late"):
            await publisher.publish_all([b"{}"])


@pytest.mark.asyncio
async def test_many_pages_at_once_ask_kafka_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go = list[int](), threading.Event()

    def places(settings: object, language: int) -> list[Any]:
        asked.append(language)
        go.wait(10)
        return ["there"]

    reading = Reading(lambda: pytest.fail("no store is needed"), 1, places)
    pages = [asyncio.create_task(reading.places(Known(), language)) for language in (0, 1) for _ in range(20)]
    await asyncio.sleep(0.1)
    go.set()
    assert await asyncio.gather(*pages) == [["there"]] * 40
    assert sorted(asked) == [0, 1]
    # No answer in time: pages say what was known, and wait for it once in a while.
    slow = Reading(lambda: pytest.fail("no store is needed"), 1, places)
    go.clear()
    monkeypatch.setattr(reading_module, "ANSWER_S", 0.1)
    assert await slow.places(Known(), 0) == await slow.places(Known(), 0) == []
    assert asked.count(0) == 2
    go.set()


@pytest.mark.asyncio
async def test_without_a_broker_nothing_is_taken_and_the_next_try_is_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(topic_check, "CONNECT_TIMEOUT_MS", 500)
    with Publishing(load(bootstrap_servers="127.0.0.1:1")) as publisher:
        for _ in range(2):
            with pytest.raises(NotTaken, match=r"127\.0\.0\.1:1"):
                await publisher.publish_all([b"{}"])
