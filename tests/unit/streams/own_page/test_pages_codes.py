"""A customer's own page: a code by message, what is away, what is logged, and foreign requests."""

from __future__ import annotations

import pytest

from models.customer.consent import EVERY
from streams.own_page.asked import HEADERS, OFTEN, STRANGE, TRIES
from tests.support.own_pages import RICH, OwnPage, form_in, press
from tests.unit.models.engine.test_life_of_a_moment import Story
from tests.unit.streams.own_page.test_pages import ME, ONE_CLICK, refuses


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
