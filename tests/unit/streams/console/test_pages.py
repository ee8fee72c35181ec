"""The pages over made-up sources: what they say, what a browser may do with them, who may look."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streams.console import live
from streams.console.access import Access
from streams.console.app import console_app
from streams.console.background import Made
from streams.console.model_charts import wilson
from streams.console.now_page import now_page
from streams.console.rendering import HEADERS, PAGES
from streams.console.roles import Role
from streams.console.sources import DeadLetters, Story, ValueSource
from streams.monitoring.top.view import View
from tests.support.console_pages import EVIL, STORY, Away, Did, Pages
from tests.support.console_proof import lift_data


@asynccontextmanager
async def console(
    sources: Pages | None = None, access: Access | None = None, doing: Did | None = None
) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(console_app(sources or Pages(), access or Access(), doing or Did()))) as client:
        yield client


def own(client: TestClient[Any, Any]) -> dict[str, str]:
    """What a browser says with a form of one of our own pages."""
    return {"Origin": str(client.make_url("/")).rstrip("/")}


@pytest.mark.asyncio
@pytest.mark.parametrize("page", [*PAGES, "stop", "system/dead"])
async def test_each_page_is_whole_without_scripts_and_keeps_to_itself(page: str) -> None:
    async with console() as client:
        answer = await client.get(f"/{page}")
        text = await answer.text()
    assert answer.status == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "<h1>" in text
    assert "style=" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert EVIL not in text
    assert len(text) < 100_000


@pytest.mark.asyncio
async def test_now_has_the_customers_by_stage_where_a_policy_has_a_loyalty_loop() -> None:
    async with console() as client:
        text = await (await client.get("/now")).text()
    assert "<h2>Customers by stage</h2>" in text
    assert "won back" in text


def test_now_says_why_nobody_knows_the_customers_by_stage() -> None:
    shown = now_page(View("retention", at=0, uncounted=(0, 3)))
    assert shown["stages"] == []
    assert shown["uncounted"].endswith("before its customers were counted: 0, 3")


@pytest.mark.asyncio
async def test_a_customers_page_says_the_news_in_its_first_line() -> None:
    async with console() as client:
        text = await (await client.get("/customers", params={"customer": "anna"})).text()
    assert "<h1>anna is at risk: silent for 31 days, usually buys every 12</h1>" in text
    for said in (
        "Not had: 2.00 in expected money, by what gates held.",
        "risk 69%, 60% to 77% at 90 %",
        "open_case: A service case is open.",
        "leaving on",
        "delivered",
        "waits until",
    ):
        assert said in text


@pytest.mark.asyncio
async def test_a_customers_page_says_what_is_to_be_offered_to_another_one_too_and_why_it_was_not() -> None:
    async with console() as client:
        text = await (await client.get("/customers", params={"customer": "anna"})).text()
    words = " ".join(re.sub("<[^>]+>", " ", text).split())
    for said in (
        "Shared: two for one is proposed, to be offered to both of a conversation on app: waits for the other "
        "one&#39;s answer until 2026-10-03 12:05, goes out then.",
        "2026-09-01 10:00 refused talk two for one not_agreed: The customer has not agreed.",
        "2026-09-02 10:00 sent talk two for one by email Offered to the other one of a conversation, too.",
        "refused: two for one",  # of the chart's table
    ):
        assert said in words, said


@pytest.mark.asyncio
async def test_the_page_of_now_counts_customers_by_tier_where_values_are_known() -> None:
    class Unvalued(Pages):
        async def tiers(self) -> ValueSource:
            return ValueSource(None, "no policy has values")

    for sources, known in ((Pages(), True), (Unvalued(), False)):
        async with console(sources) as client:
            text = await (await client.get("/now")).text()
        words = " ".join(re.sub("<[^>]+>", " ", text).split())
        assert ("Customers by tier of value class tier customers share consumer top 10" in words) is known
        assert "business" not in words, "a class without customers"


@pytest.mark.asyncio
async def test_the_page_of_now_counts_customers_by_level_of_risk_the_highest_first() -> None:
    class Unread(Pages):
        async def levels(self) -> Made:
            return Made(going_on=True)

    words = []
    for sources in (Pages(), Unread()):
        async with console(sources) as client:
            text = await (await client.get("/now")).text()
        words.append(" ".join(re.sub("<[^>]+>", " ", text).split()))
    assert "level customers share leaving 12 1% slipping 60 6% below all levels 928 93% The highest level" in words[0]
    assert "500 customers were looked at, 50.0% of all, and scaled up." in words[0]
    assert "the records are being read: load the page again in a while." in words[1]


@pytest.mark.asyncio
async def test_a_story_without_the_topics_says_what_is_still_read() -> None:
    class Reads(Pages):
        async def story(self, customer: str) -> Story:
            return replace(STORY, past=(), touches=(), unread="Touchpoints are being read.")

    async with console(Reads()) as client:
        text = await (await client.get("/customers", params={"customer": "anna"})).text()
    assert "<h1>anna is at risk" in text
    assert "data-waits><b>Not all is here yet.</b> Touchpoints are being read." in text
    assert "Not read yet." in text
    assert "Nothing was decided in the last year." not in text


@pytest.mark.asyncio
async def test_value_is_told_by_tier_and_without_values_what_brings_them() -> None:
    async with console() as client:
        text = await (await client.get("/value")).text()
    assert "<h1>1,000 customers are expected to bring 48,000; 12,000 more are at risk</h1>" in text
    assert "500 customers were looked at, 50.0% of all, and scaled up" in text
    assert "+0.31" in text
    assert "The loyalty loop" in text
    for cell in ("active", "900", "90%", "+12.5", "30"):
        assert f">{cell}</" in text

    class Nobody(Pages):
        async def value(self) -> ValueSource:
            return ValueSource(None, "app 'shop' has no policy with a [value]")

    async with console(Nobody()) as client:
        text = await (await client.get("/value")).text()
    assert "<h1>What customers are worth is not known yet</h1>" in text
    assert "A policy with a table <code>[value]</code> brings it" in text


@pytest.mark.asyncio
async def test_the_model_says_whether_it_is_right_about_how_many_leave() -> None:
    async with console() as client:
        text = await (await client.get("/model")).text()
    assert "<h1>mixture decides: it expected 31.0% to leave, and 30.0% did</h1>" in text
    assert "That is close, over 9,000 outcomes" in text
    assert "Its challenger is not known to be better." in text
    assert "after adagrad, by evidence" in text

    class Waits(Pages):
        async def model(self) -> Made:
            return Made(going_on=True)

    async with console(Waits()) as client:
        assert "The model is being looked at" in await (await client.get("/model")).text()


def test_an_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson(0.1, 100)
    assert (low, high) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))
    assert wilson(0.0, 10)[0] == 0.0


@pytest.mark.asyncio
async def test_the_page_of_decisions_says_what_each_gate_costs_and_where_that_is_not_known() -> None:
    async with console() as client:
        text = await (await client.get("/decisions")).text()
    words = " ".join(re.sub("<[^>]+>", " ", text).split())
    for said in (
        "cap Enough was sent. 212.40",
        "open_case A case is open. not known: no action was looked at",
        "1,240 moments that were answered since",
        "the newest 40,000 records. 3 more are of another release, and not counted.",
        "Not had by the draw, which leaves some alone to learn: 41.50; from the control group: 20.25.",
        "a call care 700 650 20",
        "offer not known 200 150 5",
        "hours It is no hour for that. 200 12",
        "Offered to two who talk, or to neither step why not times proposed 40 offered 50 refused not_agreed The",
    ):
        assert said in words, said


@pytest.mark.asyncio
async def test_decisions_that_are_still_read_are_said_to_be() -> None:
    class Reads(Pages):
        async def decisions(self) -> Made:
            return Made(None, going_on=True)

    async with console(Reads()) as client:
        text = await (await client.get("/decisions")).text()
    assert "the decisions are being read: load the page again in a while." in text
    assert "data-waits" in text
    assert "not counted" not in text


@pytest.mark.asyncio
async def test_the_policys_page_tells_its_changes_and_what_a_threshold_finds() -> None:
    async with console() as client:
        text = await (await client.get("/policy")).text()
    assert "<h1>Policy 3-abc is in force</h1>" in text
    assert "4-def waits for" in text
    assert "made from 2-aaa; proposed by bert; approved by cleo" in text
    assert '<a class="mono" href="/policy/proposal?number=5-fee">' in text
    assert "What a threshold finds</title>" in text
    assert "<td>50%</td><td>25.0%</td><td>62.5%</td><td>75.0%</td>" in text
    assert "go back to it" not in text, "nobody acts here"


@pytest.mark.asyncio
async def test_dead_letters_are_shown_with_reason_and_record() -> None:
    async with console() as client:
        text = await (await client.get("/system/dead")).text()
    assert "<h1>3 newest records that could not be applied</h1>" in text
    assert "x.touchpoints[0]@7, of 9,000 bytes the first 2" in text
    assert "\\xff{" in text
    assert "bought of <a" in text
    assert "\\x9b" in text, "what could steer something is shown as it is written"
    assert "secret" not in text, "neither record nor reason of who was erased"
    assert "not shown: the customer was erased" in text

    class Nobody(Pages):
        async def dead_letters(self) -> DeadLetters:
            return DeadLetters()

    async with console(Nobody()) as client:
        assert "Every record could be applied" in await (await client.get("/system/dead")).text()


class Proven(Pages):
    def __init__(self, made: Made) -> None:
        super().__init__()
        self.made = made

    async def proof(self) -> Made:
        return self.made


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("made", "headline", "there", "not_there"),
    [
        ({}, " of 1,000 more customers stayed because of us", "sure that it helps, since", "broken"),
        ({"lift": -0.2}, " of 1,000 fewer customers stayed because of us", "sure that it harms", "broken"),
        ({"lift": 0.0}, "Nobody can tell yet whether", "a difference would be seen by now", "sure that it"),
        ({"dropped": 0.6}, "The comparison is broken", "where 1,1", "bought in the last window"),
        ({"many": 0}, "There is nothing to compare with yet", "A <i>control group</i> is", "kept more"),
        (Made(going_on=True), "What was saved is being computed", "load the page again in a while", "control group"),
        (Made(trouble="Kafka is away", at=1.0), "What was saved is not known", "Kafka is away", "control group"),
    ],
)  # fmt: skip
async def test_what_was_saved_is_a_sentence(
    made: Made | dict[str, Any], headline: str, there: str, not_there: str
) -> None:
    """made: or the figures of a programme, which takes a second to be made."""
    proof = made if isinstance(made, Made) else Made(lift_data(**made), 1.0, 2.0)
    async with console(Proven(proof)) as client:
        text = await (await client.get("/proof")).text()
    assert headline in text.partition("</h1>")[0]
    assert there in text
    assert not_there not in text


@pytest.mark.asyncio
async def test_who_is_not_known_is_said_and_escaped() -> None:
    async with console() as client:
        answer = await client.get("/customers", params={"customer": EVIL})
        text = await answer.text()
    assert answer.status == 404
    assert EVIL not in text
    assert "&lt;script&gt;" in text


@pytest.mark.asyncio
@pytest.mark.parametrize("page", ["/now", "/customers?customer=anna", "/policy"])
async def test_what_a_service_refuses_is_said_with_its_remedy(page: str) -> None:
    async with console(Pages(Away("Redis at x does not answer"))) as client:
        answer = await client.get(page)
        text = await answer.text()
    assert answer.status == 503
    assert "Redis at x does not answer" in text
    assert "start it" in text


@pytest.mark.asyncio
async def test_what_is_live_is_sent_as_events_and_says_when_a_store_is_away() -> None:
    for sources, state in ((Pages(), "live"), (Pages(Away("Kafka is away")), "away")):
        async with console(sources) as client:
            answer = await client.get("/live?page=now")
            told = json.loads((await answer.content.readline()).removeprefix(b"data: "))
            assert told["state"] == state
            assert ("customers are at risk" in told["html"]) == (state == "live")


@pytest.mark.asyncio
async def test_who_watches_at_a_time_shares_one_look_and_one_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.2)
    looks, rendered = [], []

    class Counted(Pages):
        async def now(self) -> View:
            looks.append(1)
            return await super().now()

    def render(view: View, role: Role) -> str:
        rendered.append(role)
        return "the page"

    shown = live.Live(Counted(), render)

    async def watch(page_for: Role | None) -> list[bytes]:
        seen = []
        async for event in shown.events(page_for):
            seen.append(event)
            if len(seen) == 4:
                return seen
        raise AssertionError("it never ends")

    elsewhere = await asyncio.gather(*(watch(None) for _ in range(10)))
    assert not rendered, "nobody has the page open"
    assert all(b'"html": ""' in event for seen in elsewhere for event in seen)
    looked = len(looks)
    assert looked <= 5
    of_now = await asyncio.gather(*(watch(Role.LOOK) for _ in range(10)))
    assert all(b"the page" in event for seen in of_now for event in seen)
    assert len(rendered) <= 5
    assert len(looks) - looked <= 5


# -- who may look


@pytest.mark.asyncio
async def test_with_a_token_nobody_looks_without_it() -> None:
    async with console(access=Access("secret")) as client:
        for page in ("/now", "/live", "/customers?customer=anna"):
            assert (await client.get(page)).status == 401
        assert (await client.get("/now", headers={"Authorization": "Bearer secret"})).status == 200
        assert (await client.get("/now", headers={"Authorization": "Bearer secre"})).status == 401
        assert (await client.post("/login", data={"token": "no"}, headers=own(client))).status == 401
        answer = await client.post("/login", data={"token": "secret"}, headers=own(client))
        assert answer.status == 200
        assert str(answer.url).endswith("/now")
        [cookie] = list(client.session.cookie_jar)
        assert (cookie["httponly"], cookie["samesite"], cookie.value) != (True, "Strict", "secret")
        assert cookie["httponly"]
        assert "secret" not in cookie.value
        assert (await client.get("/system")).status == 200


@pytest.mark.asyncio
async def test_without_a_token_only_this_machines_names_open_it() -> None:
    async with console() as client:
        assert (await client.get("/now", headers={"Host": "evil.example"})).status == 401
        assert (await client.get("/now", headers={"Host": "localhost:1"})).status == 200


@pytest.mark.asyncio
async def test_a_proxy_names_who_looks() -> None:
    async with console(access=Access(user_header="X-User")) as client:
        assert (await client.get("/now")).status == 401
        assert (await client.get("/now", headers={"X-User": "ada"})).status == 200
        for given in (("ada", "somebody"), ("somebody", "ada"), ("ada", "ada")):
            twice = await client.get("/now", headers=[("X-User", one) for one in given])
            assert twice.status == 401, "a header that is there twice may be a stranger's"
        assert (await client.get("/now", headers={"X-User": "\udcff"})).status == 401, "no text"


@pytest.mark.asyncio
async def test_who_looked_at_whom_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "streams.console.pages")
    async with console(access=Access(user_header="X-User")) as client:
        await client.get("/customers?customer=anna", headers={"X-User": "ada"})
        await client.get("/system/dead", headers={"X-User": "bert"})
    assert "ada looked at customer anna" in caplog.text
    assert "bert looked at 3 dead letters of customers anna, eve" in caplog.text
