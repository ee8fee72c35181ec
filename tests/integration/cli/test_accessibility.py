"""Every page of the console and of a customer's own, as axe-core sees it in a real browser: nothing serious."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from aiohttp.test_utils import TestServer

from streams.console import app as console
from streams.console.access import Access
from streams.console.roles import roles_of
from streams.own_page import app as own_page
from streams.routes import HTML, Route
from tests.support.accessibility import SCHEMES, WIDTHS, violations
from tests.support.chromium import Tab, tab
from tests.support.console_pages import Away, Did, Pages
from tests.support.own_pages import OwnPage
from tests.support.servers import ProgramMissing, program

ANSWERS: Final = {"customer": "anna", "number": "3"}
"""To what a page of the console asks for in its address."""
STOP: Final = "document.querySelector('input[value=everything]').click()"
SEND: Final = "document.querySelector('main form.form').requestSubmit()"
FAULTY: Final = """data:text/html,<!doctype html><html lang=en><title>t</title>
<style>@media (prefers-color-scheme: dark) { p { color: silver } } @media (min-width: 500px) { input { display: none } }
</style><main><h1>t</h1><p>pale</p><details><summary>more</summary><img src=data:,></details><input></main>"""
"""Pale where it is dark, a field without a name where it is narrow, and a picture without one below a fold."""


@pytest.fixture(scope="module")
def chromium() -> str:
    try:
        return program("chromium", "install Chromium")
    except ProgramMissing as missing:  # no failure where all else is required: it is half a gigabyte
        pytest.skip(f"not run: the pages' accessibility in a browser; {missing}")


def paths(routes: tuple[Route, ...]) -> list[str]:
    """Of the pages of a table: with what their addresses ask for, and without."""
    pages = [one for one in routes if one.method == "GET" and HTML in {told.media for told in one.answers.values()}]
    shown = [one for one in pages if 200 in one.answers and one.answers[200].media == HTML]
    asks = [f"{one.path}?{'&'.join(f'{name}={ANSWERS[name]}' for name in one.query)}" for one in shown if one.query]
    return [one.path for one in shown] + asks


def test_the_console_is_for_everybody(chromium: str) -> None:
    acts = Access(user_header="X-User", roles=roles_of('others = "act"', "roles.toml", True))
    found: dict[str, list[str]] = {}

    async def look(page: Tab, url: str, name: str) -> None:
        await page.open(url)
        found[name] = await violations(page)

    async def stop(page: Tab, url: str) -> None:
        """The page that asks, and the one that says what was done."""
        await page.open(f"{url}/stop")
        await page.until("!!document.querySelector('input[name=why]')")
        await page.value("document.querySelector('main form.form input[name=why]').value = 'wrong prices'")
        await page.value(STOP)
        await page.value(SEND)
        await page.until("!!document.querySelector('input[name=confirmed]')")
        found["asked"] = await violations(page)
        await page.value(SEND)
        await page.until("!!document.querySelector('h1.done')")
        found["done"] = await violations(page)

    async def all_of_them() -> None:
        async with (
            TestServer(console.console_app(Pages(), acts, Did())) as server,
            TestServer(console.console_app(Pages(Away("Redis does not answer")), Access(), Did())) as away,
            TestServer(console.console_app(Pages(), Access(token="t" * 20), Did())) as closed,
            tab(chromium) as page,
        ):
            await page.call("Network.enable")
            await page.call("Network.setExtraHTTPHeaders", headers={"X-User": "ada"})
            url = str(server.make_url("")).rstrip("/")
            for path in paths(console.ROUTES):
                await look(page, url + path, path)
            await look(page, f"{url}/customers?customer=nobody", "unknown")
            await look(page, f"{url}/nowhere", "no page")
            await stop(page, url)
            await look(page, str(away.make_url("/now")), "away")
            await look(page, str(closed.make_url("/now")), "sign in")

    asyncio.run(all_of_them())
    assert {"/now", "/customers?customer=anna", "/policy/proposal?number=3", "/stop", "done"} <= set(found)
    assert {name: told for name, told in found.items() if told} == {}


def test_a_customers_own_page_is_for_everybody(chromium: str) -> None:
    found: dict[str, list[str]] = {}

    async def all_of_them() -> None:
        mine = OwnPage()
        async with mine.shop, TestServer(own_page.own_page_app(mine.parts())) as server, tab(chromium) as page:
            await page.call("Network.enable")
            url = str(server.make_url("")).rstrip("/")
            for name, path, signed_in in (
                ("link", mine.link(), False),
                ("link in German", f"{mine.link()}?lang=de", False),
                ("no link", "/o/none", False),
                ("signed out", "/me", False),
                ("me", "/me", True),
                ("me in German", "/me?lang=de", True),
            ):
                await page.call("Network.setExtraHTTPHeaders", headers={"X-Customer": "c"} if signed_in else {})
                await page.open(url + path)
                found[name] = await violations(page)
            await page.value("document.querySelector('form:has([value=channel]) button').click()")
            await page.until("!!document.querySelector('.done')")
            found["changed"] = await violations(page)

    asyncio.run(all_of_them())
    assert {name: told for name, told in found.items() if told} == {}


def test_what_is_wrong_in_one_of_the_ways_is_found(chromium: str) -> None:
    async def look() -> list[str]:
        async with tab(chromium) as page:
            await page.open(FAULTY)
            return await violations(page)

    found = asyncio.run(look())
    told = sorted(" ".join([*one.split()[:2], one.split()[3]]) for one in found)
    assert told == sorted(
        [f"{width} dark color-contrast:" for width in WIDTHS]
        + [f"400 {scheme} label:" for scheme in SCHEMES]
        + [f"{width} {scheme} image-alt:" for width in WIDTHS for scheme in SCHEMES]
    )
