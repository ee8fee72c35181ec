"""What is stopped does not leave the outbox: it is given back in one transaction, and never sent by a later owner."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.outputs import Unsent
from models.timeline.stop_types import Stop, Stops
from models.timeline.stops import resumed
from streams.outbox import stop_rule
from streams.outbox.entry import Entry
from streams.outbox.fake import Failure, FakeLog, FakePublisher, stored
from streams.outbox.relay import Outgoing
from streams.outbox.stop_rule import FRESH_S, StopWatch
from streams.retry import Unavailable
from streams.store.fake import FakeStore
from streams.store.stop_flag import change_flag, read_flag
from tests.unit.streams.outbox.test_relay import FUTURE, INPUT, TRIGGERS, counts, example, published

MARKETING, CARE = Stop(1, purposes=("marketing",)), Stop(2, purposes=("care",))


def trigger(sequence: int, purpose: str = "marketing", **more: Any) -> Entry:
    told = {"type": "trigger", "id": f"t{sequence}", "customer": "anna", "action": "a", "purpose": purpose, **more}
    return Entry("triggers", 4, sequence, f"t{sequence}", b"anna", json.dumps(told).encode(), 1_000, FUTURE)


def outgoing_of(log: FakeLog, flag: Callable[[], Awaitable[Stops | None]] | None, live: bool = True) -> Outgoing:
    return Outgoing(FakePublisher(log, 4), 4, live, stopped=flag)


def saying(*stops: Stop) -> Callable[[], Awaitable[Stops | None]]:
    async def flag() -> Stops | None:
        return Stops(stops)

    return flag


async def silent() -> Stops | None:
    return None


def sent(log: FakeLog) -> list[str]:
    """Triggers that readers see."""
    values = [json.loads(entry.value) for entry in log.entries(TRIGGERS)]
    return [value["id"] for value in values if value["type"] == "trigger"]


def given_back(log: FakeLog) -> list[dict[str, Any]]:
    return [json.loads(entry.value)["data"] for entry in log.entries(INPUT)]


def test_a_stopped_trigger_is_given_back_and_a_marker_has_its_place() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing = outgoing_of(log, saying(MARKETING))
        await outgoing.start(stored([]), {})
        await published(outgoing, [trigger(1), trigger(2, "care"), example(1), trigger(3)])
        assert sent(log) == ["t2"]
        assert counts(log, TRIGGERS) == [1, 2, 3]
        assert given_back(log) == [{"trigger_id": name, "reason": "stopped"} for name in ("t1", "t3")]
        marker = msgspec.json.decode(log.entries(TRIGGERS)[0].value, type=Unsent)
        assert (marker.trigger, marker.customer, marker.reason) == ("t1", "anna", "stopped")

    asyncio.run(scenario())


@pytest.mark.parametrize("failure", [Failure.LOST_REPLY, Failure.BEFORE])
def test_who_owns_the_shard_after_the_end_of_the_stop_does_not_send_what_was_given_back(failure: Failure) -> None:
    """The first owner's transaction got through and it died before the trim; or it did not get through."""

    async def scenario() -> None:
        log = FakeLog()
        first = outgoing_of(log, saying(MARKETING))
        await first.start(stored([]), {})
        publisher = first._publisher
        assert isinstance(publisher, FakePublisher)
        publisher.failures = [failure]
        first.add([trigger(1), trigger(2)])
        with pytest.raises(Unavailable):
            await first._send_some()
        second = outgoing_of(log, saying())
        await second.start(stored([trigger(1), trigger(2)]), {"triggers": 2})
        assert not len(second)
        through = failure is Failure.LOST_REPLY
        assert sent(log) == ([] if through else ["t1", "t2"])
        assert len(given_back(log)) == (2 if through else 0)
        assert counts(log, TRIGGERS) == [1, 2]

    asyncio.run(scenario())


def test_what_the_shard_knows_counts_where_the_flag_was_lost_and_not_where_the_flag_says_that_it_has_ended() -> None:
    async def scenario(flag: Stops) -> list[str]:
        log = FakeLog()

        async def answer() -> Stops | None:
            return flag

        outgoing = outgoing_of(log, answer)
        await outgoing.start(stored([]), {})
        outgoing.stops = Stops((MARKETING,))
        await published(outgoing, [trigger(1)])
        return sent(log)

    assert asyncio.run(scenario(Stops())) == []
    assert asyncio.run(scenario(resumed(Stops(), (1,)))) == ["t1"]


def test_where_the_flag_cannot_be_read_marketing_waits_and_is_then_not_sent_and_all_else_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stop_rule, "UNREADABLE_S", 2.0)

    async def scenario() -> None:
        log = FakeLog()
        outgoing = outgoing_of(log, silent)
        await outgoing.start(stored([]), {})
        begun = time.monotonic()
        await published(outgoing, [trigger(1, "care"), trigger(2, "legal")])
        assert time.monotonic() - begun < 2.0
        await published(outgoing, [trigger(3), trigger(4, "contract"), example(1)])
        assert time.monotonic() - begun >= 2.0
        assert sent(log) == ["t1", "t2", "t4"]
        assert [one["trigger_id"] for one in given_back(log)] == ["t3"]

    asyncio.run(scenario())


