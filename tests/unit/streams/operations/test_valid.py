"""A sender that asks is told whether to send, by what the shard and the flag know; and what to do without an answer."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from msgspec import UNSET

from models.customer.bands import Band
from models.customer.layout import ERASED
from models.customer.merged import left_of
from models.customer.record import Record
from models.customer.restrictions import ACTION_PURPOSES
from models.customer.tail import Tail
from models.decisions.policy.parts import KINDS
from models.decisions.standing import Outstanding, Stage, Standing, channel_number, number_of
from models.decisions.standing_stored import pack_standing
from models.outputs import Position, Trigger
from models.settings import DAY, HOUR, EngineSettings
from models.timeline.partitioning import partition_of
from models.timeline.shard_state import PolicyName, ShardState
from models.timeline.stop_types import Stop, Stops
from models.timeline.stops import resumed, stopped
from streams.client import Answer, ask_valid, may_send
from streams.client.validity import ASK_AFTER_S
from streams.kafka.partition_facts import LogFacts
from streams.monitoring.health import Progress
from streams.monitoring.http import WebServer
from streams.monitoring.metrics import Metrics
from streams.operations.valid import Validity, is_valid
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.store import Write
from streams.store.fake import FakeStore
from streams.store.stop_flag import change_flag

PARTITIONS, ID, NOTHING = 4, "0" * 31 + "a", Stops()
NOW = int(time.time() * 1000)
FAR = NOW + 365 * DAY
MARKETING, CARE = ACTION_PURPOSES.index("marketing"), ACTION_PURPOSES.index("care")
OUT = Outstanding(
    0xA, NOW, FAR, 0, channel_number("email"), number_of("write"), KINDS.index("useful"), MARKETING, Stage.OUT
)


def answer(
    *out: Outstanding, flag: Stops = NOTHING, known: Stops | None = None, trigger: str = ID, **tail: Any
) -> Validity:
    """Of anna's trigger, with these in her record, in a shard with a policy."""
    record = Record(b"anna")
    record.tail = Tail(standing=pack_standing(Standing(outstanding=list(out))), **tail)
    return ask(record, PolicyName(1, "0" * 64), flag, known, trigger)


def ask(record: Record | None, policy: Any, flag: Stops, known: Stops | None, trigger: str = ID) -> Validity:
    async def scenario() -> Validity:
        store, shard = FakeStore(), partition_of("anna", PARTITIONS)
        state = ShardState(
            shard, PARTITIONS, 7, time=NOW - HOUR, policy=policy, stops=UNSET if known is None else known
        )
        creation = creation_of(LogFacts(0, 0, "topic-id", PARTITIONS, None), "live", EngineSettings())
        body = pack_body(ShardBody(SCHEMA, creation, state))
        await store.create(str(shard), body)
        await store.mint(str(shard), b"t")
        values = [] if record is None else [(b"c:anna", record.pack())]
        await store.commit(str(shard), Write(b"t", 0, b"n", body, values=values))
        if flag != Stops():
            await change_flag(store, lambda _: flag)
        return await is_valid(store, PARTITIONS, "anna", trigger)

    return asyncio.run(scenario())


def test_what_is_out_may_be_sent_and_the_answer_says_of_which_log_time_it_is_true() -> None:
    assert answer(OUT) == Validity("anna", ID, True, as_of=NOW - HOUR)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (OUT._replace(stage=Stage.WITHDRAWN), "withdrawn"),
        (OUT._replace(stage=Stage.DELIVERED), "delivered"),
        (OUT._replace(stage=Stage.PRESUMED), "expired"),
        (OUT._replace(stage=Stage.GIVEN_BACK), "unsent"),
        (OUT._replace(expires=NOW - HOUR), "expired"),
        (OUT._replace(id=11), "unknown"),
    ],
)
def test_what_is_out_no_more_must_not_be_sent(entry: Outstanding, reason: str) -> None:
    found = answer(entry)
    assert (found.valid, found.reason) == (False, reason)


@pytest.mark.parametrize(
    ("stop", "valid"),
    [
        (Stop(5), False),
        (Stop(5, purposes=("care",)), True),
        (Stop(5, actions=("write",)), False),
        (Stop(5, actions=("other",)), True),
        (Stop(5, kinds=("useful",)), False),
        (Stop(5, countries=("FR",)), True),
        (Stop(5, countries=("DE",), purposes=("marketing",)), False),
    ],
)
def test_the_flag_and_the_shard_say_what_is_stopped(stop: Stop, valid: bool) -> None:
    stops = stopped(Stops(), stop)
    for given in ({"flag": stops}, {"known": stops}):
        found = answer(OUT, country="DE", **given)
        assert (found.valid, found.reason, found.stop) == ((True, "", 0) if valid else (False, "stopped", 5))
    ended = resumed(Stops(), (5,))
    assert answer(OUT, country="DE", flag=ended, known=stops).valid


def test_an_erased_customer_one_without_a_record_and_what_is_no_id() -> None:
    erased = Record(b"anna")
    erased.flags = ERASED
    assert ask(erased, PolicyName(1, "0" * 64), Stops(), None).reason == "erased"
    assert ask(None, PolicyName(1, "0" * 64), Stops(), None).reason == "unknown"
    assert answer(OUT, trigger="no id").reason == "unknown"


