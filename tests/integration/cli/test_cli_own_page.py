"""The customer's own page end to end: its links, a worker that obeys it, and its pages in a real browser."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import Result

from models.customer.layout import ERASED
from models.customer.record import unpack
from models.outputs import Decision
from models.timeline.partitioning import partition_of
from streams.client.links import LinkKeys
from streams.config import Config
from streams.errors import ExitCode
from streams.local.embedded import EmbeddedBroker
from streams.operations.access.where import places_of
from streams.operations.may_contact import Question, may_contact
from streams.operations.redis_access import store_of
from streams.own_page import erasures
from streams.own_page.access import Access
from streams.own_page.app import own_page_app
from streams.own_page.asked import Parts
from streams.own_page.catalogue import catalogues
from streams.own_page.erasures import Erasures
from streams.own_page.publishing import Publishing
from streams.own_page.reading import Reading
from streams.own_page.service import Service
from tests.integration.cli.conftest import run
from tests.integration.engine.test_from_outside import TEXT, told
from tests.support.chromium import Tab, tab
from tests.support.own_pages import OwnPage, press
from tests.support.secured import environment
from tests.support.servers import PROJECT, ProgramMissing, program
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld, make_world
from tests.support.world_live import LIVE, triggers

__all__ = ["make_world"]

SECRET = f"a1:{'s' * 40}"
KEYS = LinkKeys.of(SECRET)
ME = {"X-Customer": "anna"}
Retention = Callable[..., Result]


@asynccontextmanager
async def served(config: Config) -> AsyncIterator[tuple[TestClient[Any, Any], Service]]:
    """The page over real servers."""
    with Publishing(config) as publisher:
        reading = Reading(lambda: store_of(config), config.partitions, partial(places_of, config))
        service = Service(reading, publisher, Erasures(lambda: store_of(config)), KEYS)
        parts = Parts(service, Access(KEYS, "X-Customer", https=False), KEYS, catalogues(), signs_in=True)
        async with TestClient(TestServer(own_page_app(parts))) as client:
            yield client, service


def gates(world: World) -> list[str]:
    """What held the cart's message to anna, by the decisions topic."""
    said = [
        msgspec.json.decode(record.value, type=Decision)
        for part in world.read("decisions")["decisions"]
        for record in part
    ]
    return [one.gate for one in said if one.customer == "anna" and one.what == "decided" and one.moment == "cart"]


async def held(world: World, gate: str) -> None:
    """Until marketing by email to anna is held by a gate."""
    question = Question(customer="anna", purpose="marketing", channel="email")
    deadline = time.monotonic() + 180
    while True:
        async with store_of(world.config) as store:
            found = await may_contact(store, world.config.partitions, question)
        if gate in [one.gate for one in found.gates]:
            return
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


