"""A customer's own page, signed in: what is shown, kept and forgotten."""

from __future__ import annotations

import json

import pytest

from models.customer.layout import ERASED
from models.settings import DAY, HOUR
from streams.own_page.erasures import LEASE_MS, NAMESPACE, WAITS
from streams.store.port import Write
from tests.support.own_pages import NOW, RICH, OwnPage, press
from tests.unit.models.engine.test_life_of_a_moment import Story
from tests.unit.streams.own_page.test_pages import ME, refuses


@pytest.mark.asyncio
async def test_what_is_known_is_told_in_sentences_and_only_to_who_is_signed_in() -> None:
    page = OwnPage()
    async with page.client() as client:
        nobody = await client.get("/me")
        assert nobody.status == 401
        assert "bought once" not in await nobody.text()
        text = await (await client.get("/me", **ME)).text()
        german = await (await client.get("/me?lang=de", **ME)).text()
        other = await client.get(page.link(), headers={"X-Customer": "d"})
        assert other.status == 200
        assert "sent to somebody else" in await other.text()
        assert "bought once" not in await other.text()
        assert "sent to somebody else" not in await (await client.get(page.link(), **ME)).text()
    assert "You have bought once, on 3 January 2000." in text
    assert "You have spent 9.00 in all." in text
    assert "Yes, as you said on 3 January 2000." in text
    assert "Sie haben einmal gekauft, am 3. Januar 2000." in german
    assert 'lang="de"' in german
    for inferred in ("at risk", "turn away", "unhappy"):
        assert inferred not in text


@pytest.mark.asyncio
async def test_good_words_are_told_and_no_stage() -> None:
    page = OwnPage(Story(RICH + "[loyalty]\n", days=2).then(1, "review", rating=5))
    async with page.client() as client:
        text = await (await client.get("/me", **ME)).text()
    assert "You spoke well of us so many times: 1, the last time on 4 January 2000. Thank you." in text
    assert "slipping" not in text


@pytest.mark.asyncio
async def test_points_are_told_with_what_is_pending_and_what_expires() -> None:
    page = OwnPage(Story(RICH, days=2).then(1, "review", rating=5))
    async with page.client() as client:
        text = await (await client.get("/me?lang=de", **ME)).text()
    assert '<p class="figure">9</p>' in text
    assert "1.200 weitere sind einlösbar" in text
    assert "9 davon verfallen am 1. August 2000." in text


@pytest.mark.asyncio
async def test_who_is_signed_in_switches_on_again_and_sees_it_before_the_engine_does() -> None:
    page = OwnPage(applies=False)
    async with page.client() as client:
        status, text = await press(client, "/me", "channel", channel="email", signed_in="c")
        assert status == 200
        assert "No, as of 5 January 2000." in text
        again = await (await client.get("/me", **ME)).text()
        assert "No, as of 5 January 2000." in again
        assert "shown here already" in again
        page.now += 1_000
        _, text = await press(client, "/me", "channel_on", channel="email", signed_in="c")
        assert "Advertising by Email is on." in text
        assert "Yes, as you said on 5 January 2000." in text
    assert refuses(await page.record(), "email") is False


@pytest.mark.asyncio
async def test_rights_are_asked_for_by_touchpoints_of_their_own() -> None:
    page = OwnPage()
    async with page.client() as client:
        for what, fields in (
            ("access", {}),
            ("contest", {"reason": "<b>I did pay</b>", "trigger": ""}),
            ("restrict", {}),
            ("rewards", {"reward": "free-delivery"}),
            ("first", {"channel": "letter"}),
        ):
            status, text = await press(client, "/me", what, signed_in="c", **fields)
            assert status == 200, what
            assert "<b>I did" not in text
        assert "Nothing of yours is used, as you asked on 5 January 2000." in text
        record = await page.record()
        assert record is not None
        assert (record.tail.rewards, record.tail.channels) == (("free-delivery",), ("letter", "email"))
        page.now += 60_000
        _, text = await press(client, "/me", "unrestrict", signed_in="c")
        assert "It may be used again." in text
        assert "Nothing of yours is used" not in text
    kinds = [json.loads(one)["type"] for one in page.published]
    assert kinds[:3] == ["access_requested", "decision_contested", "restriction_requested"]


@pytest.mark.asyncio
async def test_an_erasure_waits_a_day_with_a_notice_and_can_be_taken_back() -> None:
    page = OwnPage()
    async with page.client() as client:
        before = await (await client.get("/me", **ME)).text()
        assert "everything that is known" in before
        assert "30 days after it was written" in before
        _, text = await press(client, "/me", "forget", signed_in="c")
        assert "On 6 January 2000, 13:00 you will be forgotten." in text
        record = await page.record()
        assert record is not None
        assert record.tail.silent_until == NOW + WAITS
        page.now += WAITS - 1_000
        assert await page.service.erase_due() == 0
        _, text = await press(client, "/me", "keep", signed_in="c")
        assert "You will not be forgotten." in text
        page.now += 2_000
        assert await page.service.erase_due() == 0
        assert (await page.record()).flags & ERASED == 0  # type: ignore[union-attr]
        await press(client, "/me", "forget", signed_in="c")
        page.now += WAITS
        assert await page.service.erase_due() == 1
        assert await page.service.erase_due() == 0
        assert (await page.record()).flags & ERASED  # type: ignore[union-attr]
        text = await (await client.get("/me", **ME)).text()
        assert "You have been forgotten" in text
        assert "bought once" not in text


@pytest.mark.asyncio
async def test_an_erasure_outlives_who_dies_before_and_after_it_is_published() -> None:
    page = OwnPage()
    async with page.client() as client:
        page.away = "kafka"
        status, text = await press(client, "/me", "forget", signed_in="c")
        assert status == 503
        assert "counts once" in text
        page.away = ""
        page.now += WAITS
        # It was stored before anything else, and the claim of who died is taken up.
        assert await page.erasures.claim("c", page.now) is not None
        assert await page.erasures.take_back("c") is None
        assert "can no longer be taken back" in await (await client.get("/me", **ME)).text()
        assert await page.service.erase_due() == 0
        page.now += LEASE_MS
        assert await page.service.erase_due() == 1
        assert await page.erasures.of("c") is None
        first = [json.loads(one)["id"] for one in page.published if b"erase_requested" in one]
        assert len(first) == 1


@pytest.mark.asyncio
async def test_an_erasure_that_cannot_be_read_or_published_holds_no_other_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = OwnPage()
    async with page.client() as client:
        assert (await press(client, "/me", "forget", signed_in="x" * 200))[0] == 422
        assert await page.erasures.of("x" * 200) is None
        await page.erasures.ask("x" * 200, NOW - DAY, 0)  # of a page that did not look
        await page.erasures.ask("a", NOW - DAY, 0)
        store = page.shop.store
        await store.mint(NAMESPACE, b"t")
        meta = await store.read_meta(NAMESPACE)
        assert meta is not None
        await store.commit(NAMESPACE, Write(b"t", meta.number, b"n", meta.body, values=[(b"e:a", b"{bad")]))
        await press(client, "/me", "forget", signed_in="c")
        page.now += WAITS
        assert await page.service.erase_due() == 2
        assert await page.erasures.of("c") is None
        assert await page.erasures.of("x" * 200) is None
        assert await page.erasures.due(page.now) == []
        assert await page.erasures.due(page.now + HOUR) == ["a"]
    assert "is not forgotten: an erasure that waits" in caplog.text
    assert "no touchpoint takes this id" in caplog.text
