"""The webhook that sends codes, and what becomes of touchpoints where no broker is."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.config import load
from streams.own_page import codes
from streams.own_page.codes import SIGNATURE, TIME, CodeNotSent, Webhook
from streams.own_page.publishing import NotTaken, Publishing
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
async def test_without_a_broker_nothing_is_taken_and_the_next_try_is_a_new_one() -> None:
    with Publishing(load(bootstrap_servers="127.0.0.1:1")) as publisher:
        for _ in range(2):
            with pytest.raises(NotTaken, match=r"127\.0\.0\.1:1"):
                await publisher.publish_all([b"{}"])
