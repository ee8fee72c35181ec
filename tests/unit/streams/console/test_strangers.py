"""What somebody sends who is no browser of ours: malformed, or from another site's page; each answer is a page."""

from __future__ import annotations

import asyncio

import pytest

from streams.console.access import Access
from streams.console.rendering import HEADERS
from tests.support.console_pages import Did
from tests.unit.streams.console.test_pages import console, own
from tests.unit.streams.console.test_roles import NOW, as_, by_proxy, form_token

FORM = "application/x-www-form-urlencoded"
HUGE = "9" * 5_000


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("sort", "body"),
    [
        (f"{FORM}; charset=bogus", b"token=%ff"),
        (f"{FORM}; charset=utf-7", b"token=+2AA-"),
        (FORM, b"token=%ff&what=\xff\xfe"),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n"),
    ],
)
async def test_a_malformed_body_is_refused_before_anybody_has_signed_in(sort: str, body: bytes) -> None:
    async with console(access=Access("t" * 24)) as client:
        answer = await client.post("/login", data=body, headers={**own(client), "Content-Type": sort})
        assert answer.status == 400
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "What was sent can&#39;t be read" in await answer.text()


@pytest.mark.asyncio
async def test_a_body_that_is_not_what_its_encoding_says_is_refused() -> None:
    async with console(access=Access("t" * 24)) as client:
        headers = {**own(client), "Content-Type": FORM, "Content-Encoding": "gzip"}
        answer = await client.post("/login", data=b"no gzip at all", headers=headers)
    assert answer.status == 400


@pytest.mark.asyncio
@pytest.mark.parametrize("origin", ["http://[", "null", "//", "http://[::1", "\udcff"])
async def test_an_origin_that_is_none_is_not_ours(origin: str) -> None:
    async with console(access=by_proxy()) as client:
        headers = {**as_("ada"), "Origin": origin}
        assert (await client.post("/stop", data=NOW, headers=headers)).status == 403
        twice = [("X-User", "ada"), *own(client).items(), ("Origin", "http://evil.example")]
        assert (await client.post("/stop", data=NOW, headers=twice)).status == 403


@pytest.mark.asyncio
async def test_a_number_of_thousands_of_digits_is_none() -> None:
    did = Did()
    async with console(access=by_proxy(), doing=did) as client:
        token, headers = await form_token(client, **as_("ada")), {**as_("ada"), **own(client)}
        for number in (HUGE, "²", "-1", "12, 13"):
            data = {"number": number, "why": "x", "form_token": token}
            assert (await client.post("/resume", data=data, headers=headers)).status == 400
            assert (await client.get("/policy/change", params={"number": number}, headers=headers)).status == 404
        data = {"proposal": "5-fee", "reason": "x", "yes": HUGE, "form_token": token}
        assert (await client.post("/policy/apply", data=data, headers=headers)).status == 200
    [applied] = did.asked
    assert applied[2].yes == 0, "nobody was meant"


@pytest.mark.asyncio
async def test_an_answer_that_no_page_made_has_the_headers_too() -> None:
    async with console() as client:
        for answer in (
            await client.request("PUT", "/now"),
            await client.get("/static/none.css"),
            await client.get("/none"),
            await client.post("/login", data=b"x" * 300_000, headers={**own(client), "Content-Type": FORM}),
        ):
            assert answer.status >= 400
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, answer.url


@pytest.mark.asyncio
@pytest.mark.parametrize("request_line", [b"GET /customers?customer=%ff%ed%a0%80 HTTP/1.1", b"GET //[ HTTP/1.1"])
@pytest.mark.parametrize("host", [b"127.0.0.1", b"[::", b"localhost:x", b"\xff"])
async def test_bytes_that_are_no_text_raise_nothing(
    request_line: bytes, host: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with console() as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(request_line + b"\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        status = (await reader.read()).split()[1]
        writer.close()
    assert status in (b"400", b"401", b"404")
    assert "Traceback" not in caplog.text


@pytest.mark.asyncio
async def test_another_sites_page_starts_nothing_and_a_link_of_it_opens_a_page() -> None:
    async with console() as client:
        for site in ("cross-site", "same-site"):
            for mode, dest in (("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
                headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
                assert (await client.get("/proof", headers=headers)).status == 403
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
            assert (await client.get("/proof", headers=headers)).status == 200
        for site in ("same-origin", "none"):
            assert (await client.get("/live", headers={"Sec-Fetch-Site": site})).status == 200
