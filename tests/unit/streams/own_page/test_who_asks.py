"""Who is let in on the customer's own page, and who can keep somebody out: forms, codes, hosts, limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from streams.own_page.access import CODE_MS, SKEW_MS, Access
from streams.own_page.app import own_page_app
from streams.own_page.asked import CODES, HEADERS, OFTEN, READS, STRANGE
from tests.support.own_pages import KEYS, OwnPage, form_in

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ME = {"X-Customer": "c"}
CROSS = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
Client = TestClient[Any, Any]


async def form_at(client: Client, path: str, headers: dict[str, str] | None = None) -> str:
    return form_in(await (await client.get(path, headers=headers)).text())


# -- forms


@pytest.mark.asyncio
async def test_a_form_of_a_link_opens_nothing_on_the_page_of_who_is_signed_in() -> None:
    page = OwnPage()
    async with page.client() as client:
        of_link, of_me = await form_at(client, page.link()), await form_at(client, "/me", ME)
        answer = await client.post("/me", data={"form": of_link, "what": "forget"}, headers=ME)
        assert answer.status == 403
        assert (await client.post(page.link(), data={"form": of_me, "what": "all"})).status == 403
        assert await page.erasures.of("c") is None
    assert page.published == []


@pytest.mark.asyncio
async def test_what_a_browser_says_comes_from_another_site_is_refused_but_one_click() -> None:
    page = OwnPage()
    async with page.client() as client:
        link = page.link()
        of_link, of_me = await form_at(client, link), await form_at(client, "/me", ME)
        for path, form in (
            *((link, of_link), (f"{link}/code", of_link), (f"{link}/enter", of_link)),
            *(("/me", of_me), ("/leave", "")),
        ):
            answer = await client.post(path, data={"form": form, "what": "all"}, headers={**ME, **CROSS})
            assert answer.status == 403, path
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert page.published == []
        assert page.codes.codes == []
        assert (await client.post(f"{link}/one-click", data=ONE_CLICK, headers=CROSS)).status == 200
        assert (await client.get(link, headers=CROSS)).status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(("behind", "status"), [(2_000, 200), (SKEW_MS, 200), (SKEW_MS + 1, 403)])
async def test_a_form_reaches_an_instance_whose_clock_is_behind(behind: int, status: int) -> None:
    page = OwnPage()
    async with page.client() as client:
        form = await form_at(client, page.link())
        page.now -= behind
        assert (await client.post(page.link(), data={"form": form, "what": "all"})).status == status


# -- codes


@pytest.mark.asyncio
async def test_a_code_is_sent_and_typed_in_one_browser() -> None:
    page = OwnPage()
    async with page.client() as client:
        link = page.link()
        assert 'name="code"' in await (await client.get(link)).text()
        form = await form_at(client, link)
        sent = await client.post(f"{link}/code?lang=de", data={"form": form}, allow_redirects=False)
        assert (sent.status, sent.headers["Location"]) == (303, f"{link}?lang=de&code=sent#more")
        assert (sent.cookies["own-page-code"]["samesite"], sent.cookies["own-page-code"]["httponly"]) == (
            "Strict",
            True,
        )
        [(code, _)] = page.codes.codes
        mark = sent.cookies["own-page-code"].value
        client.session.cookie_jar.clear()

        async def enter(mark: str, code: str) -> int:
            cookie = {"Cookie": f"own-page-code={mark}"} if mark else {}
            answer = await client.post(
                f"{link}/enter", data={"form": form, "code": code}, headers=cookie, allow_redirects=False
            )
            return answer.status

        # Whoever has not asked in this browser: another site's page that has a link and a code of its own, a guesser.
        assert await enter("", code) == 401
        of_another, another = page.parts().access.ask("d", page.now)
        assert await enter(another, of_another) == 401
        assert await enter(mark[:-1] + ("0" if mark[-1] != "0" else "1"), code) == 401
        page.now += CODE_MS
        assert await enter(mark, code) == 401
        page.now -= 1
        assert await enter(mark, code) == 303


@pytest.mark.asyncio
async def test_codes_are_guessed_over_many_customers_no_faster_than_for_one() -> None:
    page = OwnPage()
    statuses: Counter[int] = Counter()
    async with page.client() as client:
        for number in range(STRANGE[0]):
            link = page.link(customer=f"k{number}")
            form = await form_at(client, link)
            await client.post(f"{link}/code", data={"form": form}, allow_redirects=False)
            for _ in range(2):
                statuses[(await client.post(f"{link}/enter", data={"form": form, "code": "1"})).status] += 1
        assert statuses == {401: STRANGE[0], 429: STRANGE[0]}
        # Nor does a right one count then, which would tell that it is.
        right = await client.post(f"{link}/enter", data={"form": form, "code": page.codes.codes[-1][0]})
        assert right.status == 429
        assert int(right.headers["Retry-After"]) > 0


@pytest.mark.asyncio
async def test_so_many_codes_are_sent_in_a_day() -> None:
    page, now = OwnPage(), [0.0]
    app = own_page_app(page.parts(), lambda: now[0])
    async with page.shop, TestClient(TestServer(app)) as client:
        form = await form_at(client, page.link())
        for _ in range(24 * 6):
            answer = await client.post(f"{page.link()}/code", data={"form": form}, allow_redirects=False)
            now[0] += 600.0
    assert len(page.codes.codes) <= 2 * CODES[0]
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) == 86_400 / CODES[0]


@pytest.mark.asyncio
async def test_the_address_of_a_form_asked_for_as_a_page_leads_back() -> None:
    page = OwnPage()
    async with page.client() as client:
        for path, to in (("/code", page.link()), ("/enter", page.link())):
            answer = await client.get(f"{page.link()}{path}?lang=de", allow_redirects=False)
            assert (answer.status, answer.headers["Location"]) == (303, f"{to}?lang=de")
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        answer = await client.get("/leave", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/me")


def test_cookies_of_tls_are_of_this_host_alone() -> None:
    for https, name in ((True, "__Host-own-page"), (False, "own-page")):
        access, response = Access(KEYS, https=https), web.Response()
        access.let_in(response, "c", 0)
        cookie = response.cookies[name]
        assert (cookie["secure"] or False, cookie["path"], cookie["domain"]) == (https, "/", "")
        access.let_out(response)
        assert (response.cookies[name]["max-age"], response.cookies[name]["secure"] or False) == ("0", https)


# -- who keeps somebody out


@pytest.mark.asyncio
async def test_whoever_has_a_forwarded_mail_keeps_nobody_out() -> None:
    page = OwnPage()
    async with page.client() as client:
        link = page.link()
        form, mine = await form_at(client, link), await form_at(client, "/me", ME)
        seen = [(await client.post(link, data={"form": "x", "what": "all"})).status for _ in range(STRANGE[0] + 1)]
        assert (seen[0], seen[-1]) == (403, 429)
        # Forms that are none of ours took nothing of the customer's.
        for _ in range(OFTEN[0]):
            assert (await client.post(link, data={"form": form, "what": "none"})).status == 422
        assert (await client.post(link, data={"form": form, "what": "none"})).status == 429
        # What the link has used up is the link's.
        assert (await client.post(f"{link}/one-click", data=ONE_CLICK)).status == 200
        assert (await client.post("/me", data={"form": mine, "what": "access"}, headers=ME)).status == 200


@pytest.mark.asyncio
async def test_strange_links_fill_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    page = OwnPage()
    async with page.client() as client:
        await asyncio.gather(*(client.get(f"/o/strange{number}") for number in range(3 * STRANGE[0])))
    assert len([one for one in caplog.records if "a link was refused" in one.getMessage()]) == STRANGE[0]


@pytest.mark.asyncio
async def test_pages_are_looked_at_so_often_and_no_link_uses_up_who_is_signed_in() -> None:
    page = OwnPage()
    async with page.client() as client:
        for _ in range(READS[0]):
            assert (await client.head(page.link())).status == 200
        assert (await client.head(page.link())).status == 429
        assert (await client.get("/me", headers=ME)).status == 200
        for _ in range(READS[0]):
            answer = await client.head("/me", headers=ME)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "5")


@pytest.mark.asyncio
async def test_health_says_where_nothing_can_be_published() -> None:
    page = OwnPage()
    async with page.client() as client:
        assert (await client.get("/health")).status == 200
        page.runs = False
        answer = await client.get("/health")
        assert (answer.status, await answer.json()) == (503, {"ok": False})


# -- hosts


@pytest.mark.asyncio
async def test_behind_a_proxy_that_names_customers_no_other_host_is_served() -> None:
    page = OwnPage()
    parts = page.parts()._replace(access=Access(KEYS, "X-Customer", https=False, host="Me.Shop.example"))
    async with page.shop, TestClient(TestServer(own_page_app(parts))) as client:
        for host, status in (
            *(("me.shop.example", 200), ("me.shop.example:8443", 200), ("localhost:1", 200), ("[::1]:1", 200)),
            *(("evil.example", 421), ("evil.example:8766", 421), ("me.shop.example.evil.example", 421), ("[::", 421)),
        ):
            answer = await client.get("/me", headers={**ME, "Host": host})
            assert answer.status == status, host
            assert ("bought once" in await answer.text()) == (status == 200)
        assert (await client.get("/health", headers={"Host": "10.0.0.1"})).status == 200
    alone = page.parts()._replace(access=Access(KEYS, https=False))
    async with TestClient(TestServer(own_page_app(alone))) as client:
        assert (await client.get("/me", headers={"Host": "evil.example"})).status == 401
