"""A policy that was applied for a time comes into force at its boundary in every shard, whatever the portions."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from models.engine.apply import apply
from models.engine.changes import Changes
from models.engine.piece_input import PieceInput, Scoring
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.boundaries import boundary_at
from models.timeline.shard_state import WaitingPolicy
from tests.reference.engine import apply as plainly
from tests.support.bench import ForgetfulWorld, digest
from tests.support.logs import START, chosen_policy, inserted, synthetic
from tests.unit.models.engine.test_chosen_policy import TEXTS, changes_of, name_of, plain, said
from tests.unit.models.simulation.test_rehearsal import VARIANTS

WANTED = START + 70 * DAY + 5 * HOUR


def with_policies(log: list[LogRecord], *records: tuple[float, int, str, int]) -> list[LogRecord]:
    """(days after the start, number, text, at) each; 0: at once."""
    written = [(START + round(day * DAY), number, text, at) for day, number, text, at in records]
    return inserted(
        log,
        [(time, chosen_policy(time, number, text, **({"at": at} if at else {}))) for time, number, text, at in written],
    )


@cache
def chosen() -> list[list[LogRecord]]:
    """Shard 0 hears of the waiting one days after shard 1 does, which hears of it twice."""
    return [
        with_policies(plain()[0], (40, 1, TEXTS[0], 0), (66.3, 2, TEXTS[1], WANTED)),
        with_policies(plain()[1], (40, 1, TEXTS[0], 0), (61, 2, TEXTS[1], WANTED), (61.1, 2, TEXTS[1], WANTED)),
    ]


def waits_of(world: Rehearsal, shard: int) -> list[dict[str, Any]]:
    return [one for one in said(world, "decisions", shard) if one["what"] == "policy_waiting"]


@pytest.mark.parametrize("variant", ["live", "seldom a version"])
def test_it_comes_into_force_at_the_same_boundary_in_every_shard(variant: str) -> None:
    world, told = rehearse(chosen(), VARIANTS[variant]), VARIANTS[variant]
    first_boundary = boundary_at(told, WANTED + told.boundary - 1)
    for shard in (0, 1):
        (waiting,) = waits_of(world, shard)
        assert waiting["reason"] == f"applied by ada, from {WANTED} on: a try"
        _, second = changes_of(world, shard)
        assert (second["time"], second["at"]["due"]) == (first_boundary, True)
        assert second["policy"] == waiting["policy"] == name_of(2, TEXTS[1]).short
        assert world.shards[shard].state.policy == name_of(2, TEXTS[1])
        assert world.shards[shard].state.policy_waiting is UNSET
        assert world.shards[shard].policy_waiting is None


def test_every_piece_before_the_boundary_is_decided_by_the_former_policy() -> None:
    told = VARIANTS["live"]
    first_boundary = boundary_at(told, WANTED + told.boundary - 1)
    decided: list[tuple[int, str]] = []

    def engine(given: PieceInput, scoring: Scoring) -> Changes:
        if scoring.policy is not None:
            decided.append((given.state.boundary, scoring.policy.name))
        return apply(given, scoring)

    rehearse(chosen()[:1], replace(told, piece_items=5), engine=engine)
    assert {name for boundary, name in decided if boundary < first_boundary} == {name_of(1, TEXTS[0]).short}
    assert {name for boundary, name in decided if boundary > first_boundary} == {name_of(2, TEXTS[1]).short}


def test_until_then_the_state_names_it() -> None:
    world = rehearse([with_policies(plain()[0], (40, 7, TEXTS[0], START + 900 * DAY))], VARIANTS["live"])
    shard = world.shards[0]
    assert shard.state.policy is UNSET
    assert shard.policy is None
    name = name_of(7, TEXTS[0])
    assert shard.state.policy_waiting == WaitingPolicy(7, name.sha256, START + 900 * DAY, "ada", "a try")
    assert shard.policy_waiting is not None
    assert shard.policy_waiting.text == TEXTS[0]
    assert not changes_of(world, 0)


@pytest.mark.parametrize("at", [0, START + 55 * DAY, START + 65 * DAY])
def test_a_newer_one_takes_the_place_of_what_waits_whether_it_waits_or_not(at: int) -> None:
    waits = (40, 5, TEXTS[0], START + 60 * DAY)
    world = rehearse([with_policies(plain()[0], waits, (50, 6, TEXTS[1], at))], VARIANTS["live"])
    assert [one["policy"] for one in changes_of(world, 0)] == [name_of(6, TEXTS[1]).short]


def test_an_older_one_that_comes_late_does_not() -> None:
    waits = (40, 5, TEXTS[0], START + 60 * DAY)
    world = rehearse([with_policies(plain()[0], waits, (50, 4, TEXTS[1], 0), (70, 4, TEXTS[1], 0))], VARIANTS["live"])
    assert [one["policy"] for one in changes_of(world, 0)] == [name_of(5, TEXTS[0]).short]


def test_one_for_a_time_that_has_passed_counts_at_once() -> None:
    world = rehearse([with_policies(plain()[0], (40, 5, TEXTS[0], START + 30 * DAY))], VARIANTS["live"])
    (only,) = changes_of(world, 0)
    assert (only["time"], only["at"]["due"]) == (START + 40 * DAY, False)
    assert not waits_of(world, 0)


def test_the_alarm_begins_anew_at_the_boundary_only() -> None:
    """What is usual is learned under the levels that count."""
    alarmed = f"{TEXTS[0]}\n[alarm]\n"
    times = [
        rehearse(
            [with_policies(plain()[0], (20, 1, alarmed, 0), (day, 2, f"# other\n{alarmed}", WANTED))], VARIANTS["live"]
        )
        for day in (50, 60)
    ]
    assert times[0].shards[0].state.shared == times[1].shards[0].state.shared != UNSET


policies = st.tuples(
    st.floats(1, 89), st.integers(1, 4), st.sampled_from(TEXTS), st.one_of(st.just(0), st.integers(1, 95))
).map(lambda one: (one[0], one[1], one[2], one[3] and START + one[3] * DAY))
records = st.lists(policies, max_size=5)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    variant=st.sampled_from(sorted(VARIANTS)),
    first=records,
    second=records,
    batch=st.integers(1, 60),
    items=st.integers(1, 20),
)
def test_whatever_operators_write_it_equals_the_plain_reference_in_any_portions(
    variant: str, first: list[Any], second: list[Any], batch: int, items: int
) -> None:
    logs = synthetic(3, partitions=2, customers=6, days=90)
    logs = [with_policies(log, *one) for log, one in zip(logs, (first, second), strict=True)]
    expected = digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    parts = replace(VARIANTS[variant], piece_items=items)
    assert digest(rehearse(logs, parts, batch=lambda at: batch)) == expected
    assert digest(ForgetfulWorld(logs, parts).run(lambda at: batch)) == expected
