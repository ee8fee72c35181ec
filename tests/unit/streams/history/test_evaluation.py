"""What predictions are held against: the learner's own truth, to the millisecond, whatever the ticks and horizons."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.outputs import CHURNED, Chosen, Example, Watermark
from models.settings import DAY, HOUR, Alive, EngineSettings
from models.simulation.evaluation import Predictions, evaluate
from models.simulation.rehearsal import rehearse
from streams.history.evaluation.outcomes import FORGOTTEN, LEFT, SIGN, SILENT, Signs, decided
from streams.history.events import TimedEvent
from streams.history.replay import logs, tape
from tests.support.logs import DATA, START, touchpoint

CONTRACT = EngineSettings(
    alive="contract",
    horizon=28 * DAY,
    anchor=START,
    phase="aligned",
    boundary=7 * DAY,
    version_delay=0,
    lateness=0,
    challengers="",
)
_decode = msgspec.json.Decoder(Example | Watermark | Chosen).decode


def one(kind: str, customer: str, time: int, number: int = 0) -> TimedEvent:
    data = DATA[kind](Random(number))
    return TimedEvent(time, customer.encode(), touchpoint(kind, customer, time, data, id=f"{kind}-{time}-{number}"))


def contracts(seed: int, customers: int, days: int) -> list[TimedEvent]:
    """Renewals of many rhythms at all times of day; some cancel, some of those come back, some ask to be forgotten."""
    random = Random(seed)
    found = []
    for number in range(customers):
        name, day, gap = f"c-{number}", random.uniform(0, days / 3), random.uniform(2, 20)
        kind = "subscription_started"
        while day < days:
            found.append(one(kind, name, START + int(day * DAY), number))
            luck = random.random()
            kind = "subscription_cancelled" if luck < 0.15 else "visit" if luck < 0.25 else "subscription_renewed"
            if luck > 0.97:
                kind = "erase_requested"
            day += gap * random.lognormvariate(0, 0.5) * (4 if kind == "subscription_started" else 1)
    return sorted(found, key=lambda event: event.time)


@pytest.mark.parametrize(
    "settings",
    [
        CONTRACT,
        replace(CONTRACT, anchor=START + 9 * HOUR + 1, boundary=DAY),
        replace(CONTRACT, tick=DAY // 2, boundary=DAY // 2, horizon=10 * DAY + 7 * HOUR),
        replace(CONTRACT, horizon=20 * DAY - 1, boundary=14 * DAY),
    ],
    ids=["weekly ticks at midnight", "ticks at nine", "two ticks a day", "an odd horizon"],
)
def test_what_came_is_what_the_learner_was_told(settings: EngineSettings) -> None:
    events = contracts(3, customers=40, days=120)
    signs = Signs(events, settings)
    partitions = logs(tape(events, 2, settings), 2)
    due: dict[tuple[str, int], bool] = {}

    def said(told: Predictions) -> None:
        for row, name in enumerate(told.customers):
            alone = Predictions(told.tick, [name], *(column[row : row + 1] for column in told[2:]))
            due.update({(name.decode(), told.tick): churned for churned in decided([alone], signs, settings).churned})

    evaluate(partitions, settings, said)
    examples = [
        example
        for shard in rehearse(partitions, settings, keep=lambda output: output.role == "examples").shards
        for output in shard.outputs
        if isinstance(example := _decode(output.value), Example) and example.kind == CHURNED
    ]
    ticks = {tick for _, tick in due}
    learned = {
        (example.customer, example.observed_at): example.truth
        for example in examples
        if example.observed_at in ticks and example.observed_at + settings.horizon <= signs.end
    }
    assert {True, False} <= set(learned.values())
    assert len(learned) > 40
    assert learned == {place: due[place] for place in learned}, "and every snapshot was a decision"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["subscription_renewed", "subscription_cancelled", "purchase"]),
            st.sampled_from("ab"),
            st.integers(0, 30),
        ),
        max_size=12,
    ),
    st.integers(0, 30),
    st.integers(1, 12),
)
def test_the_last_word_within_the_horizon_counts(moves: list[tuple[str, str, int]], tick: int, horizon: int) -> None:
    moves = [("subscription_started", name, -1) for name in "ab"] + sorted(moves, key=lambda move: move[2])
    events = [one(kind, name, START + HOUR * hour, number) for number, (kind, name, hour) in enumerate(moves)]
    signs = Signs(events, CONTRACT)
    for name in "ab":
        expected = SILENT
        for kind, who, hour in moves:
            if who == name and tick <= hour < tick + horizon and kind != "purchase":
                expected = LEFT if kind == "subscription_cancelled" else SIGN
        [found] = signs.last_signs([name.encode()], START + HOUR * tick, HOUR * horizon)
        assert found == expected


@pytest.mark.parametrize(
    ("kinds", "truth"),
    [
        (["subscription_renewed", "subscription_cancelled"], [True]),
        (["subscription_cancelled", "subscription_renewed"], [False]),
        (["subscription_renewed"], [False]),
        (["visit"], [True]),
        (["subscription_renewed", "erase_requested", "subscription_renewed"], []),
    ],
    ids=["renewed, then cancelled", "cancelled, then renewed", "renewed", "only looked around", "was forgotten"],
)
def test_of_several_things_within_the_horizon(kinds: list[str], truth: list[bool]) -> None:
    tick = START + 7 * DAY
    begun = [one("subscription_started", "c", START + DAY), one("subscription_started", "other", START + 60 * DAY)]
    moves = [one(kind, "c", tick + n * DAY, n) for n, kind in enumerate(kinds)]
    signs = Signs(sorted([*begun, *moves], key=lambda event: event.time), CONTRACT)
    told = Predictions(tick, [b"c"], np.array([0.5]), np.array([6 * DAY]), np.array([False]))
    assert decided([told], signs, CONTRACT).churned.tolist() == truth


def test_a_decision_is_due_of_who_is_active_has_not_left_and_whose_horizon_is_over() -> None:
    signs = Signs([one("subscription_started", "c", START), one("visit", "c", START + 90 * DAY)], CONTRACT)
    assert signs.end == START + DAY, "visits are no news of a contract"
    last = START + DAY - CONTRACT.horizon

    def due(tick: int, recency: int, left: bool = False) -> int:
        told = Predictions(tick, [b"c"], np.array([0.5]), np.array([recency]), np.array([left]))
        return len(decided([told], signs, CONTRACT).ticks)

    assert (due(last, CONTRACT.horizon), due(last + 1, CONTRACT.horizon)) == (1, 0)
    assert (due(last, CONTRACT.horizon + 1), due(last, DAY, left=True)) == (0, 0)


@pytest.mark.parametrize(("alive", "ends"), [("purchase", 1), ("engagement", 2), ("contract", 6)])
def test_the_first_sign_and_the_end_are_those_of_what_counts(alive: Alive, ends: int) -> None:
    kinds = ["purchase", "visit", "subscription_started", "subscription_cancelled", "erase_requested", "complaint"]
    days = [0, 1, 3, 5, 6, 7]
    events = [one(kind, "c", START + day * DAY + HOUR) for kind, day in zip(kinds, days, strict=True)]
    signs = Signs(events, replace(CONTRACT, alive=alive))
    assert signs.first == START + HOUR + (3 * DAY if alive == "contract" else 0)
    assert signs.end == START + ends * DAY


def test_all_decisions_are_one_table_in_the_order_of_the_ticks() -> None:
    signs = Signs([one("subscription_started", name, START + 50 * DAY) for name in "ab"], CONTRACT)
    told = [
        Predictions(tick, [b"a", b"b"], np.array([0.1, 0.2]), np.array([DAY, 40 * DAY]), np.zeros(2, dtype=np.bool_))
        for tick in (START + 7 * DAY, START + 14 * DAY, START + 49 * DAY)
    ]
    table = decided(told, signs, CONTRACT)
    assert table.ticks.tolist() == [START + 7 * DAY, START + 14 * DAY]
    assert table.probabilities.tolist() == [0.1, 0.1]
    assert [column.dtype for column in table] == [np.int64, np.float64, np.bool_]
    assert [column.shape for column in decided([], signs, CONTRACT)] == [(0,)] * 3
    assert FORGOTTEN not in signs.last_signs([b"a", b"b"], START, DAY)
