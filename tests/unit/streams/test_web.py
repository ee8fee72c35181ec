"""What all pages over HTTP read of a request, from whoever sends it: nothing of it is taken on trust."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from multidict import CIMultiDict

from streams.web import NotToBeRead, asked_host, is_from_elsewhere, named_by, number_of, origin_of, posted

FORM = "application/x-www-form-urlencoded"
PART = b"--x\r\nContent-Disposition: form-data"


@asynccontextmanager
async def reading() -> AsyncIterator[TestClient[Any, Any]]:
    async def read(request: web.Request) -> web.Response:
        try:
            fields = await posted(request)
        except NotToBeRead as error:
            return web.Response(text=str(error), status=400)
        return web.Response(text=repr(sorted(fields.items())))

    app = web.Application(client_max_size=1_000)
    app.add_routes([web.post("/", read)])
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"a=1", f"{FORM}; charset=bogus"),
        (b"a=1", f"{FORM}; charset=hex"),
        (b"a=\xff\xfe", FORM),
        (b"a=+2AA-", f"{FORM}; charset=utf-7"),
        (b"--x\r\n", "multipart/form-data"),
        (b"--x\r\nfoo", "multipart/form-data; boundary=x"),
        (PART + b"\r\n\r\nv\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (PART + b"; name=a\r\nContent-Transfer-Encoding: zz\r\n\r\nv\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    ],
)
async def test_a_body_that_is_no_form_is_no_fault_of_ours(body: bytes, kind: str) -> None:
    async with reading() as client:
        answer = await client.post("/", data=body, headers={"Content-Type": kind})
        assert answer.status == 400
        assert "no form" in await answer.text()


@pytest.mark.asyncio
async def test_a_form_is_read_and_one_that_is_too_large_answered_as_such() -> None:
    async with reading() as client:
        assert await (await client.post("/", data={"a": "é"})).text() == "[('a', 'é')]"
        assert await (await client.post("/")).text() == "[]"
        multipart = {"Content-Type": "multipart/form-data; boundary=x"}
        body = PART + b"; name=a\r\n\r\nv\r\n--x--\r\n"
        assert await (await client.post("/", data=body, headers=multipart)).text() == "[('a', 'v')]"
        assert (await client.post("/", data={"a": "x" * 2_000})).status == 413


def asked(*headers: tuple[str, str]) -> web.Request:
    return make_mocked_request("GET", "/", CIMultiDict(headers))


def test_a_header_that_comes_twice_names_nobody() -> None:
    assert named_by(asked(("X-User", "ada")), "x-user") == "ada"
    assert named_by(asked(("X-User", "victim"), ("X-User", "ada")), "X-User") == ""
    assert named_by(asked(), "X-User") == ""


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ("localhost:8765", "localhost"),
        ("LocalHost", "localhost"),
        ("[::1]:80", "::1"),
        ("evil.example:8765", "evil.example"),
        ("localhost@evil.example", ""),
        ("evil.example/@localhost", ""),
        ("[::", ""),
        ("", ""),
    ],
)
def test_the_host_is_a_name_without_its_port(stated: str, name: str) -> None:
    assert asked_host(asked(("Host", stated))) == name


@pytest.mark.parametrize(
    ("stated", "found"),
    [("http://Shop.example:81", "shop.example:81"), ("null", ""), ("http://[", "")],
)
def test_the_origin_is_as_a_host(stated: str, found: str) -> None:
    assert origin_of(asked(("Origin", stated))) == found
    assert origin_of(asked(("Origin", stated), ("Origin", "http://other.example"))) == ""


def test_a_number_is_one_of_ours() -> None:
    assert [number_of(one) for one in ("0", "17")] == [0, 17]
    assert {number_of(one) for one in ("", "-1", "²", "٣", "1 ", "9" * 19, "9" * 5_000)} == {None}


def test_what_another_site_sends_is_told_by_the_browser() -> None:
    for site in ("cross-site", "same-site"):
        assert is_from_elsewhere(asked(("Sec-Fetch-Site", site)))
        assert is_from_elsewhere(asked(("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate")))
    opened = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
    assert not is_from_elsewhere(asked(*opened))
    assert is_from_elsewhere(make_mocked_request("POST", "/", CIMultiDict(opened)))
    assert not is_from_elsewhere(asked(("Sec-Fetch-Site", "same-origin")))
    assert not is_from_elsewhere(asked())