@pytest.mark.slow
def test_what_a_customer_switches_off_the_engine_holds_back(
    tansu: EmbeddedBroker, make_world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, policy = make_world(tansu, **LIVE), tmp_path / "policy.toml"
    policy.write_text(TEXT, encoding="utf-8")
    world.worker()
    world.wait(lambda: all(world.bodies()))
    applied = world.command("policy", "apply", str(policy), "--by", "ada", "--reason", "a try", "--wait", "60")
    assert applied.returncode == 0, applied.stderr
    told(
        world,
        ("anna", "purchase", {"amount": 5}),
        ("anna", "consent_changed", {"marketing": True, "channels": ["email"]}),
    )
    told(world, ("anna", "cart_abandoned", {"amount": 9}))
    world.wait(lambda: b"anna" in triggers(world))

    made = world.command(
        *("link", "anna", "--channel", "email", "--json"),
        RETENTION_OWN_PAGE_KEYS=SECRET,
        RETENTION_OWN_PAGE_URL="https://me.shop.example",
    )
    assert made.returncode == 0, made.stderr
    link = json.loads(made.stdout)
    path = urlsplit(link["one_click"]).path

    async def clicks() -> None:
        async with served(world.config) as (client, _):
            shown = await (await client.get("/me", headers=ME)).text()
            assert "You have bought once" in shown
            assert (await client.get(path)).status == 200
            answer = await client.post(path, data={"List-Unsubscribe": "One-Click"})
            assert answer.status == 200, await answer.text()
            assert "No, as of" in await (await client.get("/me", headers=ME)).text()
            await held(world, "refused_channel")

    asyncio.run(clicks())
    told(world, ("anna", "cart_abandoned", {"amount": 19}))
    world.wait(lambda: "refused_channel" in gates(world))
    assert len(triggers(world)[b"anna"]) == 1

    # The command itself, as a process.
    options = ("own-page", "--port", "0", "--customer-header", "X-Customer")
    with subprocess.Popen(
        [sys.executable, "-m", "streams.cli", *options],
        env={**os.environ, **environment(world.settings), "RETENTION_OWN_PAGE_KEYS": SECRET},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().rstrip("/")
            with urlopen(f"{url}{urlsplit(link['link']).path}?lang=de", timeout=120) as shown:
                assert "Keine Werbung mehr" in shown.read().decode()
            with urlopen(Request(f"{url}/me", headers=ME), timeout=120) as shown:
                assert "No, as of" in shown.read().decode()
        finally:
            process.terminate()
    assert process.returncode == 0

    # Redis away: a link still switches off, and what needs it is not pretended.
    async def without_redis() -> None:
        away = world.config.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
        async with served(away) as (client, _):
            assert (await client.post(path, data={"List-Unsubscribe": "One-Click"})).status == 200
            assert (await client.get("/me", headers=ME)).status == 503

    asyncio.run(without_redis())

    # To be forgotten: it waits in the store, whoever ends meanwhile, and then the engine forgets.
    async def forget() -> None:
        async with served(world.config) as (client, _):
            status, text = await press(client, "/me", "forget", signed_in="anna")
            assert status == 200
            assert "you will be forgotten" in text
        async with served(world.config) as (client, service):
            waiting = await service.waiting("anna")
            assert waiting is not None
            shown = await (await client.get("/me", headers=ME)).text()
            early = await service.erase_due()
            # A machine that is so busy may come to it when its time has come already.
            assert service.clock() >= waiting.due or ("you can take it back" in shown and not early)
            await asyncio.sleep(max(0, waiting.due - service.clock()) / 1000 + 0.05)
            assert early + await service.erase_due() == 1
            assert await service.waiting("anna") is None

    monkeypatch.setattr(erasures, "WAITS", 5_000)
    asyncio.run(forget())

    async def flags() -> int:
        shard = str(partition_of("anna", world.config.partitions))
        async with store_of(world.config) as store:
            [stored] = await store.load(shard, [b"c:anna"])
        return 0 if stored is None else unpack(b"anna", stored).flags

    world.wait(lambda: bool(asyncio.run(flags()) & ERASED))


def test_a_link_needs_its_settings_and_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "RETENTION_OWN_PAGE_URL" in run("link", "anna").stderr
    monkeypatch.setenv("RETENTION_OWN_PAGE_URL", "https://me.shop.example/")
    assert "RETENTION_OWN_PAGE_KEYS_FILE" in run("link", "anna").stderr
    keys = tmp_path / "keys"
    keys.write_text("a1:short\n")
    monkeypatch.setenv("RETENTION_OWN_PAGE_KEYS_FILE", str(keys))
    found = run("link", "anna")
    assert found.exit_code == ExitCode.USAGE
    assert "32 or more" in found.stderr
    keys.write_text(f"{SECRET}\nb0:{'o' * 40}\n")
    found = run("link", "anna", "--channel", "email")
    assert found.exit_code == 0, found.stderr
    link, *headers = found.stdout.splitlines()
    assert link.startswith("https://me.shop.example/o/a1.")
    assert headers == [f"List-Unsubscribe: <{link}/one-click>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    assert "anna" not in found.stdout
    assert run("link", "anna", "--own-page-link-days", "30").exit_code == ExitCode.USAGE


def test_the_page_says_what_its_options_lack(
    retention: Retention, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "RETENTION_OWN_PAGE_KEYS_FILE" in retention("own-page").stderr
    monkeypatch.setenv("RETENTION_OWN_PAGE_KEYS", SECRET)
    (tmp_path / "fr.toml").write_text('title = "Votre page"\n')
    for options, said in (
        (("--messages", str(tmp_path)), "fr.toml lacks"),
        (("--language", "fr"), "give one of de, en"),
        (("--code-webhook", "messaging:80"), "http://"),
    ):
        found = retention("own-page", *options)
        assert found.exit_code == ExitCode.USAGE
        assert said in found.stderr


# -- in a browser


@pytest.fixture(scope="module")
def chromium() -> str:
    try:
        return program("chromium", "install Chromium")
    except ProgramMissing as missing:  # no failure where all else is required: it is half a gigabyte
        pytest.skip(f"not run: the customer's own page in a browser; {missing}")


LOADED = "document.readyState == 'complete' && document.querySelector('h1')?.textContent"
CONTRAST = """(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 4).map(Number);
  const linear = (v) => v <= 10 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = (c) => c.slice(0, 3).map(linear)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const says = (e) => [...e.childNodes].some((n) => n.nodeType == 3 && n.textContent.trim());
  return [...document.querySelectorAll('main *, header *, footer')]
    .filter((e) => e.checkVisibility() && says(e) && !e.matches('option')).map((e) => {
      const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
      return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.outerHTML.slice(0, 80)]; })
    .filter(([ratio]) => ratio < 4.5).map(([ratio, html]) => ratio.toFixed(2) + ' ' + html);
})()"""
UNNAMED = """[...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a')]
  .filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map((e) => e.outerHTML)"""


@asynccontextmanager
async def looking(chromium: str) -> AsyncIterator[tuple[OwnPage, str, Tab]]:
    page = OwnPage()
    async with page.shop, TestServer(own_page_app(page.parts())) as server, tab(chromium) as shown:
        await shown.call("Network.enable")
        await shown.call("Network.setExtraHTTPHeaders", headers={"X-Customer": "c"})
        yield page, str(server.make_url("")), shown


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_both_pages_readable_and_complains_of_nothing(chromium: str, width: int, scheme: str) -> None:
    async def look() -> None:
        async with looking(chromium) as (page, url, shown):
            media = [{"name": "prefers-color-scheme", "value": scheme}]
            await shown.call("Emulation.setEmulatedMedia", features=media)
            for path in (page.link(), "/me?lang=de"):
                await shown.open(url.rstrip("/") + path, width)
                assert await shown.until(LOADED)
                await shown.value("document.querySelectorAll('details').forEach((one) => one.open = true)")
                beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                assert await shown.value(beyond) == 0
                assert await shown.value(CONTRAST) == []
                assert await shown.value(UNNAMED) == []
            assert shown.complaints == []

    asyncio.run(look())


def test_a_customer_who_has_only_a_keyboard_switches_a_channel_off(chromium: str) -> None:
    async def type_it() -> None:
        async with looking(chromium) as (page, url, shown):
            await shown.open(url.rstrip("/") + page.link())
            await shown.until(LOADED)
            for _ in range(20):
                for kind in ("keyDown", "keyUp"):
                    await shown.call("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
                if await shown.value("document.activeElement.ariaLabel") == "Switch off: Push message":
                    break
            assert await shown.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            for kind, text in (("keyDown", "\r"), ("keyUp", "")):
                await shown.call("Input.dispatchKeyEvent", type=kind, key="Enter", windowsVirtualKeyCode=13, text=text)
            assert "Push message" in await shown.until("document.querySelector('.done')?.textContent")
            assert len(page.published) == 1

    asyncio.run(type_it())
