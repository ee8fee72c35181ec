"""Champion and challengers: promoted on evidence, not flapping, chosen by hand, and all of it from the labels alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from models.churn import Learner, Outcomes, Promotion, Scorer, SnapshotRefused
from models.churn.port import NO_OUTCOMES
from models.churn.registry import CHAMPION
from models.features.basis import COLUMNS, TENURE_COLUMN
from models.learning import contest
from models.learning.contest import Contest
from models.settings import WEEK
from tests.contract.test_churn_models import RECENCY, SETTINGS, customers, outcomes

BEGIN = 3_000 * WEEK
Rule = Callable[[NDArray[np.float32]], NDArray[np.float64]]


class Fixed:
    """A model that has its mind made up: its rule, by name, or another one from a week on."""

    def __init__(self, rule: str, later: str | None = None, change: int = 0) -> None:
        self.rule, self.later, self.change, self.weeks = rule, later or rule, change, 0

    def learn(self, boundary: int, returned: Outcomes, churned: Outcomes) -> None:
        self.weeks += bool(len(churned.truths))

    def snapshot(self) -> dict[str, Any]:
        return {"weeks": self.weeks}

    def restore(self, state: dict[str, Any]) -> None:
        self.weeks = state["weeks"]

    def version(self) -> dict[str, Any]:
        return {"kind": "fixed", "rule": self.later if self.change and self.weeks >= self.change else self.rule}

    def scorer(self) -> Scorer:
        return Ruled.of(self.version())


class Ruled:
    """The scorer of a version of `Fixed`: a rule by its name, or one probability for all."""

    def __init__(self, rule: Rule) -> None:
        self.score = rule

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Ruled:
        if "level" in model:
            return cls(lambda bases: np.full(len(bases), model["level"]))
        return cls(RULES[model["rule"]])


RULES: dict[str, Rule] = {
    "knows": lambda bases: np.where(bases[:, RECENCY] < 20.0, 0.9, 0.1),
    "errs": lambda bases: np.where(bases[:, RECENCY] < 20.0, 0.1, 0.9),
    "guesses": lambda bases: np.full(len(bases), 0.5),
    "high": lambda bases: np.full(len(bases), 0.7),
    "low": lambda bases: np.full(len(bases), 0.3),
    "calibrated": lambda bases: np.full(len(bases), 0.9),
    "too sure": lambda bases: np.full(len(bases), 0.985),
}


def known(week: int, rows: int = 60) -> NDArray[np.bool_]:
    """The truths that `knows` foretells."""
    truths: NDArray[np.bool_] = customers(rows, week % 7)[0][:, RECENCY] < 20.0
    return truths


def week_of(week: int, rows: int = 60, truths: Callable[[int, int], NDArray[np.bool_]] = known) -> Outcomes:
    """The outcomes that become known in a week."""
    bases, _ = customers(rows, week % 7)
    return outcomes(bases, truths(week, rows), BEGIN + week * WEEK - SETTINGS.horizon)


def of(monkeypatch: pytest.MonkeyPatch, **models: Callable[[], Learner]) -> Contest:
    monkeypatch.setattr(contest, "learners", lambda settings: {name: make() for name, make in models.items()})
    monkeypatch.setattr(contest, "scorer_of_model", lambda model, settings: Ruled.of(model))
    return Contest(SETTINGS)


def run(world: Contest, weeks: range, week: Callable[[int], Outcomes] = week_of) -> list[str]:
    """The champion after each week."""
    found = []
    for number in weeks:
        world.learn(BEGIN + number * WEEK, NO_OUTCOMES, week(number))
        found.append(world.champion)
    return found


def test_a_better_challenger_is_promoted_once_the_evidence_is_there_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(
        monkeypatch, mixture=lambda: Fixed("guesses"), better=lambda: Fixed("knows"), worse=lambda: Fixed("errs")
    )
    champions = run(world, range(200))
    first = champions.index("better")
    assert 11 * 5 <= first < 15 * 5, "eleven windows at least, each of a week and the four of the horizon"
    assert set(champions[:first]) == {CHAMPION}
    assert set(champions[first:]) == {"better"}
    assert world.promotions == 1
    assert world.promotion == Promotion("better", CHAMPION, BEGIN + first * WEEK, "evidence")
    assert world.version() == {"kind": "fixed", "rule": "knows", "name": "better"}
    told = world.summary()
    assert [name for name in told if told[name]["champion"]] == ["better"]
    assert told["better"]["log_loss"] < told["mixture"]["log_loss"] < told["worse"]["log_loss"]


def test_models_that_are_equally_good_never_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed("knows"), twin=lambda: Fixed("knows"), worse=lambda: Fixed("guesses"))
    assert set(run(world, range(300))) == {CHAMPION}


def test_a_season_that_is_kind_to_one_of_two_equals_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a year of much churn, half a year of little: one of two constants is far better in each."""
    random = np.random.default_rng(1)

    def seasons(week: int, rows: int) -> NDArray[np.bool_]:
        return random.random(rows) < (0.7 if week % 52 < 26 else 0.3)

    world = of(monkeypatch, mixture=lambda: Fixed("low"), high=lambda: Fixed("high"))
    assert set(run(world, range(520), lambda week: week_of(week, 60, seasons))) == {CHAMPION}
    assert world.comparison.evidence["high"].windows in (520 // 5 - 1, 520 // 5)


def test_a_model_that_is_too_sure_is_not_preferred_for_its_many_small_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    world = of(monkeypatch, mixture=lambda: Fixed("calibrated"), bold=lambda: Fixed("too sure"))
    run(world, range(400), lambda week: week_of(week, 200, lambda _, rows: random.random(rows) < 0.9))
    assert world.champion == CHAMPION
    assert world.comparison.evidence["bold"].mean < 0.0


def test_who_knows_better_afterwards_gets_no_credit_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that says what has just been: as of the outcomes it is right, as of the snapshots it was wrong."""

    class Late(Fixed):
        def learn(self, boundary: int, returned: Outcomes, churned: Outcomes) -> None:
            self.weeks = (boundary - BEGIN) // WEEK

        def version(self) -> dict[str, Any]:
            return {"kind": "fixed", "level": 0.95 if much(self.weeks + 1) else 0.05}

    def much(week: int) -> bool:
        return week // 4 % 2 == 0  # a snapshot is taken four weeks before: when it was the other way round

    world = of(monkeypatch, mixture=lambda: Fixed("guesses"), late=lambda: Late("guesses"))
    run(world, range(1, 200), lambda week: week_of(week, 60, lambda at, rows: np.full(rows, much(at))))
    assert world.champion == CHAMPION
    assert world.summary()["late"]["log_loss"] > 2.0
    assert world.summary()[CHAMPION]["log_loss"] == pytest.approx(np.log(2.0))


def test_a_champion_that_loses_its_touch_is_followed_but_not_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed("knows", later="errs", change=60), other=lambda: Fixed("guesses"))
    champions = run(world, range(300))
    assert set(champions[:70]) == {CHAMPION}
    assert champions[-1] == "other"
    changes = sum(one != two for one, two in itertools.pairwise(champions))
    assert changes == world.promotions == 1
    assert world.watches[CHAMPION].drifts["loss"] >= 1
    assert world.watches["other"].drifts["loss"] == 0


def test_a_level_that_shifts_is_a_drift_of_the_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    world = of(monkeypatch, mixture=lambda: Fixed("high"))
    run(world, range(100), lambda week: week_of(week, 60, lambda at, rows: random.random(rows) < 0.7))
    assert world.watches[CHAMPION].drifts["calibration"] == 0
    run(world, range(100, 140), lambda week: week_of(week, 60, lambda at, rows: random.random(rows) < 0.3))
    assert world.watches[CHAMPION].drifts["calibration"] >= 1


def test_who_is_chosen_by_hand_stays_until_evidence_may_decide_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(
        monkeypatch, mixture=lambda: Fixed("guesses"), better=lambda: Fixed("knows"), worse=lambda: Fixed("errs")
    )
    world.choose(BEGIN, "worse")
    assert world.promotion == Promotion("worse", CHAMPION, BEGIN, "operator")
    assert set(run(world, range(100))) == {"worse"}
    world.choose(BEGIN + 99 * WEEK, "worse")
    assert world.promotions == 1, "the champion was chosen again"
    world.choose(BEGIN + 100 * WEEK, None)
    assert run(world, range(100, 120))[-1] == "better", "the evidence was there already"
    with pytest.raises(ValueError, match="there is no model 'best'; the models are mixture, better, worse"):
        world.choose(BEGIN, "best")


def test_stopping_and_starting_again_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> Contest:
        return of(monkeypatch, mixture=lambda: Fixed("guesses"), better=lambda: Fixed("knows"))

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
    """Every group holds its own customers: what was expected of them, and how many churned."""
    bases, _ = customers(90, 1)
    bases[:, TENURE_COLUMN] = np.repeat([30.0, 200.0, 800.0], 30)
    bases[:, COLUMNS.index("amount_mean")] = np.tile(np.repeat([1.0, 4.0, 6.0], 10), 3)
    churned = np.zeros(90, dtype=np.bool_)
    churned[:30] = True  # the new ones, and of the others who spends much
    churned[[*range(50, 60), *range(80, 90)]] = True
    world = of(monkeypatch, mixture=lambda: Fixed("high"))
    for week in range(5):
        world.learn(BEGIN + week * WEEK, NO_OUTCOMES, outcomes(bases, churned, BEGIN + (week - 4) * WEEK))
    told = world.summary()[CHAMPION]["groups"]
    assert {name: (group["labels"], round(group["churned"], 9)) for name, group in told.items()} == {
        "new": (150, 1.0),
        "known": (150, round(1 / 3, 9)),
        "old": (150, round(1 / 3, 9)),
        "small": (150, round(1 / 3, 9)),
        "middle": (150, round(1 / 3, 9)),
        "large": (150, 1.0),
    }
    assert all(group["expected"] == pytest.approx(0.7) for group in told.values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"champion": "nobody"},
        {"pinned": 1},
        {"watches": {}},
        {"duel": {"since": 0, "evidence": {"other": {}}, "open": {}}},
        {"duel": {"since": 0, "evidence": {}, "open": {"1": {"outcomes": 1, "sums": {"other": 0.0}}}}},
        {"past": {"boundaries": [], "versions": []}},
        {"past": {"boundaries": [-1, -1], "versions": [{}, {}]}},
        {"promotion": {"champion": "mixture"}},
    ],
)
def test_a_contest_of_other_models_is_refused(wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    world = of(monkeypatch, mixture=lambda: Fixed("guesses"))
    run(world, range(3))
    before = world.snapshot()
    with pytest.raises(SnapshotRefused):
        world.restore({**before, **wrong})
    assert world.snapshot() == before
