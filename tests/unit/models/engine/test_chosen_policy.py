"""A policy that an operator applied through the log comes into force at one position of it, whatever the portions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from models.decisions.policy.reading import PolicyOfAnotherRelease
from models.engine.apply import apply
from models.engine.changes import Changes
from models.engine.piece_input import PieceInput, Scoring
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.shard_state import PolicyName
from tests.reference.engine import apply as plainly
from tests.support.bench import ForgetfulWorld, digest
from tests.support.families import slow_but
from tests.support.logs import START, chosen_policy, clock, inserted, log_of, synthetic, ticking, told
from tests.unit.models.decisions.policy.test_reading import SMALL
from tests.unit.models.simulation.test_rehearsal import VARIANTS

TEXTS = [f"# {n}\n{SMALL}" for n in range(3)]
UNFIT = SMALL.replace('sort = "risk"', 'sort = "rsk"')


def name_of(number: int, text: str) -> PolicyName:
    return PolicyName(number, sha256(text.encode()).hexdigest())


@cache
def plain() -> list[list[LogRecord]]:
    return synthetic(21, partitions=2, customers=30, days=100)


def chosen_log(log: Sequence[LogRecord], *records: tuple[float, int, str]) -> list[LogRecord]:
    """(days after the start, number, text) each."""
    written = [(START + round(day * DAY), number, text) for day, number, text in records]
    return inserted(log, [(time, chosen_policy(time, number, text)) for time, number, text in written])


@cache
def chosen() -> list[list[LogRecord]]:
    """Shard 0 hears of the second policy days after shard 1 does."""
    return [
        chosen_log(plain()[0], (40, 1, TEXTS[0]), (66.3, 2, TEXTS[1])),
        chosen_log(plain()[1], (40, 1, TEXTS[0]), (61, 2, TEXTS[1]), (61.1, 2, TEXTS[1])),
    ]


def said(world: Rehearsal, role: str, shard: int) -> list[dict[str, Any]]:
    return [json.loads(output.value) for output in world.shards[shard].outputs if output.role == role]


def changes_of(world: Rehearsal, shard: int) -> list[dict[str, Any]]:
    return [one for one in said(world, "decisions", shard) if one["what"] == "policy_in_force"]


@pytest.mark.parametrize("variant", ["evaluation", "live"])
def test_each_shard_says_which_policy_came_into_force_where_and_why(variant: str) -> None:
    world = rehearse(chosen(), VARIANTS[variant])
    for shard, days in ((0, (40, 66.3)), (1, (40, 61))):
        first, second = changes_of(world, shard)
        assert [first["policy"], second["policy"]] == [name_of(n, TEXTS[n - 1]).short for n in (1, 2)]
        assert [one["time"] for one in (first, second)] == [START + round(day * DAY) for day in days]
        assert first["reason"] == "applied by ada: a try"
        for one in (first, second):
            assert chosen()[shard][one["at"]["offset"]].timestamp == one["time"]
            assert not one["at"]["due"]
        assert world.shards[shard].state.policy == name_of(2, TEXTS[1])
        assert world.shards[shard].state.totals.choices == 2 + shard


def test_every_piece_is_decided_by_the_policy_of_its_position() -> None:
    """The due items that stand before the record, too, are decided by the former one."""
    time = plain()[0][-1].timestamp + 8 * DAY
    log = inserted(plain()[0], [(time, chosen_policy(time, 1, TEXTS[0])), (time + HOUR, clock(time + HOUR))])
    record = next(row.offset for row in log if b"policy_chosen" in (row.value or b""))
    decided: list[tuple[int, int, str | None]] = []

    def engine(given: PieceInput, scoring: Scoring) -> Changes:
        first = int(given.batch.offsets[given.piece.first])
        decided.append((first, len(given.dues), scoring.policy and scoring.policy.name))
        return apply(given, scoring)

    rehearse([log], replace(VARIANTS["evaluation"], piece_items=5), engine=engine)
    assert sum(dues for first, dues, _ in decided if first == record) > 5
    after = [n for n, (_, _, policy) in enumerate(decided) if policy is not None]
    assert after == list(range(after[0], len(decided)))
    assert decided[after[0]] == (record, 0, name_of(1, TEXTS[0]).short)


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("live",)))
def test_it_equals_the_plain_reference(variant: str) -> None:
    assert digest(rehearse(chosen(), VARIANTS[variant], engine=plainly)) == digest(
        rehearse(chosen(), VARIANTS[variant])
    )


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "batch"), [("live", 1), ("evaluation", 7), ("live", 33)])
def test_portions_and_bytes_in_between_change_nothing(variant: str, batch: int) -> None:
    expected = digest(rehearse(chosen(), VARIANTS[variant]))
    parts = replace(VARIANTS[variant], piece_items=batch)
    assert digest(rehearse(chosen(), parts, batch=lambda at: batch)) == expected
    assert digest(ForgetfulWorld(chosen(), parts).run(lambda at: 5 * batch)) == expected


applied = st.tuples(st.integers(1, 3), st.sampled_from([*TEXTS, UNFIT]))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(applied, min_size=1, max_size=6), order=st.randoms(use_true_random=False), batch=st.integers(1, 9)
)
def test_the_same_policy_is_in_force_for_any_order_of_appliers_any_repetition_any_batch_split(
    records: list[tuple[int, str]], order: Any, batch: int
) -> None:
    shuffled = [*records, *order.choices(records, k=3)]
    order.shuffle(shuffled)
    worlds = [rehearse([_told(some)], VARIANTS["live"], batch=lambda at: batch) for some in (records, shuffled)]
    fit = [(number, name_of(number, text).sha256) for number, text in records if text != UNFIT]
    expected = PolicyName(*max(fit)) if fit else UNSET
    for world in worlds:
        assert world.shards[0].state.policy == expected
        held = world.shards[0].policy
        assert (held.number, held.sha256) == (max(fit) if fit else None) if held else not fit
        names = [one["policy"] for one in changes_of(world, 0)]
        assert len(names) == len(set(names))


def _told(records: Sequence[tuple[int, str]]) -> list[LogRecord]:
    entries: list[Any] = [told("purchase", "anna", START, {"amount": 5})]
    for n, (number, text) in enumerate(records, 1):
        at = START + n * HOUR
        entries.append((at, None, chosen_policy(at, number, text)))
        entries.append(told("visit", f"c{n}", at + 1))
    return log_of([*entries, ticking(START + 10 * DAY)])


def test_a_record_that_comes_again_or_too_late_changes_nothing() -> None:
    world = rehearse([_told([(2, TEXTS[1]), (2, TEXTS[1]), (1, TEXTS[0])])], VARIANTS["live"])
    assert len(changes_of(world, 0)) == 1
    assert world.shards[0].state.policy == name_of(2, TEXTS[1])
    assert world.shards[0].state.totals.choices == 3


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        (UNFIT, {}, 'data: moment.risk.sort is "rsk"; give one of "risk", "touchpoint"'),
        (SMALL, {"sha256": "0" * 64}, f"data: sha256 is {'0' * 64}; give that of the text, {name_of(1, SMALL).sha256}"),
        ("a = ", {}, "data: text is not TOML"),
        ("a = 1\n", {}, "data: a is no key that is known here; known are format, risk"),
        ("[action]\n" + "".join(f"a{n} = 1\n" for n in range(40)), {}, 'data: action.a0 is 1; give a table with kind'),
    ],
)  # fmt: skip
def test_a_policy_that_is_none_is_a_dead_letter_and_everybody_goes_on(
    text: str, changes: dict[str, Any], reason: str
) -> None:
    log = _told([(1, TEXTS[0])])
    time = START + 2 * DAY
    world = rehearse([inserted(log, [(time, chosen_policy(time, 5, text, **changes))])], VARIANTS["live"])
    (letter,) = said(world, "deadletters", 0)
    assert (letter["code"], letter["event_type"]) == ("unfit_policy", "policy_chosen")
    assert letter["reason"].startswith(reason)
    assert len(letter["reason"]) < 1_500
    assert world.shards[0].state.policy == name_of(1, TEXTS[0])
    assert world.shards[0].at == len(log) + 1


def test_a_policy_that_is_none_leaves_the_alarm_as_it_is() -> None:
    log = _told([(1, f"{SMALL}\n[alarm]\n")])
    time = START + 2 * DAY
    worlds = [
        rehearse([some], VARIANTS["live"]) for some in (log, inserted(log, [(time, chosen_policy(time, 5, UNFIT))]))
    ]
    without, with_it = (world.shards[0].state.shared for world in worlds)
    assert without == with_it != UNSET


@pytest.mark.parametrize(
    ("text", "changes"), [(SMALL, {"format": 2}), ('zone = "Mars/Olympus"\n' + SMALL, {}), ("format = 2", {})]
)
def test_a_policy_of_another_release_ends_the_step(text: str, changes: dict[str, Any]) -> None:
    log = inserted(_told([]), [(START + DAY, chosen_policy(START + DAY, 5, text, **changes))])
    with pytest.raises(PolicyOfAnotherRelease):
        rehearse([log], VARIANTS["live"])
