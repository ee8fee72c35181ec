"""The console on real topics and state, and its pages in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streams.config import load
from streams.console.access import Access
from streams.console.app import PAGES, console_app
from streams.console.reading import Reading
from streams.errors import ExitCode
from tests.integration.cli.test_cli_why import Place, Retention, place
from tests.support.chromium import tab
from tests.support.console_pages import Pages
from tests.support.servers import ProgramMissing, program

__all__ = ["place"]


@asynccontextmanager
async def console() -> AsyncIterator[TestClient[Any, Any]]:
    with Reading(load(), ["http://127.0.0.1:1"]) as reading:
        async with TestClient(TestServer(console_app(reading, Access()))) as client:
            yield client


async def page(path: str) -> tuple[int, str]:
    async with console() as client:
        answer = await client.get(path)
        return answer.status, await answer.text()


async def made_beside(path: str) -> tuple[int, str]:
    """Once it has been made."""
    async with console() as client:
        while True:
            answer = await client.get(path)
            text = await answer.text()
            if "are being read" not in text:
                return answer.status, text


def test_a_customer_and_the_policy_are_read_from_the_topics_and_redis(place: Place) -> None:
    status, text = asyncio.run(page(f"/customers?customer={place.customer}"))
    assert status == 200
    assert f"<h1>{place.customer} is " in text
    assert '<span class="chip safe">sent</span>' in text
    assert "purchase" in text
    status, text = asyncio.run(page("/policy"))
    assert status == 200
    assert "is in force</h1>" in text
    assert "[risk]" in text
    assert asyncio.run(page("/customers?customer=nobody"))[0] == 404
    status, text = asyncio.run(made_beside("/value"))
    assert status == 200
    assert "customers were looked at, all of them" in text
    status, text = asyncio.run(made_beside("/proof"))
    assert status == 200
    assert "There is nothing to compare with yet" in text or "Customers compared" in text


def test_a_redis_and_a_worker_that_do_not_answer_are_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_REDIS_URL", "redis://127.0.0.1:1/0")
    status, text = asyncio.run(page(f"/customers?customer={place.customer}"))
    assert status == 503
    assert "does not answer" in text
    assert "start Redis" in text
    status, text = asyncio.run(page("/system"))
    assert status == 200
    assert "1 of 1 workers are not well" in text


def test_it_listens_beyond_this_machine_only_for_who_is_named(retention: Retention, tmp_path: Path) -> None:
    found = retention("console", "--host", "0.0.0.0")
    assert found.exit_code == ExitCode.USAGE
    assert "--token-file or --user-header" in found.stderr
    (tmp_path / "token").write_text("\n")
    found = retention("console", "--host", "0.0.0.0", "--token-file", str(tmp_path / "token"))
    assert "is empty" in found.stderr


# -- in a browser


@pytest.fixture(scope="module")
def chromium() -> str:
    try:
        return program("chromium", "install Chromium")
    except ProgramMissing as missing:  # no failure where all else is required: it is half a gigabyte
        pytest.skip(f"not run: the console's pages in a browser; {missing}")


async def looked_at(chromium: str, path: str, width: int) -> tuple[bool, list[str], int]:
    """Whether it became live, what the browser complained of, and by how many pixels the page is wider than it."""
    async with TestServer(console_app(Pages(), Access())) as server, tab(chromium) as page:
        await page.open(str(server.make_url(path)), width)
        live = await page.until('document.getElementById("live")?.textContent')
        beyond = await page.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return live == "live", page.complaints, int(beyond)


@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_each_page_live_and_complains_of_nothing(chromium: str, width: int) -> None:
    for name in (*PAGES, "customers?customer=anna"):
        assert asyncio.run(looked_at(chromium, f"/{name}", width)) == (True, [], 0), name