def test_a_trigger_of_settings_is_known_by_the_open_episode() -> None:
    record = Record(b"anna")
    record.band, record.tail.trigger = Band.AT_RISK, bytes.fromhex(ID)
    assert ask(record, UNSET, Stops(), None).valid
    assert ask(record, UNSET, stopped(Stops(), Stop(5, purposes=("marketing",))), None).reason == "stopped"
    assert ask(record, UNSET, Stops(), None, "0" * 32).reason == "unknown"


def a_trigger(purpose: str, age_s: float, expires_s: float = 86_400) -> Trigger:
    now = round(time.time() * 1000)  # of this moment: the module may have been imported long ago
    time_ms = now - round(age_s * 1000)
    return Trigger(
        ID, "anna", "write", "email", 0.0, [], 0, 0, time_ms, now + round(expires_s * 1000), 0, Position(0, 0, False),
        purpose=purpose,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "expected"),
    [({"valid": True}, True), ({"valid": False, "reason": "stopped", "stop": 5, "as_of": 1}, False), (None, None)],
)
def test_a_client_asks_a_worker_over_http(told: dict[str, Any] | None, expected: bool | None) -> None:
    """None: the worker cannot say; marketing is not sent then, all else is."""
    asked: list[tuple[str, str]] = []

    async def valid(customer: str, trigger: str) -> dict[str, Any]:
        asked.append((customer, trigger))
        if told is None:
            await asyncio.sleep(600)
        return dict(told or {})

    async def scenario() -> None:
        server = WebServer(Metrics(), Progress(60.0))
        server.valid = valid
        url = f"http://127.0.0.1:{await server.start('127.0.0.1', 0)}"
        try:
            patience_s = 0.5 if told is None else 60.0
            found = await asyncio.to_thread(ask_valid, url, "zoë &", ID, patience_s)
            assert found == (None if told is None else Answer(**told))
            assert asked == [("zoë &", ID)]
            for purpose in ("marketing", "care", ""):
                may = await asyncio.to_thread(may_send, url, a_trigger(purpose, ASK_AFTER_S + 5), patience_s)
                assert may is (expected if expected is not None else purpose == "care")
            before = len(asked)
            assert await asyncio.to_thread(may_send, url, a_trigger("marketing", 5))
            assert not await asyncio.to_thread(may_send, url, a_trigger("care", 5, expires_s=-1))
            assert len(asked) == before
        finally:
            await server.stop()

    asyncio.run(scenario())


def test_without_a_worker_marketing_is_not_sent_and_all_else_is() -> None:
    begun = time.monotonic()
    assert ask_valid("http://127.0.0.1:9", "anna", ID) is None
    assert not may_send("http://127.0.0.1:9", a_trigger("marketing", ASK_AFTER_S + 5))
    assert may_send("http://127.0.0.1:9", a_trigger("contract", ASK_AFTER_S + 5))
    assert time.monotonic() - begun < 60
    with pytest.raises(ValueError, match="give the address of a worker's endpoint"):
        ask_valid("worker:8080", "anna", ID)


def test_a_question_without_a_trigger_is_refused_and_a_process_that_answers_nobody_says_so() -> None:
    async def scenario() -> None:
        import aiohttp

        server = WebServer(Metrics(), Progress(60.0))
        url = f"http://127.0.0.1:{await server.start('127.0.0.1', 0)}/valid"
        try:
            async with aiohttp.ClientSession() as session:
                for query, status in (("", 400), ("?customer=anna", 400), (f"?customer=anna&trigger={ID}", 503)):
                    async with session.get(url + query) as reply:
                        assert (reply.status, list(json.loads(await reply.text()))) == (status, ["error"])
        finally:
            await server.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("circle", [False, True])
def test_of_many_ids_the_customer_whose_they_are_is_asked(circle: bool) -> None:
    """In a chain; in a circle that its records have not come round yet nothing is known, and an answer comes."""
    names = [f"k{number}" for number in range(30)]
    leads = dict(zip(names, [*names[1:], names[0] if circle else "anna"], strict=True))
    records = {name: left_of(Record(name.encode()), name.encode(), into) for name, into in leads.items()}
    records["anna"] = Record(b"anna")
    records["anna"].tail = Tail(standing=pack_standing(Standing(outstanding=[OUT])))

    async def scenario() -> Validity:
        store = FakeStore()
        for shard in range(PARTITIONS):
            state = ShardState(shard, PARTITIONS, 7, time=NOW - HOUR, policy=PolicyName(1, "0" * 64))
            creation = creation_of(LogFacts(0, 0, "topic-id", PARTITIONS, None), "live", EngineSettings())
            body = pack_body(ShardBody(SCHEMA, creation, state))
            await store.create(str(shard), body)
            await store.mint(str(shard), b"t")
            home = [name for name in records if partition_of(name, PARTITIONS) == shard]
            values = [(b"c:" + name.encode(), records[name].pack()) for name in home]
            await store.commit(str(shard), Write(b"t", 0, b"n", body, values=values))
        return await is_valid(store, PARTITIONS, names[0], ID)

    found = asyncio.run(scenario())
    assert (found.customer, found.valid) == (names[0], not circle)
