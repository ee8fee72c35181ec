"""The customer's own page over the real engine: who may do what, what is published, and what the page says of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import MultipartWriter

from models.customer.consent import EVERY, unpack_register
from models.customer.tail import Tail
from models.settings import DAY, HOUR
from streams.client import links
from streams.own_page.asked import HEADERS
from streams.own_page.wishes import NOT_QUIET, NotPossible, Options, off
from tests.support.own_pages import BEFORE, NOW, OTHERS, RICH, OwnPage, form_in, press
from tests.unit.models.engine.test_life_of_a_moment import Story

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ME: dict[str, Any] = {"headers": {"X-Customer": "c"}}


def refuses(record: Any, channel: str) -> bool:
    said = unpack_register(record.tail.consents).get(("marketing", channel))
    return said is not None and not said.granted


@pytest.mark.asyncio
async def test_whoever_opens_a_link_changes_nothing_and_learns_nothing() -> None:
    page = OwnPage()
    async with page.client() as client:
        for path in (page.link(), f"{page.link()}/one-click"):
            for method in ("GET", "HEAD"):
                answer = await client.request(method, path)
                text = await answer.text()
                assert answer.status == 200
                assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        shown = await (await client.get(page.link())).text()
    assert page.published == []
    assert "Set-Cookie" not in answer.headers
    assert text == ""
    for known in ("bought once", "9.00", "agreed", "2000", ">c<"):
        assert known not in shown
    for there in ("No more advertising", "Email", "Push message", "Letter", "carts", "offers"):
        assert there in shown
    assert "style=" not in shown
    assert "<script" not in shown
    assert "http://" not in shown


@pytest.mark.asyncio
async def test_a_click_closes_a_channel_and_the_page_says_so() -> None:
    page = OwnPage()
    async with page.client() as client:
        status, text = await press(client, page.link(), "channel", channel="email")
        record = await page.record()
        await press(client, page.link(), "channel", channel="letter")
        also_record = await page.record()
    assert status == 200
    assert "No more advertising by Email." in text
    assert refuses(record, "email")
    assert not refuses(record, "letter")
    assert refuses(also_record, "letter")
    # A link in a message unsubscribes from such messages; what it closes beside them is a word on consent.
    said, also = map(json.loads, page.published)
    assert (said["type"], said["subject"], said["source"]) == ("message_unsubscribed", "c", "/retention/own-page")
    assert said["data"] == {"channel": "email"}
    assert (also["type"], also["data"]["channels"]) == ("consent_changed", ["letter"])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("what", "fields", "field", "value"),
    [
        ("often", {"most": "1"}, "max_per_week", 1),
        ("topics", {"topic": "offers"}, "topics", ("carts",)),
        ("topics", [("topic", "offers"), ("topic", "carts")], "topics", ("-",)),
        ("silence", {"days": "30"}, "silent_until", NOW + 30 * DAY),
        ("quiet", {"start": "20:00", "end": "09:30"}, "quiet", ("20:00", "09:30")),
    ],
)
async def test_less_can_be_had_with_a_link(what: str, fields: Any, field: str, value: Any) -> None:
    page = OwnPage()
    async with page.client() as client:
        form = form_in(await (await client.get(page.link())).text())
        pairs = list(fields.items()) if isinstance(fields, dict) else fields
        answer = await client.post(page.link(), data=[("form", form), ("what", what), *pairs])
        assert answer.status == 200
    record = await page.record()
    assert record is not None
    assert getattr(record.tail, field) == value


@pytest.mark.asyncio
async def test_a_link_makes_nothing_wider() -> None:
    silent = "2001-01-01T00:00:00Z"
    quiet = {"start": "20:00", "end": "10:00"}
    said = {"max_per_week": 1, "topics": ["carts"], "quiet_hours": quiet, "silent_until": silent}
    page = OwnPage(Story(RICH, days=2).then(1, "preferences_updated", **said))
    async with page.client() as client:
        before = await page.record()
        assert before is not None
        await press(client, page.link(), "often", most="3")
        await press(client, page.link(), "silence", days="30")
        status, text = await press(client, page.link(), "quiet", start="22:00", end="06:00")
        assert status == 422
        assert "longer than that already" in text
        await press(client, page.link(), "topics", topic="offers")
        for what in ("channel_on", "purpose_on", "access", "contest", "restrict", "forget", "rewards", "first"):
            status, _ = await press(client, page.link(), what, channel="push", purpose="profiling")
            assert status == 422, what
    after = await page.record()
    assert after is not None
    assert after.tail == before.tail
    assert len(page.published) == 3


@pytest.mark.asyncio
async def test_quiet_hours_by_a_link_hold_those_of_the_house() -> None:
    page = OwnPage()
    async with page.client() as client:
        for start, end in (("12:00", "12:00"), ("22:00", "08:00"), ("21:00", "07:59"), ("00:00", "00:00")):
            status, text = await press(client, page.link(), "quiet", start=start, end=end)
            assert status == 422, (start, end)
            assert "longer than that already" in text
        assert page.published == []
        status, _ = await press(client, page.link(), "quiet", start="21:00", end="08:30")
        assert status == 200
        # Whoever is signed in may have none.
        assert (await press(client, "/me", "quiet", start="12:00", end="12:00", signed_in="c"))[0] == 200
        # By the link they come back, never as none.
        assert (await press(client, page.link(), "quiet", start="12:00", end="12:00"))[0] == 422
        assert (await press(client, page.link(), "quiet", start="12:00", end="13:00"))[0] == 200


def test_without_a_policy_no_quiet_hours_can_be_had_by_a_link() -> None:
    hours = {"start": ["20:00"], "end": ["09:00"]}
    with pytest.raises(NotPossible, match="only_more_quiet"):
        off("quiet", Tail(), Options(), hours, NOW)
    assert off("quiet", Tail(), Options(quiet=NOT_QUIET), hours, NOW).message == "quiet_hours"
    with pytest.raises(NotPossible, match="only_more_quiet"):
        off("quiet", Tail(), Options(quiet=NOT_QUIET), {"start": ["20:00"], "end": ["20:00"]}, NOW)


@pytest.mark.asyncio
@pytest.mark.parametrize("keys", [OTHERS, BEFORE])
async def test_a_link_of_the_former_key_still_opens_and_a_foreign_or_expired_one_does_not(keys: Any) -> None:
    page = OwnPage()
    async with page.client() as client:
        answer = await client.get(page.link(keys=keys))
        assert answer.status == (200 if keys is BEFORE else 404)
        for path in (page.link(keys=OTHERS), page.link() + "x", page.link()[:-2], "/o/x", "/o/now.", "/o/now.%ff"):
            for answer in (await client.get(path), await client.post(f"{path}/one-click")):
                assert answer.status == 404
                assert "opens nothing any more" in await answer.text()
        old = page.link(until=NOW - HOUR)
        for answer in (await client.get(old), await client.post(f"{old}/one-click"), await client.post(old)):
            assert answer.status == 410
            assert "opens nothing any more" in await answer.text()
    assert page.published == []


@pytest.mark.asyncio
async def test_one_click_needs_no_form_and_is_one_however_often_it_comes() -> None:
    page = OwnPage()
    async with page.client() as client:
        for _ in range(3):
            answer = await client.post(f"{page.link('push')}/one-click", data=ONE_CLICK)
            assert answer.status == 200
            assert "Set-Cookie" not in answer.headers
        assert len({json.loads(one)["id"] for one in page.published}) == 1
        record = await page.record()
        assert refuses(record, "push")
        assert not refuses(record, "email")
        # Switched on again since, it closes once more.
        page.now += 2 * 60_000
        await press(client, "/me", "channel_on", channel="push", signed_in="c")
        assert not refuses(await page.record(), "push")
        page.now += 60_000
        await client.post(f"{page.link('push')}/one-click", data=ONE_CLICK)
        assert refuses(await page.record(), "push")
        await client.post(f"{page.link('')}/one-click", data=ONE_CLICK)
        assert refuses(await page.record(), EVERY)


@pytest.mark.asyncio
async def test_a_double_click_is_one() -> None:
    page = OwnPage()
    async with page.client() as client:
        form = form_in(await (await client.get(page.link())).text())
        for days in ("30", "30", "90"):
            page.now += 1_000
            await client.post(page.link(), data={"form": form, "what": "silence", "days": days})
    assert [json.loads(one)["id"] for one in page.published].count(json.loads(page.published[0])["id"]) == 2
    record = await page.record()
    assert record is not None
    assert record.tail.silent_until > NOW + 80 * DAY


@pytest.mark.asyncio
@pytest.mark.parametrize("later", [1_000, 20 * 60_000])
async def test_a_form_that_is_sent_again_after_something_else_counts_again(later: int) -> None:
    page = OwnPage()
    async with page.client() as client:
        first = form_in(await (await client.get("/me", **ME)).text())

        async def push(form: str, what: str) -> str:
            page.now += later
            answer = await client.post("/me", data={"form": form, "what": what, "channel": "email"}, **ME)
            assert answer.status == 200
            return form_in(await answer.text())

        second = await push(first, "channel")
        assert refuses(await page.record(), "email")
        await push(second, "channel_on")
        assert not refuses(await page.record(), "email")
        await push(first, "channel")  # after the browser's *back*
        assert refuses(await page.record(), "email")


@pytest.mark.asyncio
async def test_a_request_that_a_person_answers_is_one_however_late_its_form_comes_again() -> None:
    page = OwnPage()
    async with page.client() as client:
        form = form_in(await (await client.get("/me", **ME)).text())
        for _ in range(2):
            assert (await client.post("/me", data={"form": form, "what": "access"}, **ME)).status == 200
            page.now += HOUR
    assert len({json.loads(one)["id"] for one in page.published}) == 1


@pytest.mark.asyncio
async def test_one_click_off_after_on_within_a_minute_is_off() -> None:
    page = OwnPage()
    async with page.client() as client:
        for _ in range(2):
            assert (await client.post(f"{page.link('push')}/one-click", data=ONE_CLICK)).status == 200
            assert refuses(await page.record(), "push")
            page.now += 1_000
            await press(client, "/me", "channel_on", channel="push", signed_in="c")
            assert not refuses(await page.record(), "push")
            page.now += 1_000


@pytest.mark.asyncio
async def test_only_a_mail_programs_post_is_one_click() -> None:
    page = OwnPage()
    async with page.client() as client:
        path = f"{page.link()}/one-click"
        for data in ({}, {"List-Unsubscribe": "yes"}, b"\xff"):
            assert (await client.post(path, data=data)).status == 400
        assert page.published == []
        # RFC 8058 allows both kinds of a form.
        multipart = MultipartWriter("form-data")
        multipart.append("One-Click").set_content_disposition("form-data", name="List-Unsubscribe")
        assert (await client.post(path, data=multipart)).status == 200


@pytest.mark.asyncio
async def test_a_form_is_for_one_customer_and_for_a_day() -> None:
    page = OwnPage()
    async with page.client() as client:
        of_another = page.link(customer="d")
        form = form_in(await (await client.get(of_another)).text())
        assert (await client.post(page.link(), data={"form": form, "what": "all"})).status == 403
        form = form_in(await (await client.get(page.link())).text())
        page.now += DAY
        answer = await client.post(page.link(), data={"form": form, "what": "all"})
        assert answer.status == 403
        assert "Nothing was changed" in await answer.text()
        assert (await client.post(page.link(), data={"what": "all"})).status == 403
    assert page.published == []


@pytest.mark.asyncio
async def test_a_link_of_what_no_touchpoint_takes_opens_nothing_by_one_click(monkeypatch: pytest.MonkeyPatch) -> None:
    page = OwnPage()
    monkeypatch.setattr(links, "MAX_CHANNEL", 128)  # as links were made once
    monkeypatch.setattr(links, "MAX_CUSTOMER", 512)
    async with page.client() as client:
        for path in (page.link(channel="x" * 40), page.link(customer="x" * 200)):
            answer = await client.post(f"{path}/one-click", data=ONE_CLICK)
            assert answer.status == 404
            assert "opens nothing any more" in await answer.text()
    assert page.published == []
