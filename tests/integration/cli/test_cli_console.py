"""The console on real topics and state, and its pages in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streams.config import load
from streams.console import reading as console_reading
from streams.console import story_reading
from streams.console.access import Access
from streams.console.acting import Acting
from streams.console.app import console_app
from streams.console.open_topics import OpenTopics
from streams.console.reading import Reading
from streams.console.rendering import PAGES
from streams.console.roles import roles_of
from streams.errors import ExitCode
from streams.operations.why.indices import Indices
from tests.integration.cli.test_cli_why import Place, Retention, place
from tests.support.chromium import Tab, tab
from tests.support.console_pages import Did, Pages
from tests.support.servers import ProgramMissing, program

__all__ = ["place"]

SECRET = sha256(b"secret").hexdigest()


@asynccontextmanager
async def console() -> AsyncIterator[TestClient[Any, Any]]:
    with Reading(load(), ["http://127.0.0.1:1"]) as reading:
        async with TestClient(TestServer(console_app(reading, Access(), Acting(load())))) as client:
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


READ: Final = re.compile(r"are being read for the index of all customers: ([\d,]+) of ([\d,]+) records so far")


def test_while_the_index_lacks_much_a_customers_page_says_how_far_it_is(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"customer": place.customer}

    async def looked(client: TestClient[Any, Any]) -> tuple[int, str]:
        answer = await client.get("/customers", params=asked)
        return answer.status, await answer.text()

    def far(text: str) -> tuple[int, int]:
        found = READ.search(text)
        assert found is not None, text
        return int(found[1].replace(",", "")), int(found[2].replace(",", ""))

    async def look() -> None:
        monkeypatch.setattr(story_reading, "LITTLE", 0)
        with Reading(load(), ["http://127.0.0.1:1"]) as reading:
            async with TestClient(TestServer(console_app(reading, Access(), Acting(load())))) as client:
                # While it is made for the first time: of the record alone.
                status, text = await looked(client)
                assert status == 200
                assert far(text)[0] < far(text)[1]
                assert f"<h1>{place.customer} is " in text
                assert "data-waits" in text
                answer = await client.get("/customers", params={"customer": "nobody"})
                assert answer.status == 503
                assert "records 0 are in the index" in await answer.text()
                while "data-waits" in text:
                    _, text = await looked(client)
                assert '<span class="chip safe">sent</span>' in text
        # Later, where it has fallen behind by more than a page can read in its time.
        monkeypatch.setattr(story_reading, "LITTLE", -1)
        monkeypatch.setattr(console_reading, "STORY_S", 0.0)
        async with console() as client:
            status, text = await looked(client)
            assert status == 200
            assert 0 < far(text)[0] <= far(text)[1]
            assert f"<h1>{place.customer} is " in text
            monkeypatch.setattr(story_reading, "LITTLE", 50_000)
            while "data-waits" in text:  # what was asked before goes on
                _, text = await looked(client)
            assert '<span class="chip safe">sent</span>' in text, "it lacks little: the page waits for the topics"

    asyncio.run(look())


def test_a_customer_and_the_policy_are_read_from_the_topics_and_redis(place: Place) -> None:
    status, text = asyncio.run(page(f"/customers?customer={place.customer}"))
    assert status == 200
    assert f"<h1>{place.customer} is " in text
    assert "data-waits" not in text, "what the index lacks is little: the page has read it"
    assert '<span class="chip safe">sent</span>' in text
    assert "purchase" in text
    status, text = asyncio.run(page("/policy"))
    assert status == 200
    assert "is in force</h1>" in text
    assert "[risk]" in text
    assert asyncio.run(page("/customers?customer=nobody"))[0] == 404
    status, text = asyncio.run(page("/system/dead"))
    assert status == 200
    assert "Every record could be applied" in text
    status, text = asyncio.run(made_beside("/value"))
    assert status == 200
    assert "customers were looked at, all of them" in text
    status, text = asyncio.run(made_beside("/decisions"))
    assert status == 200
    assert "moments that were answered since the topic begins" in text
    assert "Not had by the draw, which leaves some alone to learn: " in text
    status, text = asyncio.run(made_beside("/proof"))
    assert status == 200
    assert "There is nothing to compare with yet" in text or "Customers compared" in text


async def acted(place: Place, path: str, **form: str) -> tuple[int, str]:
    """A form of the page of stops, by somebody who may act."""
    access = Access(user_header="X-User", roles=roles_of('others = "act"', "roles.toml", True))
    with Reading(load(), ["http://127.0.0.1:1"]) as reading:
        async with TestClient(TestServer(console_app(reading, access, Acting(load())))) as client:
            headers = {"X-User": "ada", "Origin": str(client.make_url("/")).rstrip("/")}
            text = await (await client.get("/stop", headers=headers)).text()
            found = re.search('name="form_token" value="([0-9a-f]+)"', text)
            assert found
            answer = await client.post(path, data={**form, "form_token": found[1]}, headers=headers)
            return answer.status, await answer.text()


def test_a_stop_and_its_end_go_the_way_of_the_commands(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.console.acting.WAIT_S", 0.1)
    form = {"what": "chosen", "purpose": "marketing", "why": "wrong prices"}
    status, text = asyncio.run(acted(place, "/stop", **form))
    assert "<h1>Stop purpose marketing?</h1>" in text
    assert json.loads(place.retention("stops", "--json").stdout)["stops"] == []
    status, text = asyncio.run(acted(place, "/stop", **form, confirmed="purpose marketing"))
    assert status == 200
    assert "Shards 0, 1 do not decide by it yet" in text, "no worker runs"
    [stop] = json.loads(place.retention("stops", "--json").stdout)["stops"]
    assert (stop["purposes"], stop["by"], stop["why"], stop["flag"]) == (["marketing"], "ada", "wrong prices", True)
    assert "<b>Stopped:</b> " in asyncio.run(page("/policy"))[1]
    assert "wrong prices" in asyncio.run(page("/stop"))[1]
    status, text = asyncio.run(acted(place, "/resume", number=str(stop["number"]), why="right again"))
    assert status == 200
    assert "It goes on: " in text
    assert json.loads(place.retention("stops", "--json").stdout)["stops"] == []
    status, text = asyncio.run(acted(place, "/model", model="nobody"))
    assert status == 400
    assert "there is no model" in text


def test_a_policy_is_proposed_and_approved_with_the_name_of_who_does(place: Place) -> None:
    text = place.retention("policy", "show", "--text").stdout
    changed = text.replace("at = 0.5", "at = 0.55", 1)
    assert changed != text
    status, said = asyncio.run(acted(place, "/policy/change", text=changed.replace("\n", "\r\n")))
    assert status == 200
    assert "risk.levels" in said
    assert "It would touch " in said
    found = re.search('name="base" value="([0-9a-f]+)"', said)
    assert found, "the form names the policy from which the change was made"
    status, said = asyncio.run(acted(place, "/policy/propose", text=changed, base=found[1], reason="less"))
    assert status == 200, said
    [proposal] = json.loads(place.retention("policy", "proposals", "--json").stdout)["proposals"]
    assert (proposal["by"], proposal["reason"]) == ("ada", "less")
    assert proposal["name"] in asyncio.run(page("/policy"))[1]
    assert asyncio.run(acted(place, "/policy/approve", proposal=proposal["name"]))[0] == 200
    [proposal] = json.loads(place.retention("policy", "proposals", "--json").stdout)["proposals"]
    assert proposal["approvers"] == ["ada"]
    status, said = asyncio.run(acted(place, "/policy/apply", proposal=proposal["name"], reason="less"))
    assert status == 400
    assert "is of an older release" in said, "these shards were never a worker's"
    status, said = asyncio.run(acted(place, "/policy/propose", text=changed, base="0" * 8, reason="less"))
    assert status == 400
    assert "and in force is " in said


def test_topics_stay_open_between_pages_for_a_while_and_not_after_an_error(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = OpenTopics(load(), "touchpoints", "decisions")

    def read(fails: bool = False) -> Indices:
        with topics.indices() as found:
            assert list(found.of["touchpoints"].of_customer(0, place.customer)) or found.partitions == 2
            if fails:
                raise ValueError("the broker went away")
            return found

    first = read()
    assert read() is first
    with topics.indices() as one, topics.indices() as other:
        assert one is first
        assert other is not first, "each is used by one thread at a time"
    with pytest.raises(ValueError, match="went away"):
        read(fails=True)
    assert read() in (first, other)
    monkeypatch.setattr("streams.console.open_topics.LONGEST_S", 0.0)
    assert read() not in (first, other)
    topics.close()


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
    assert "give --token-file, --roles or --user-header" in found.stderr
    (tmp_path / "token").write_text("\n")
    found = retention("console", "--host", "0.0.0.0", "--token-file", str(tmp_path / "token"))
    assert "is empty" in found.stderr
    (tmp_path / "token").write_text("guessed\n")
    found = retention("console", "--host", "0.0.0.0", "--token-file", str(tmp_path / "token"))
    assert found.exit_code == ExitCode.USAGE
    assert "has a token of 7 characters: write one of 20 or more" in found.stderr


# -- in a browser


@pytest.fixture(scope="module")
def chromium() -> str:
    try:
        return program("chromium", "install Chromium")
    except ProgramMissing as missing:  # no failure where all else is required: it is half a gigabyte
        pytest.skip(f"not run: the console's pages in a browser; {missing}")


async def looked_at(chromium: str, path: str, width: int) -> tuple[bool, list[str], int]:
    """Whether it became live, what the browser complained of, and by how many pixels the page is wider than it."""
    async with TestServer(console_app(Pages(), Access(), Did())) as server, tab(chromium) as page:
        await page.open(str(server.make_url(path)), width)
        live = await page.until('document.getElementById("live")?.textContent')
        beyond = await page.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return live == "live", page.complaints + await unnamed(page), int(beyond)


SPOKEN = {"button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "image", "region", "navigation"}


async def unnamed(page: Tab) -> list[str]:
    """What a screen reader meets without a name; and whether the keyboard comes first to the way past the header."""
    nodes = (await page.call("Accessibility.getFullAXTree"))["nodes"]
    told = [(one.get("role", {}).get("value"), one.get("name", {}).get("value")) for one in nodes if not one["ignored"]]
    assert any(role == "heading" and name for role, name in told)
    for kind in ("rawKeyDown", "keyUp"):
        await page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    skips = await page.value("document.activeElement.className + getComputedStyle(document.activeElement).outlineStyle")
    found = [] if skips == "skipsolid" else [f"the first focus is on {skips}"]
    return found + [f"{role} without a name" for role, name in told if role in SPOKEN and not name]


async def pressed(chromium: str, did: Did) -> tuple[str, list[str]]:
    """By a browser: from any page to a stop by its form and one confirmation."""
    access = Access(roles=roles_of(f'[[user]]\nname="ada"\nrole="act"\ntoken_sha256="{SECRET}"', "roles.toml", False))
    async with TestServer(console_app(Pages(), access, did)) as server, tab(chromium) as page:
        await page.open(str(server.make_url("/decisions")))
        await page.until('!!document.querySelector("input[name=token]")')
        complaints = [one for one in page.complaints if "401" not in one]
        await page.value('document.querySelector("input[name=token]").value = "secret"')
        await page.value('document.querySelector("main form").requestSubmit()')
        await page.until('!!document.querySelector("header a.danger")')
        await page.value('document.querySelector("header a.danger").click()')
        await page.until('!!document.querySelector("input[name=why]")')
        await page.value('document.querySelector("main form.form input[name=why]").value = "wrong prices"')
        await page.value('document.querySelector("main form.form button").click()')
        assert not await page.value('document.querySelector("h1.done")?.innerText'), "nothing is chosen yet"
        await page.value('document.querySelector("input[value=everything]").click()')
        await page.value('document.querySelector("main form.form button").click()')
        await page.until('!!document.querySelector("input[name=confirmed]")')
        await page.value('document.querySelector("main form.form button").click()')
        headline = await page.until('document.querySelector("h1.done")?.innerText')
        return str(headline), complaints


def test_a_browser_stops_everything_only_where_it_is_chosen_and_confirmed(chromium: str) -> None:
    did = Did()
    assert asyncio.run(pressed(chromium, did)) == ("Stopped: everything", [])
    [(what, stop)] = did.asked
    assert (what, stop.purposes, stop.by, stop.why) == ("stop", (), "ada", "wrong prices")


@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_each_page_live_and_complains_of_nothing(chromium: str, width: int) -> None:
    for name in (*PAGES, "customers?customer=anna", "stop", "system/dead"):
        assert asyncio.run(looked_at(chromium, f"/{name}", width)) == (True, [], 0), name
