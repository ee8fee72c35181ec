"""Champion and challengers: promoted on evidence, not flapping, chosen by hand, and all of it from the labels alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from models.churn import Contest, Learner, Outcomes, Promotion, SnapshotRefused, contest
from models.churn.contest import CHAMPION, WEEK
from models.churn.port import NO_OUTCOMES
from tests.contract.test_churn_models import RECENCY, SETTINGS, customers, outcomes

BEGIN = 3_000 * WEEK
Rule = Callable[[NDArray[np.float32]], NDArray[np.float64]]


class Fixed:
    """A model that has its mind made up, from a week on."""

    def __init__(self, rule: Rule, later: Rule | None = None, change: int = 0) -> None:
        self.rule, self.later, self.change, self.weeks = rule, later or rule, change, 0

    def learn(self, boundary: int, returns: Outcomes, stays: Outcomes) -> None:
        self.weeks += bool(len(stays.truths))

    def snapshot(self) -> dict[str, Any]:
        return {"weeks": self.weeks}

    def restore(self, state: dict[str, Any]) -> None:
        self.weeks = state["weeks"]

    def version(self) -> dict[str, Any]:
        return {"kind": "fixed"}

    def scorer(self) -> Fixed:
        return self

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        return (self.later if self.change and self.weeks >= self.change else self.rule)(bases)


def knows(bases: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.where(bases[:, RECENCY] < 20.0, 0.9, 0.1)


def guesses(bases: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.full(len(bases), 0.5)


def errs(bases: NDArray[np.float32]) -> NDArray[np.float64]:
    return 1.0 - knows(bases)


def week_of(week: int, rows: int = 60) -> Outcomes:
    bases, _ = customers(rows, week % 7)
    truths = bases[:, RECENCY] < 20.0
    return outcomes(bases, truths, BEGIN + week * WEEK - SETTINGS.horizon)


def of(monkeypatch: pytest.MonkeyPatch, **models: Callable[[], Learner]) -> Contest:
    monkeypatch.setattr(contest, "learners", lambda settings: {name: make() for name, make in models.items()})
    return Contest(SETTINGS)


def run(world: Contest, weeks: range) -> list[str]:
    """The champion after each week."""
    found = []
    for week in weeks:
        world.learn(BEGIN + week * WEEK, NO_OUTCOMES, week_of(week))
        found.append(world.champion)
    return found


def test_a_better_challenger_is_promoted_once_the_evidence_is_there_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed(guesses), better=lambda: Fixed(knows), worse=lambda: Fixed(errs))
    champions = run(world, range(200))
    first = champions.index("better")
    assert 5 < first < 60
    assert set(champions[:first]) == {CHAMPION}
    assert set(champions[first:]) == {"better"}
    assert world.promotions == 1
    assert world.promotion == Promotion("better", CHAMPION, BEGIN + first * WEEK, "evidence")
    assert world.version() == {"kind": "fixed", "name": "better"}
    told = world.summary()
    assert [name for name in told if told[name]["champion"]] == ["better"]
    assert told["better"]["log_loss"] < told["mixture"]["log_loss"] < told["worse"]["log_loss"]


def test_models_that_are_equally_good_never_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed(knows), twin=lambda: Fixed(knows), worse=lambda: Fixed(guesses))
    assert set(run(world, range(300))) == {CHAMPION}


def test_a_champion_that_loses_its_touch_is_followed_but_not_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed(knows, later=errs, change=50), other=lambda: Fixed(guesses))
    champions = run(world, range(300))
    assert set(champions[:60]) == {CHAMPION}
    assert champions[-1] == "other"
    changes = sum(one != two for one, two in itertools.pairwise(champions))
    assert changes == world.promotions == 1
    assert world.watches[CHAMPION].drifts["loss"] >= 1
    assert world.watches["other"].drifts["loss"] == 0


def test_who_is_chosen_by_hand_stays_until_evidence_may_decide_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed(guesses), better=lambda: Fixed(knows), worse=lambda: Fixed(errs))
    world.choose(BEGIN, "worse")
    assert world.promotion == Promotion("worse", CHAMPION, BEGIN, "operator")
    assert set(run(world, range(80))) == {"worse"}
    world.choose(BEGIN + 79 * WEEK, "worse")
    assert world.promotions == 1, "the champion was chosen again"
    world.choose(BEGIN + 80 * WEEK, None)
    assert run(world, range(80, 160))[-1] == "better"
    with pytest.raises(ValueError, match="there is no model 'best'; the models are mixture, better, worse"):
        world.choose(BEGIN, "best")


def test_stopping_and_starting_again_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> Contest:
        return of(monkeypatch, mixture=lambda: Fixed(guesses), better=lambda: Fixed(knows))

    straight = make()
    expected = run(straight, range(60))
    found, world = [], make()
    for week in range(60):
        found += run(world, range(week, week + 1))
        plain = msgspec.json.decode(msgspec.json.encode(world.snapshot()))
        world = make()
        world.restore(plain)
        assert world.snapshot() == plain
    assert found == expected
    assert world.snapshot() == straight.snapshot()


def test_calibration_is_told_by_tenure_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed(guesses))
    run(world, range(5))
    groups = world.summary()[CHAMPION]["groups"]
    assert sum(groups[name]["labels"] for name in ("new", "known", "old") if name in groups) == 5 * 60
    assert all(group["expected"] == pytest.approx(0.5) for group in groups.values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"champion": "nobody"},
        {"pinned": 1},
        {"watches": {}},
        {"sums": {"mixture": None}},
        {"promotion": {"champion": "mixture"}},
    ],
)
def test_a_contest_of_other_models_is_refused(wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed(guesses))
    run(world, range(3))
    before = world.snapshot()
    with pytest.raises(SnapshotRefused):
        world.restore({**before, **wrong})
    assert world.snapshot() == before
