"""The mixture on logs that are out of the ordinary: what one customer does, what a date says, how even gaps can be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from models.churn import MixtureLearner
from models.churn.port import NO_OUTCOMES
from models.settings import DAY, HOUR, EngineSettings
from models.simulation.evaluation import Predictions, evaluate
from models.simulation.rehearsal import Rehearsal
from models.timeline.batch import LogRecord
from tests.contract.test_churn_models import BEGIN, customers, outcomes
from tests.support.logs import START, clock, touchpoint
from tests.support.shop import WEEK

SETTINGS = EngineSettings(
    horizon=35 * DAY, anchor=START, phase="aligned", boundary=WEEK, version_delay=0, lateness=0, challengers=""
)
Bought = tuple[float, str]
"""Days since the start, customer."""


def log_of(bought: Iterable[Bought], weeks: int, older: Iterable[tuple[float, str, float]] = ()) -> list[LogRecord]:
    """A partition of purchases. older: when the log tells of it, by whom, and how many days earlier it was."""
    entries = [(START + int(day * DAY), name, 0) for day, name in bought]
    entries += [(START + int(day * DAY), name, int(back * DAY)) for day, name, back in older]
    entries += [(START + week * WEEK, "", 0) for week in range(1, weeks + 1)]
    found = []
    for offset, (time, name, back) in enumerate(sorted(entries)):
        value = touchpoint("purchase", name, time - back, {"amount": 20.0}, id=str(offset)) if name else clock(time)
        found.append(LogRecord(offset, time, name.encode() or None, value))
    return found


def told(log: list[LogRecord]) -> tuple[dict[tuple[int, bytes], float], Rehearsal]:
    """The probability by tick and customer, and the world at its end."""
    found: dict[tuple[int, bytes], float] = {}

    def said(at: Predictions) -> None:
        found.update(zip(((at.tick, name) for name in at.customers), at.probabilities.tolist(), strict=True))

    world = evaluate([log], SETTINGS, said)
    return found, world


def at_random(customers: int, weeks: int, seed: int = 1) -> list[Bought]:
    random = np.random.default_rng(seed)
    bought = []
    for number in range(customers):
        day, rate = random.uniform(0, 21), random.gamma(1.5, 0.04) + 0.01
        while day < 7 * weeks and random.uniform() > 0.05:
            bought.append((day, f"c-{number:03d}"))
            day += random.exponential(1 / rate)
    return bought


def test_one_customer_with_thousands_of_baskets_moves_nobody_else() -> None:
    plain, days = at_random(120, 20), (10.0, 20.0, 24.0, 40.0, 61.0, 75.0, 90.0)
    one, _ = told(log_of([*plain, *((day, "busy") for day in days)], 20))
    many, _ = told(log_of([*plain, *((day + n / 5_000, "busy") for day in days for n in range(1_000))], 20))
    apart = np.array([abs(one[key] - many[key]) for key in one if key[1] != b"busy"])
    assert apart.mean() < 0.01
    assert apart.max() < 0.05


def test_one_old_date_does_not_make_a_young_log_old() -> None:
    plain = at_random(120, 4)
    _, young = told(log_of(plain, 4))
    _, with_date = told(log_of(plain, 4, older=[(5.0, "c-007", 3_000.0)]))
    shares = [world.learning.model.version()["share"] for world in (young, with_date)]
    assert shares[0] > 0.5, "four weeks of a horizon of five are young"
    assert abs(shares[0] - shares[1]) < 0.05


def renewals(customers: int, weeks: int, seed: int = 1) -> list[Bought]:
    """Every 30 days, within half a day; one in ten renewals is the last."""
    random = np.random.default_rng(seed)
    bought = []
    for number in range(customers):
        day = random.uniform(0, 120)
        while day < 7 * weeks:
            bought.append((day, f"c-{number:03d}"))
            if random.uniform() < 0.1:
                break
            day += 30 + random.uniform(-0.5, 0.5)
    return bought


def test_even_gaps_do_not_keep_the_level_wrong_for_ever() -> None:
    """MBG/NBD takes even gaps for luck, and far too many of these customers for lost."""
    bought, weeks = renewals(150, 64), 64
    days: defaultdict[bytes, list[float]] = defaultdict(list)
    for day, name in bought:
        days[name.encode()].append(day)
    found, _ = told(log_of(bought, weeks))
    rows = []
    for (tick, name), probability in found.items():
        now = (tick - START) / DAY
        last = max(day for day in days[name] if day < now)
        if 7 * 30 <= now <= 7 * weeks - 35 and now - int(last) <= 35:
            rows.append((probability, not any(now <= day < now + 35 for day in days[name])))
    expected, churned = np.array(rows).mean(axis=0)
    assert abs(expected - churned) < 0.06


def level(model: MixtureLearner) -> float:
    return float(model.version()["shift"])


def test_before_the_log_is_a_week_old_the_word_is_the_priors_and_then_a_job_is_done_every_week() -> None:
    """With ticks of a day, as of customers who come daily."""
    model, jobs = MixtureLearner(replace(SETTINGS, tick=DAY, boundary=DAY)), []
    for number in range(2, 30):
        bases, churned = customers(40, number)
        bases[:, 0] = np.minimum(bases[:, 0], number - 1)
        bases[:, 1] = number - 1  # they all came on the first day
        before = model.version()["mbg"]
        told = outcomes(bases, ~churned, BEGIN + (number - 1) * DAY, str(number))
        model.learn(BEGIN + number * DAY, told, NO_OUTCOMES)
        if model.version()["mbg"] != before:
            jobs.append(number)
    assert jobs == [7, 14, 21, 28]


def test_a_week_in_which_nobody_was_looked_at_leaves_the_level() -> None:
    """A shop that was closed, or a gap in the log."""
    model = MixtureLearner(SETTINGS)
    for week in range(6):
        bases, churned = customers(80, week)
        model.learn(BEGIN + week * WEEK, outcomes(bases, ~churned, BEGIN + (week - 1) * WEEK, str(week)), NO_OUTCOMES)
    before = level(model)
    assert before != 0.0
    for week in range(6, 12):
        model.learn(BEGIN + week * WEEK, NO_OUTCOMES, NO_OUTCOMES)
    assert level(model) == before


def test_the_level_does_not_flicker_when_the_only_customer_has_an_example_every_other_week() -> None:
    """As everybody does with a lateness above zero."""
    bought = [(float(day), "anna") for day in range(1, 200, 9)]
    world = evaluate([log_of(bought, 28)], replace(SETTINGS, lateness=HOUR), lambda said: None)
    shifts = [version.model["shift"] for _, version in sorted(world.versions.items())]
    known = shifts[next(week for week, shift in enumerate(shifts) if shift) :]
    assert len(known) > 20
    assert all(known), "back at nothing, as if nobody were there"
