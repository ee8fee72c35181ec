"""The compiled engine says and keeps, to the byte, what the plain one does (tests/reference)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn import Scorer
from models.engine import piece_run
from models.engine.row_by_row import isolate_failures
from models.settings import DAY
from models.simulation import rehearsal
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.families import slow_but
from tests.support.logs import DATA, REQUESTS, START, choosing, log_of, synthetic, told
from tests.unit.models.simulation.test_rehearsal import VARIANTS

LOGS = synthetic(7, partitions=3, customers=60, days=120)


@cache
def of_the_engine(variant: str) -> Rehearsal:
    """An ordinary run over these logs; to be looked at only."""
    return rehearse(LOGS, VARIANTS[variant])


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("evaluation", "live")))
def test_it_equals_the_plain_reference(variant: str) -> None:
    fast = of_the_engine(variant)
    assert digest(fast) == digest(rehearse(LOGS, VARIANTS[variant], engine=plainly))
    assert sum(shard.state.totals.triggers for shard in fast.shards) >= 10


@pytest.mark.slow
@settings(max_examples=15)
@given(
    st.integers(100, 10_000),
    st.sampled_from(sorted(VARIANTS)),
    st.integers(1, 200),
    st.integers(1, 20),
    st.floats(0.05, 0.6),
)
def test_it_equals_the_plain_reference_on_any_log_in_any_portions(
    seed: int, variant: str, batch: int, items: int, leave: float
) -> None:
    logs = synthetic(seed, partitions=2, customers=12, days=90)
    given_settings = replace(VARIANTS[variant], enter=leave + 0.05, exit=leave)
    parts = replace(given_settings, piece_items=items)
    fast = rehearse(logs, parts, batch=lambda at: batch)
    assert digest(fast) == digest(rehearse(logs, given_settings, engine=plainly))


LEAVING = {
    "soon": replace(VARIANTS["live"], horizon=7 * DAY, forget_after=1),
    "later": replace(
        VARIANTS["live"], horizon=14 * DAY, forget_after=20 * DAY, lateness=3 * DAY, duplicate_window=9 * DAY
    ),
    "aligned": replace(VARIANTS["evaluation"], horizon=7 * DAY, forget_after=3 * DAY),
    "between two versions": replace(
        VARIANTS["seldom a version"], boundary=56 * DAY, horizon=7 * DAY, forget_after=DAY, alive="engagement"
    ),
}
"""Settings with which a customer leaves the store and returns within a short log."""


def erasing(seed: int, logs: list[list[LogRecord]]) -> list[list[LogRecord]]:
    """Logs in which every third customer asks to be erased, about half of whom consent to or refuse something later;
    many ask for access, restriction or a person, and some of what was published before comes again."""
    random, made = Random(seed), []
    for log in logs:
        entries = [(entry.timestamp, entry.key, entry.value) for entry in log]
        for key in sorted({entry.key for entry in log if entry.key is not None and not entry.key.startswith(b"stray")}):
            if random.random() < 0.33:
                time, name = START + random.randint(5, 80) * DAY, key.decode()
                entries.append(told("erase_requested", name, time))
                if random.random() < 0.5:
                    later = time + random.randint(-2 * DAY, 40 * DAY)
                    entries.append(told("consent_changed", name, later, {"marketing": random.random() < 0.7}))
                    entries.append(told("purchase", name, later + random.randint(0, 9) * DAY, {"amount": 3}))
            for kind in REQUESTS:
                if random.random() < 0.2:
                    entries.append(told(kind, key.decode(), START + random.randint(5, 110) * DAY, DATA[kind](random)))
        for entry in log:
            if entry.key is not None and random.random() < 0.04:
                entries.append((entry.timestamp + random.randint(1, 90) * DAY, entry.key, entry.value))
        made.append(log_of(sorted(entries, key=lambda entry: entry[0])))
    return made


@pytest.mark.parametrize("variant", slow_but(LEAVING, ("soon", "aligned")))
def test_it_equals_the_plain_reference_where_the_silent_and_the_erased_leave(variant: str) -> None:
    logs = erasing(5, synthetic(7, partitions=2, customers=40, days=150))
    fast, plain = rehearse(logs, LEAVING[variant]), rehearse(logs, LEAVING[variant], engine=plainly)
    assert digest(fast) == digest(plain)
    said = [msgspec.json.decode(o.value)["what"] for s in fast.shards for o in s.outputs if o.role == "decisions"]
    assert {"forgotten", "erased", "reopened"} <= set(said)
    doubts = [[(shard.unsure, shard.beyond) for shard in world.shards] for world in (fast, plain)]
    assert doubts[0] == doubts[1]
    assert sum(map(sum, doubts[0])) > 0
    assert [sum(shard.state.bands) for shard in fast.shards] == [len(shard.records) for shard in fast.shards]


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(100, 10_000), st.sampled_from(sorted(LEAVING)), st.integers(1, 200), st.integers(1, 20))
def test_where_the_silent_leave_it_equals_the_plain_reference_on_any_log_in_any_portions(
    seed: int, variant: str, batch: int, items: int
) -> None:
    logs = erasing(seed, synthetic(seed, partitions=2, customers=12, days=120))
    fast = rehearse(logs, replace(LEAVING[variant], piece_items=items), batch=lambda at: batch)
    assert digest(fast) == digest(rehearse(logs, LEAVING[variant], engine=plainly))
    # Nobody is in the due set who is not in the store.
    assert all(set(shard.dues) <= set(shard.records) for shard in fast.shards)


@pytest.mark.parametrize("window", slow_but((0, 1, 5 * DAY), (0, 5 * DAY)))
def test_it_equals_the_plain_reference_in_what_it_can_not_tell_from_what_came_before(window: int) -> None:
    logs = synthetic(7, partitions=2, customers=20, days=120)
    told = replace(VARIANTS["live"], duplicate_window=window)
    fast, plain = rehearse(logs, told), rehearse(logs, told, engine=plainly)
    assert digest(fast) == digest(plain)
    doubts = [[(shard.unsure, shard.beyond) for shard in world.shards] for world in (fast, plain)]
    assert doubts[0] == doubts[1]
    assert sum(map(sum, doubts[0])) > 0


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("evaluation",)))
def test_a_walk_that_stops_for_want_of_room_comes_to_the_same(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = digest(of_the_engine(variant))
    monkeypatch.setattr(piece_run, "EFFECTS_A_CALL", 3)
    assert digest(rehearse(LOGS, VARIANTS[variant])) == whole


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("live",)))
def test_row_by_row_it_comes_to_the_same(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = digest(of_the_engine(variant))
    monkeypatch.setattr(piece_run.Run, "to_the_end", isolate_failures)
    assert digest(rehearse(LOGS, VARIANTS[variant])) == whole


class Foreign:
    """A scorer that compiled code does not know."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._scorer.score(bases)


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("evaluation",)))
def test_a_scorer_that_is_not_compiled_comes_to_the_same(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = digest(of_the_engine(variant))
    compiled = rehearsal.scorer_of
    monkeypatch.setattr(rehearsal, "scorer_of", lambda version, given: Foreign(compiled(version, given)))
    assert digest(rehearse(LOGS, VARIANTS[variant])) == whole


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_triggers_that_expired_unsent_rearm_their_episodes_in_both(variant: str) -> None:
    # A log in which every second trigger comes back, a day later.
    logs = []
    for log, shard in zip(LOGS, of_the_engine(variant).shards, strict=True):
        said = [msgspec.json.decode(output.value) for output in shard.outputs if output.role == "triggers"]
        entries = [(entry.timestamp, entry.key, entry.value) for entry in log]
        entries += [
            told("expired_unsent", trigger["customer"], trigger["time"] + DAY, {"trigger_id": trigger["id"]})
            for trigger in said[::2]
        ]
        logs.append(log_of(sorted(entries, key=lambda entry: entry[0])))
    fast, plain = rehearse(logs, VARIANTS[variant]), rehearse(logs, VARIANTS[variant], engine=plainly)
    assert digest(fast) == digest(plain)
    decisions = [msgspec.json.decode(o.value)["what"] for s in fast.shards for o in s.outputs if o.role == "decisions"]
    assert "rearmed" in decisions


choices = st.lists(
    st.tuples(st.integers(START, START + 100 * DAY), st.sampled_from(["mixture", "adagrad", None, "nobody"])),
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=10)
@given(choices, choices, st.sampled_from(sorted(VARIANTS)), st.integers(1, 100))
def test_a_champion_that_operators_choose_is_the_same_in_both_in_any_portions(
    one: list[tuple[int, str | None]], other: list[tuple[int, str | None]], variant: str, batch: int
) -> None:
    logs = [choosing(log, made) for log, made in zip(CHOOSING, (one, other), strict=True)]
    fast = rehearse(logs, VARIANTS[variant], batch=lambda at: batch)
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    totals = [shard.state.totals for shard in fast.shards]
    assert sum(t.choices for t in totals) == sum(model != "nobody" for _, model in one + other)


CHOOSING = synthetic(21, partitions=2, customers=12, days=90)
