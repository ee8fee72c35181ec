"""The customer's own page over the real engine: who may do what, what is published, and what the page says of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import MultipartWriter

from models.customer.consent import EVERY, unpack_register
from models.customer.layout import ERASED
from models.customer.tail import Tail
from models.settings import DAY, HOUR
from streams.client import links
from streams.own_page.asked import HEADERS, OFTEN, STRANGE, TRIES
from streams.own_page.erasures import LEASE_MS, NAMESPACE, WAITS
from streams.own_page.wishes import NOT_QUIET, NotPossible, Options, off
from streams.store.port import Write
from tests.support.own_pages import BEFORE, NOW, OTHERS, RICH, OwnPage, form_in, press
from tests.unit.models.engine.test_life_of_a_moment import Story

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ME: dict[str, Any] = {"headers": {"X-Customer": "c"}}


def refuses(record: Any, channel: str) -> bool:
    said = unpack_register(record.tail.consents).get(("marketing", channel))
    return said is not None and not said.granted


# -- a link


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


# -- signed in


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


# -- to be forgotten


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


# -- a code


@pytest.mark.asyncio
async def test_a_code_that_was_sent_lets_one_in_for_half_an_hour() -> None:
    page = OwnPage()
    async with page.client() as client:
        link = page.link()
        form = form_in(await (await client.get(link)).text())
        answer = await client.post(f"{link}/code?lang=de", data={"form": form})
        assert "Ein Code ist unterwegs" in await answer.text()
        [(code, language)] = page.codes.codes
        assert language == "de"
        wrong = await client.post(f"{link}/enter", data={"form": form, "code": "00000000"})
        assert wrong.status == 401
        assert "bought once" not in await (await client.get("/me")).text()
        right = await client.post(f"{link}/enter", data={"form": form, "code": f"{code[:4]} {code[4:]}"})
        assert right.status == 200
        assert "You have bought once" in await right.text()
        [cookie] = list(client.session.cookie_jar)
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
        assert "Sign out" in await right.text()
        page.now += 31 * 60_000
        assert (await client.get("/me")).status == 401
        page.now -= 31 * 60_000
        client.session.cookie_jar.clear()
        for value, status in ((cookie.value, 200), (cookie.value.removesuffix("63") + "64", 401), ("1.2.zz", 401)):
            assert (await client.get("/me", headers={"Cookie": f"own-page={value}"})).status == status
        assert (await client.post(f"{link}/enter", data={"form": form, "code": code})).status == 401  # it was used
        client.session.cookie_jar.update_cookies({"own-page": cookie.value}, client.make_url("/"))
        assert (await client.get("/me")).status == 200
        assert "You are signed out" in await (await client.post("/leave")).text()
        assert (await client.get("/me")).status == 401


@pytest.mark.asyncio
async def test_whoever_guesses_or_presses_too_often_is_told_to_wait() -> None:
    page = OwnPage()
    async with page.client() as client:
        link = page.link()
        form = form_in(await (await client.get(link)).text())
        await client.post(f"{link}/code", data={"form": form})
        for tried in range(TRIES[0] + 1):
            answer = await client.post(f"{link}/enter", data={"form": form, "code": f"{tried:08d}"})
            assert answer.status == (401 if tried < TRIES[0] else 429)
        assert answer.headers["Retry-After"] == "360"
        page = OwnPage()
    async with page.client() as client:
        for tried in range(STRANGE[0] + 1):
            answer = await client.get(f"/o/now.{'A' * 64}{tried}")
            assert answer.status == (404 if tried < STRANGE[0] else 429)
        assert (await client.get(link)).status == 200
        for _ in range(OFTEN[0] + 1):
            answer = await client.post(f"{link}/one-click", data=ONE_CLICK)
        assert answer.status == 429


# -- what is away


@pytest.mark.asyncio
async def test_while_redis_is_away_everything_can_still_be_switched_off() -> None:
    page = OwnPage()
    async with page.client() as client:
        form = form_in(await (await client.get(page.link())).text())
        page.away = "redis"
        text = await (await client.get(page.link())).text()
        assert "Push message" in text
        for what, fields in (("all", {}), ("channel", {"channel": "push"}), ("purpose", {"purpose": "profiling"})):
            answer = await client.post(page.link(), data={"form": form, "what": what, **fields})
            assert answer.status == 200, what
        assert (await client.post(f"{page.link()}/one-click", data=ONE_CLICK)).status == 200
        assert (await client.post(page.link(), data={"form": form, "what": "often", "most": "1"})).status == 503
        answer = await client.get("/me", **ME)
        assert answer.status == 503
        assert "Redis" not in await answer.text()
        page.away = ""
        assert refuses(await page.record(), EVERY)


@pytest.mark.asyncio
async def test_while_kafka_is_away_nothing_is_said_to_be_done() -> None:
    page = OwnPage()
    async with page.client() as client:
        form = form_in(await (await client.get(page.link())).text())
        page.away = "kafka"
        for path, data in ((page.link(), {"form": form, "what": "all"}), (f"{page.link()}/one-click", ONE_CLICK)):
            answer = await client.post(path, data=data)
            assert answer.status == 503
            assert "No more advertising." not in await answer.text()
    assert page.published == []


# -- what is logged


@pytest.mark.asyncio
async def test_who_did_what_is_logged_without_their_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    page = OwnPage()
    async with page.client() as client:
        link = page.link(customer="anna-4711")
        await press(client, link, "channel", channel="email")
        await press(client, "/me", "access", signed_in="anna-4711")
        await client.get("/o/strange")
    text = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("streams"))
    who = page.service.pseudonym("anna-4711")
    assert f"customer {who}: off_channel, by link" in text
    assert f"customer {who}: access_asked, signed in" in text
    assert "a link was refused" in text
    for personal in ("anna", link.removeprefix("/o/"), "127.0.0.1"):
        assert personal not in text


# -- what is sent is foreign


@pytest.mark.asyncio
async def test_a_body_that_is_no_form_gets_a_page_that_says_so() -> None:
    page = OwnPage()
    form = "application/x-www-form-urlencoded"
    async with page.client() as client:
        for path, extra in ((page.link(), {}), ("/me", {"X-Customer": "c"})):
            for body, kind in (
                (b"form=x", f"{form}; charset=bogus"),
                (b"form=\xff", form),
                (b"--x\r\n", "multipart/form-data"),
            ):
                answer = await client.post(path, data=body, headers={"Content-Type": kind, **extra})
                assert answer.status == 400
                assert {name: answer.headers[name] for name in HEADERS} == HEADERS
                assert "Nothing was changed" in await answer.text()


@pytest.mark.asyncio
async def test_a_customer_who_is_named_twice_is_nobody() -> None:
    page = OwnPage()
    async with page.client() as client:
        for names in (("victim", "c"), ("c", "victim"), ("c", "c")):
            answer = await client.get("/me", headers=[("X-Customer", one) for one in names])
            assert answer.status == 401


@pytest.mark.asyncio
async def test_the_level_is_told_with_what_the_next_one_takes_and_when_it_ends() -> None:
    levels = '[membership]\ncounts = "spent"\nlevels = [{ name = "silver", at = 8 }, { name = "gold", at = 1200 }]\n'
    page = OwnPage(Story(RICH + levels, days=2).then(1, "return", amount=2))
    async with page.client() as client:
        text = await (await client.get("/me?lang=de", **ME)).text()
        assert '<p class="figure">silver</p>' in text
        assert "Sie endet am 4. März 2000, wenn bis dahin nicht mehr dafür zählt." in text
        assert "Dafür müssen noch Einkäufe für 1193.00 zählen." in text
        assert "Your membership level" in await (await client.get("/me?lang=en", **ME)).text()


@pytest.mark.asyncio
@pytest.mark.parametrize("paid", ["silver", "gold"])
async def test_what_is_paid_for_does_not_end_with_the_level_that_was_earned(paid: str) -> None:
    levels = '[membership]\ncounts = "spent"\nlevels = [{ name = "silver", at = 8 }, { name = "gold", at = 1200 }]\n'
    levels += f'[[membership.paid]]\nname = "plus"\nplans = ["plus"]\nlevel = "{paid}"\n'
    story = Story(RICH + levels, days=2).then(1, "return", amount=2)
    page = OwnPage(story.then(1.5, "subscription_started", plan="plus"))
    async with page.client() as client:
        text = await (await client.get("/me?lang=en", **ME)).text()
        assert f'<p class="figure">{paid}</p>' in text
        assert "It ends on" not in text
        assert ("The next one is" in text) == (paid == "silver")


@pytest.mark.asyncio
async def test_rewards_within_reach_are_named_and_can_be_preferred() -> None:
    catalogue = "[reward.coffee]\npoints = 5\n[reward.free_tea]\npoints = 1209\n"
    page = OwnPage(Story(RICH + catalogue, days=2))
    async with page.client() as client:
        text = await (await client.get("/me?lang=de", **ME)).text()
    assert "Dafür gibt es: coffee." in text
    assert "Mit 1.200 weiteren reicht es für free tea." in text
    assert 'name="reward" value="coffee"' in text
