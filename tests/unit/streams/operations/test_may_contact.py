"""Another sender asks: by the store, by the log, and over HTTP; the engine that answers is the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from models.settings import DAY, HOUR
from streams.kafka.partition_facts import LogFacts
from streams.monitoring.health import Progress
from streams.monitoring.http import WebServer
from streams.monitoring.metrics import Metrics
from streams.operations.doors import Questions
from streams.operations.may_contact import (
    NotAnswered,
    NotAsked,
    NothingDecides,
    Question,
    may_contact,
    question_of,
    reserve,
)
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.shard.stored_policy import POLICY as POLICY_KEY
from streams.store.fake import FakeStore
from streams.store.port import Write
from tests.support.bench import run_alone
from tests.support.contracts.http import unlike
from tests.support.logs import told
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, CONTROL, POLICY, SETTINGS, SILENCE, Story

EMAIL = Question(customer="c", purpose="marketing", channel="email", by="crm")
NOON = BOUGHT + DAY


class Shop:
    """A shard that applies what is sent at once, and a store that has it. lost: what is sent is never read."""

    def __init__(self, story: Story | None = None, lost: bool = False) -> None:
        self.story = Story(days=1) if story is None else story
        self.store, self.lost = FakeStore(), lost
        self.log = self.story.log()
        self.number = -1

    async def __aenter__(self) -> Shop:
        await self.keep()
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def keep(self) -> None:
        """As a commit would."""
        kept = run_alone(self.log, SETTINGS, SILENCE)
        creation = creation_of(LogFacts(0, 0, "topic-id", 1, None), "replay", SETTINGS)
        body = pack_body(ShardBody(SCHEMA, creation, kept.state))
        if self.number < 0:
            await self.store.create("0", body)
            await self.store.mint("0", b"t")
        self.number += 1
        values = [(b"c:" + name, value) for name, value in kept.records.items()]
        values.append((POLICY_KEY, self.story.text.encode()))
        await self.store.commit("0", Write(b"t", self.number, b"%d" % self.number, body, values=values))

    async def send(self, partition: int, key: bytes, value: bytes, at: int) -> int:
        offset = self.log[-1].offset + 1
        if not self.lost:
            self.log.append(self.log[-1]._replace(offset=offset, timestamp=at, key=key, value=value))
            await self.keep()
        return offset


def in_shop(shop: Shop, ask: Callable[[Shop], Awaitable[None]]) -> None:
    async def run() -> None:
        async with shop:
            await ask(shop)

    asyncio.run(run())


def test_the_answer_is_that_of_the_gates_with_their_sentences() -> None:
    async def ask(shop: Shop) -> None:
        allowed = await may_contact(shop.store, 1, EMAIL)
        assert (allowed.allowed, allowed.gates, allowed.known) == (True, (), True)
        refused = await may_contact(shop.store, 1, Question(customer="c", purpose="marketing", channel="sms"))
        assert (refused.allowed, [one.gate for one in refused.gates], refused.until) == (False, ["no_basis"], 0)
        assert refused.gates[0].customer == "You have not agreed that we write to you this way."
        assert (await may_contact(shop.store, 1, Question(customer="c", purpose="care", channel="sms"))).allowed

    in_shop(Shop(), ask)


def test_of_what_nobody_can_foresee_no_time_is_given() -> None:
    async def ask(shop: Shop) -> None:
        held = await may_contact(shop.store, 1, EMAIL)
        assert [(one.gate, one.until) for one in held.gates] == [("open_case", 0)]
        assert held.until == 0

    in_shop(Shop(replace(Story(days=1), entries=[told("case_opened", "c", BOUGHT + 1, {"case_id": "1"})])), ask)


def test_of_two_who_ask_for_the_last_contact_one_gets_it() -> None:
    async def ask(shop: Shop) -> None:
        wanted = Question(customer="c", purpose="marketing", channel="email", reserve=True)
        answers = [await reserve(shop.store, 1, wanted, shop.send) for _ in range(2)]
        assert [one.allowed for one in answers] == [True, False]
        assert answers[0].reserved_until >= answers[0].time + HOUR - 1000
        assert len(answers[0].reservation) == 32
        assert [one.gate for one in answers[1].gates] == ["cap"]
        assert answers[1].until > answers[1].time

    in_shop(Shop(), ask)


def test_the_same_id_again_is_the_same_reservation() -> None:
    async def ask(shop: Shop) -> None:
        wanted = Question(customer="c", purpose="marketing", channel="email", id="campaign-7")
        first, second = [await reserve(shop.store, 1, wanted, shop.send) for _ in range(2)]
        assert first.reservation == second.reservation != ""

    in_shop(Shop(), ask)


def test_nothing_is_reserved_of_who_is_not_known_or_of_what_nobody_counts() -> None:
    async def ask(shop: Shop) -> None:
        before = len(shop.log)
        unknown = await reserve(shop.store, 1, Question(customer="x", purpose="marketing", channel="email"), shop.send)
        assert (unknown.known, unknown.allowed, unknown.reservation) == (False, False, "")
        care = await reserve(shop.store, 1, Question(customer="c", purpose="care", channel="email"), shop.send)
        assert (care.allowed, care.reservation) == (True, "")
        assert len(shop.log) == before

    in_shop(Shop(), ask)


def test_it_is_told_that_the_customer_is_of_the_control_group() -> None:
    async def ask(shop: Shop) -> None:
        assert (await may_contact(shop.store, 1, EMAIL)).control

    in_shop(Shop(Story(CONTROL, days=1)), ask)


def test_a_shard_that_stands_still_is_named_and_so_is_one_without_a_policy() -> None:
    async def lost(shop: Shop) -> None:
        with pytest.raises(NotAnswered, match="shard 0 has not come to offset"):
            await reserve(shop.store, 1, EMAIL, shop.send, within_s=0.1)

    async def none(shop: Shop) -> None:
        with pytest.raises(NothingDecides, match="no policy is in force in shard 0"):
            await may_contact(shop.store, 1, EMAIL)

    in_shop(Shop(lost=True), lost)
    in_shop(Shop(Story("", days=1)), none)


@pytest.mark.parametrize("document", [b"{", b"{}", b'{"customer": "c", "purpose": "spam", "channel": "email"}'])
def test_what_is_no_question_is_refused(document: bytes) -> None:
    with pytest.raises(NotAsked):
        question_of(document)


def test_over_http_each_outcome_has_its_status(capsys: Any) -> None:
    async def ask(shop: Shop) -> None:
        class Direct:
            send = shop.send

        server = WebServer(Metrics(), Progress(60.0), Questions(shop.store, 1, Direct()).routes)  # type: ignore[arg-type]
        port = await server.start("127.0.0.1", 0)
        url = f"http://127.0.0.1:{port}/may-contact"
        question = {"customer": "c", "purpose": "marketing", "channel": "email"}
        try:
            async with aiohttp.ClientSession() as session:
                async with session.post(url, json=question) as answer:
                    told = await answer.json()
                    assert unlike("post", "/may-contact", answer.status, told) == []
                    assert (answer.status, told["allowed"], told["reservation"]) == (200, True, None)
                async with session.post(url, json={**question, "reserve": True, "by": "crm"}) as answer:
                    told = await answer.json()
                    assert unlike("post", "/may-contact", answer.status, told) == []
                    assert (answer.status, told["allowed"], len(told["reservation"])) == (200, True, 32)
                async with session.post(url, json={**question, "reserve": True}) as answer:
                    told = await answer.json()
                    assert unlike("post", "/may-contact", answer.status, told) == []
                    assert (answer.status, told["allowed"], told["gates"][0]["gate"]) == (200, False, "cap")
                async with session.post(url, json={**question, "purpose": "spam"}) as answer:
                    told = await answer.json()
                    assert unlike("post", "/may-contact", answer.status, told) == []
                    assert (answer.status, "purpose" in told["error"], bool(told["remedy"])) == (400, True, True)
        finally:
            await server.stop()

    in_shop(Shop(), ask)


def test_without_a_policy_http_says_conflict() -> None:
    async def ask(shop: Shop) -> None:
        server = WebServer(Metrics(), Progress(60.0), Questions(shop.store, 1, None).routes)  # type: ignore[arg-type]
        port = await server.start("127.0.0.1", 0)
        try:
            async with aiohttp.ClientSession() as session:
                question = {"customer": "c", "purpose": "marketing", "channel": "email"}
                async with session.post(f"http://127.0.0.1:{port}/may-contact", json=question) as answer:
                    assert answer.status == 409
                    assert unlike("post", "/may-contact", 409, await answer.json()) == []
        finally:
            await server.stop()

    in_shop(Shop(Story("", days=1)), ask)


def test_the_policy_of_these_tests_lets_one_contact_out() -> None:
    assert 'caps = [{ most = 1, within = "10d" }]' in POLICY