def test_a_replay_sends_what_the_log_says_whatever_the_flag_does() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing = outgoing_of(log, saying(MARKETING), live=False)
        await outgoing.start(stored([]), {})
        await published(outgoing, [trigger(1)])
        assert sent(log) == ["t1"]

    asyncio.run(scenario())


def test_a_trigger_that_cannot_be_read_and_one_of_settings_count_as_marketing() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing = outgoing_of(log, saying(MARKETING))
        await outgoing.start(stored([]), {})
        unreadable = msgspec.structs.replace(trigger(1), value=b"\xff")
        await published(outgoing, [unreadable, trigger(2, "", action="win_back"), trigger(3, "", action="care")])
        assert sent(log) == ["t3"]

    asyncio.run(scenario())


def test_the_flag_is_read_once_for_all_shards_and_never_older_than_it_may_be() -> None:
    async def scenario() -> None:
        now, reads = [0.0], [0]

        async def read() -> Stops:
            reads[0] += 1
            return Stops((Stop(reads[0]),))

        watch = StopWatch(read, clock=lambda: now[0])
        found = await asyncio.gather(*(watch.now() for _ in range(5)))
        assert found == [Stops((Stop(1),))] * 5
        now[0] += FRESH_S
        assert await watch.now() == Stops((Stop(2),))

    asyncio.run(scenario())


def test_a_flag_that_does_not_answer_is_unreadable_and_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_rule, "ANSWER_S", 0.05)

    async def scenario() -> None:
        answers: list[Callable[[], Awaitable[Stops]]] = []

        async def never() -> Stops:
            await asyncio.sleep(10)
            return Stops()

        async def away() -> Stops:
            raise Unavailable("away")

        async def there() -> Stops:
            return Stops((MARKETING,))

        answers = [never, away, there]
        now = [0.0]
        watch = StopWatch(lambda: answers.pop(0)(), clock=lambda: now[0])
        found = []
        for _ in range(3):
            found.append(await watch.now())
            # Whoever waited in the queue meanwhile is answered by that, and does not ask once more.
            assert await watch.now() == found[-1]
            now[0] += FRESH_S
        assert found == [None, None, Stops((MARKETING,))]

    asyncio.run(scenario())


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from(["marketing", "care"])),
        st.tuples(st.just("stop"), st.sampled_from([MARKETING, CARE])),
        st.tuples(st.just("resume"), st.sampled_from([MARKETING, CARE])),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 0.6, 2.0])),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(events=EVENTS)
def test_nothing_that_fits_is_published_once_the_flag_is_up_for_two_seconds(events: list[tuple[str, Any]]) -> None:
    """The flag is a store's, changed as an operator does; the clock is ours."""

    async def scenario() -> None:
        store, log, now = FakeStore(), FakeLog(), [0.0]
        watch = StopWatch(lambda: read_flag(store), clock=lambda: now[0])
        outgoing = outgoing_of(log, watch.now)
        await outgoing.start(stored([]), {})
        up: dict[str, float] = {}
        numbers = iter(range(10, 100))
        standing: dict[str, list[int]] = {"marketing": [], "care": []}
        sequence = 0
        for what, value in events:
            purpose = value if isinstance(value, str) else value.purposes[0] if isinstance(value, Stop) else ""
            if what == "stop":
                stop = msgspec.structs.replace(value, number=next(numbers))
                await change_flag(store, lambda flag, stop=stop: Stops((*flag.standing, stop), flag.ended))
                standing[purpose].append(stop.number)
                up.setdefault(purpose, now[0])
            elif what == "resume":
                await change_flag(store, lambda flag, gone=tuple(standing[purpose]): resumed(flag, gone))
                standing[purpose].clear()
                up.pop(purpose, None)
            elif what == "wait":
                now[0] += value
            else:
                sequence += 1
                before = len(sent(log))
                outgoing.add([trigger(sequence, purpose)])
                await outgoing._send_some()
                if purpose in up and now[0] - up[purpose] > 2.0:
                    assert len(sent(log)) == before
                elif purpose not in up and watch.stops.standing == ():
                    assert len(sent(log)) == before + 1
        assert sorted([*sent(log), *(one["trigger_id"] for one in given_back(log))]) == sorted(
            f"t{n + 1}" for n in range(sequence)
        )

    asyncio.run(scenario())


def test_operators_who_change_the_flag_at_one_moment_lose_nothing() -> None:
    async def scenario() -> None:
        store = FakeStore()

        async def one(number: int) -> None:
            await change_flag(store, lambda flag: Stops((*flag.standing, Stop(number))))

        await asyncio.gather(*(one(number) for number in range(6)))
        assert {stop.number for stop in (await read_flag(store)).standing} == set(range(6))

    asyncio.run(scenario())
