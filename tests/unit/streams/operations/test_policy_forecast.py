"""Whom a policy would touch at its start is told from the records, and those it touches then."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decisions.policy.in_force import PolicyInForce
from models.settings import DAY, HOUR, WEEK
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from streams.kafka.partition_facts import LogFacts
from streams.operations.policy.forecast import Forecast, Met, forecast, met
from streams.operations.policy.shards import ShardPolicyNow
from streams.shard.meta import SCHEMA, ShardBody, creation_of
from tests.support.logs import chosen_policy, clock, inserted, synthetic
from tests.unit.models.decisions.policy.test_reading import SMALL
from tests.unit.models.simulation.test_rehearsal import VARIANTS

SETTINGS = replace(VARIANTS["live"], boundary=56 * DAY)
"""Versions come seldom, so that what is estimated next is by the version of the last estimate."""
FREE = SMALL.replace("at = 0.5 ", "at = 0.2 ").replace("exit = 0.4", "exit = 0.1") + '\n[[basis]]\nneeds = "nothing"\n'


@cache
def before() -> Rehearsal:
    return rehearse(logs(), SETTINGS)


@cache
def logs() -> list[list[LogRecord]]:
    return synthetic(5, partitions=2, customers=150, days=80)


def foreseen(text: str) -> dict[str, Met]:
    policy, found = PolicyInForce.of(1, text), {}
    for shard in before().shards:
        for customer, record in shard.records.items():
            one = met(policy, customer, record, SETTINGS, shard.state.time)
            if one is not None:
                found[customer.decode()] = one
    return found


def asked(text: str) -> dict[str, tuple[int, str]]:
    """By customer, when and at which level the risk moment first asked, of whoever has an answer or waits by it, within
    a week of nobody's touchpoints."""
    began: dict[str, tuple[int, str]] = {}
    written = []
    for log, shard in zip(logs(), before().shards, strict=True):
        time = shard.state.time
        hours = [(time + n * HOUR, clock(time + n * HOUR)) for n in range(1, 7 * 24 + 2)]
        written.append(inserted(log, [(time, chosen_policy(time, 1, text)), *hours]))
    world = rehearse(written, SETTINGS)
    for shard in world.shards:
        for output in shard.outputs:
            if output.role == "decisions":
                one = json.loads(output.value)
                if one.get("moment") == "risk" and one["what"] in ("decided", "waits"):
                    began.setdefault(one["customer"], (one["time"], one.get("level", "")))
    return began


def test_who_stands_above_a_level_asks_at_the_time_that_is_foreseen() -> None:
    told, happened = foreseen(FREE), asked(FREE)
    assert len(told) > 20
    assert set(told) - set(happened) == set()
    exact = [name for name, one in told.items() if happened[name][0] == one.asks]
    assert len(exact) >= 0.9 * len(told), "some have a timer before at which nobody estimates"
    assert len(set(happened) - set(told)) <= 0.1 * len(told), "the risk of some crosses a level by itself"


def test_whoever_may_not_be_contacted_is_told_apart() -> None:
    told = foreseen(FREE.replace('needs = "nothing"', 'needs = "consent"'))
    gates = Counter(one.wide for one in told.values())
    assert gates["no_basis"] > 0
    assert told.keys() == foreseen(FREE).keys()


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_actions_that_are_not_live_touch_nobody(mode: str) -> None:
    told = foreseen(FREE.replace("[action.write]", f'[action.write]\nmode = "{mode}"'))
    assert told
    assert not any(one.kind for one in told.values())


def test_a_ramp_spreads_them() -> None:
    plain = foreseen(FREE)
    ramped = foreseen(FREE.replace("format = 1", "format = 1\nramp = 10"))
    assert plain.keys() == ramped.keys()
    after = [ramped[name].asks - plain[name].asks for name in plain]
    assert max(after) > 8 * DAY
    assert 3 * DAY < sum(after) / len(after) < 7 * DAY


def test_who_has_asked_at_a_level_does_not_ask_again() -> None:
    world = rehearse(
        [inserted(log, [(log[0].timestamp, chosen_policy(log[0].timestamp, 1, FREE))]) for log in logs()], SETTINGS
    )
    policy, again, reached = PolicyInForce.of(2, FREE), 0, 0
    for shard in world.shards:
        for customer, record in shard.records.items():
            again += met(policy, customer, record, SETTINGS, shard.state.time) is not None
        reached += shard.state.totals.episodes
    assert reached > 30
    assert again <= 5


def test_counts_of_a_share_are_scaled_up_with_their_error() -> None:
    whole, part = Forecast(), Forecast(share=0.25)
    for one in (whole, part):
        for n in range(100):
            one.take(Met("at_risk", "care" if n % 2 else "useful", "", n * HOUR), 0)
        one.take(Met("at_risk", "", "no_basis", 0), 0)
        one.take(Met("at_risk", "", "", 0), 0)
    assert (whole.data()["hour"], whole.data()["day"], whole.data()["above"]) == (2, 25, 100)
    assert whole.data()["day_error"] == 0
    assert (part.data()["day"], part.data()["day_error"]) == (100, round((25 * 0.75) ** 0.5 * 4))
    assert part.data()["by_kind"] == {"care": 200, "useful": 200}
    assert part.data()["held"] == {"every action": 4, "no_basis": 4}


@given(st.lists(st.integers(0, 2 * WEEK), max_size=50))
def test_hour_day_and_all_only_grow(times: list[int]) -> None:
    found = Forecast()
    for time in times:
        found.take(Met("at_risk", "care", "", time), 0)
    assert found.hour <= found.day <= found.touched == len(times)


class Stored:
    """The records of a rehearsal, listed as Redis does: one may come twice, and other names among them."""

    async def load(self, namespace: str, names: Sequence[bytes]) -> list[bytes | None]:
        records = before().shards[int(namespace)].records
        return [records.get(name[2:]) for name in names]

    async def all_names(self, beginning: bytes) -> AsyncIterator[tuple[str, bytes]]:
        yield "learner", b"c:learner"
        for shard in before().shards:
            for n, customer in enumerate(shard.records):
                for _ in range(1 + (n % 7 == 0)):
                    yield str(shard.state.partition), beginning + customer


@pytest.mark.parametrize("most", [10_000, 150, 60])
def test_all_are_looked_at_or_a_share_by_hash(most: int) -> None:
    creation = creation_of(LogFacts(0, 0, "topic-id", 2, None), "live", SETTINGS)
    shards = {
        n: ShardPolicyNow(ShardBody(SCHEMA, creation, shard.state), None) for n, shard in enumerate(before().shards)
    }
    total, told = sum(len(shard.records) for shard in before().shards), foreseen(FREE)
    found = asyncio.run(forecast(Stored(), shards, PolicyInForce.of(1, FREE), most))
    touched = [one for one in told.values() if one.kind]
    assert found.share == pytest.approx(min(1.0, most / total), rel=0.1)
    assert found.looked_at == pytest.approx(found.share * total, rel=0.25)
    assert abs(found.data()["above"] - len(touched)) <= 3 * found.error(found.touched)
    if most > total:
        assert (found.looked_at, found.touched) == (total, len(touched))
        assert found.levels == Counter(one.level for one in touched)
