"""An operator's stop: its flag, its number, and what is refused."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from models.decisions.policy.in_force import sha256_of
from models.settings import EngineSettings
from models.timeline.shard_state import ShardState
from models.timeline.stop_types import Stop, Stops
from models.timeline.stops import MOST_STOPS, resumed
from streams.kafka.partition_facts import LogFacts
from streams.operations.policy.ledger import Applied, Ledger
from streams.operations.policy.ledger_store import Decided, LedgerStore
from streams.operations.stops import (
    StopRefused,
    anywhere,
    bodies_now,
    check_selectors,
    earlier_actions,
    known_of,
    lower_flag,
    raise_flag,
    stops_now,
)
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.store.fake import FakeStore
from streams.store.stop_flag import read_flag
from tests.unit.models.decisions.policy.test_reading import SMALL


def test_a_shard_whose_state_cannot_be_read_keeps_nobody_from_stopping_the_others() -> None:
    async def scenario() -> list[int]:
        store = FakeStore()
        creation = creation_of(LogFacts(0, 0, "topic-id", 4, None), "live", EngineSettings())
        await store.create("0", pack_body(ShardBody(SCHEMA, creation, ShardState(0, 4, 0))))
        await store.create("1", b"damaged")
        await store.create("2", b'{"schema":99}')
        return list(await bodies_now(store, 4))

    assert asyncio.run(scenario()) == [0]


def test_an_end_that_was_cut_short_before_the_log_had_it_is_found_and_ended_again() -> None:
    async def scenario() -> None:
        store = FakeStore()
        creation = creation_of(LogFacts(0, 0, "topic-id", 2, None), "live", EngineSettings())
        state = replace(ShardState(0, 2, 0), stops=Stops((Stop(5, by="ada", why="x"),)))
        await store.create("0", pack_body(ShardBody(SCHEMA, creation, state)))
        await store.create("1", pack_body(ShardBody(SCHEMA, creation, ShardState(1, 2, 0))))
        bodies = await bodies_now(store, 2)
        await lower_flag(store, known_of(bodies, await read_flag(store)), [5])
        flag = await read_flag(store)
        assert known_of(bodies, flag).standing == ()
        assert [one.number for one in anywhere(bodies, flag)] == [5]
        [where], _ = await stops_now(store, 2)
        assert (where.flag, where.shards, where.not_yet, where.ended) == (False, (0,), (), True)

    asyncio.run(scenario())


def test_the_same_selectors_are_the_same_stop_others_have_numbers_of_their_own_and_there_are_so_many_at_most() -> None:
    async def scenario() -> None:
        store = FakeStore()
        first, again = await raise_flag(store, Stop(0, kinds=("offer",), by="ada", why="x"), Stops(), 1_000)
        assert (first.number, again) == (1_000, False)
        same, again = await raise_flag(store, Stop(0, kinds=("offer",), by="ben", why="y"), Stops(), 2_000)
        assert (same, again) == (first, True)
        for n in range(1, MOST_STOPS):
            made, _ = await raise_flag(store, Stop(0, actions=(f"a{n}",), by="ada", why="x"), Stops(), 1_000)
            assert made.number == 1_000 + n
        with pytest.raises(StopRefused, match=f"{MOST_STOPS} stops are in force, and no more can be"):
            await raise_flag(store, Stop(0, by="ada", why="x"), Stops(), 1_000)
        await lower_flag(store, Stops(), [1_000])
        new, again = await raise_flag(store, Stop(0, kinds=("offer",), by="ada", why="x"), Stops(), 1_000)
        assert (new.number, again) == (1_000 + MOST_STOPS, False)
        assert 1_000 in (await read_flag(store)).ended

    asyncio.run(scenario())


def test_what_a_shard_knows_comes_back_into_a_flag_that_was_lost_and_what_has_ended_does_not() -> None:
    async def scenario() -> None:
        store = FakeStore()
        known = resumed(Stops((Stop(5), Stop(6))), (6,))
        made, _ = await raise_flag(store, Stop(0, kinds=("offer",), by="ada", why="x"), known, 3)
        assert made.number == 7
        flag = await read_flag(store)
        assert ([one.number for one in flag.standing], flag.ended) == ([5, 7], (6,))

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("stop", "told"),
    [
        (Stop(0, kinds=("offr",)), "kind 'offr' is none"),
        (Stop(0, countries=("de",)), "country 'de' is no ISO 3166 code"),
        (Stop(0, actions=("offr",)), "action 'offr' is none of those without a policy; give one of care, win_back"),
        (Stop(0, by=" "), "--by has 1 characters"),
        (Stop(0, why="x" * 501), "--why has 501 characters; give 1 to 500"),
    ],
)
def test_a_selector_that_fits_nothing_is_refused(stop: Stop, told: str) -> None:
    given = Stop(0, stop.purposes, stop.actions, stop.countries, stop.kinds, stop.by or "ada", stop.why or "why")
    with pytest.raises(StopRefused) as refused:
        check_selectors(given, {})
    assert told in str(refused.value)


def test_an_action_of_an_earlier_policy_can_be_stopped_and_one_of_none_cannot() -> None:
    async def scenario() -> frozenset[str]:
        store = FakeStore()
        applied = tuple(Applied(number, sha256_of(text), "", number) for number, text in enumerate(texts, start=1))

        async def decide(_: Ledger) -> tuple[Decided, None]:
            kept = {one.sha256: text for one, text in zip(applied, texts, strict=True)}
            return Decided(Ledger(applied=applied), kept), None

        await LedgerStore(store).change(decide)
        return await earlier_actions(store)

    texts = [SMALL.replace("[action.write]", "[action.voucher]"), SMALL, "format = 999\n"]
    earlier = asyncio.run(scenario())
    assert earlier >= {"voucher", "write", "care", "win_back"}
    check_selectors(Stop(0, actions=("voucher",), by="ada", why="x"), {}, earlier)
    with pytest.raises(StopRefused, match="'vouchr' is none"):
        check_selectors(Stop(0, actions=("vouchr",), by="ada", why="x"), {}, earlier)
