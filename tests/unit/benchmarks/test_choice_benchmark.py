"""The synthetic world of the learned choice is fair: its truth is true, its luck the same for all."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.choice import Cell, cells, coverage_table, table
from benchmarks.choice_intervals import TUNED_FOR, Coverage, enough_events, naive, watched, yes_no
from benchmarks.choice_kinds import ACTIONS, NONE, OFFER, USEFUL
from benchmarks.choice_lift import FIGURES, Watched, watch
from benchmarks.choice_runs import Setup, at_random, everybody, fixed, learned, riskier_half
from benchmarks.choice_treated import FIRST_SEED, biases
from benchmarks.choice_world import WINDOW, World, purchases
from models.proof.difference import Difference

pytestmark = pytest.mark.slow


def test_purchases_are_poisson_by_one_number_each() -> None:
    luck = (np.arange(200_000) + 0.5) / 200_000
    for rate in (0.05, 0.6, 2.9):
        found = purchases(np.full(len(luck), rate), luck)
        assert found.mean() == pytest.approx(rate, rel=1e-3)
        assert found.var() == pytest.approx(rate, rel=1e-2)
        assert (np.diff(found) >= 0).all(), "more luck is never fewer purchases"


def test_what_is_done_to_some_changes_the_luck_of_nobody_else() -> None:
    worlds = [World(5, 400, 60), World(5, 400, 60)]
    touched: set[int] = set()
    for one, other in zip(*(world.weeks() for world in worlds), strict=True):
        for world, opened, few in ((worlds[0], one, False), (worlds[1], other, True)):
            wanted = np.zeros(len(opened), dtype=np.int64)
            if few:
                mine = opened.eligible[:, USEFUL] & (opened.customers % 40 == 0)
                wanted[mine] = USEFUL
                touched |= {*opened.customers[mine].tolist()}
            world.act(opened, wanted)
    apart = np.flatnonzero(worlds[0]._spent != worlds[1]._spent)
    assert touched
    assert {*apart.tolist()} <= touched


def test_where_contact_does_nothing_and_costs_something_it_is_that_cost() -> None:
    world = World(1, 300, 50, "idle")
    found = fixed(world, everybody(USEFUL))
    assert found.mean == pytest.approx(-world.cost[USEFUL] * found.contact.mean())
    assert fixed(World(1, 300, 50, "idle"), everybody(OFFER)).mean < -1.0, "its coupon is redeemed"


def test_ranking_by_risk_contacts_half_of_them() -> None:
    found = fixed(World(1, 600, 50), riskier_half(USEFUL))
    assert 0.45 < found.contact.mean() < 0.65


def test_the_truth_of_who_buys_is_what_happens() -> None:
    expected, came = [], []
    for opened in (world := World(3, 2_000, 60)).weeks():
        for ended in world.matured:
            expected += ended.kept_truth[np.arange(len(ended)), ended.action].tolist()
            came += ended.kept.tolist()
        world.act(opened, np.where(opened.eligible[:, USEFUL], USEFUL, NONE))
    assert np.mean(came) == pytest.approx(np.mean(expected), abs=3.5 * 0.5 / len(came) ** 0.5)


def test_a_lift_is_watched_against_the_truth_of_its_world() -> None:
    for effects in ("none", "full"):
        units, figures = watch((effects, 1))  # type: ignore[arg-type]
        assert units > 500
        assert len(figures) == len(FIGURES)
        kept = figures[0]
        assert kept.shown
        assert not kept.wrong
        assert 0.05 < kept.half_width < 0.2
    wrong, lift = Watched(), Difference(TUNED_FOR)
    for n in range(4_000):
        lift.add(n % 2 == 0, 0.5, n % 4 < 2 or n % 2 == 1, 0.0)
        wrong.look(lift, lift.rates, 0.0)
    assert wrong.told.wrong, "half of control and all who were treated: the truth is not zero"


@pytest.mark.parametrize("effects", ["full", "negative"])
def test_the_truth_of_the_judge_is_what_happens(effects: str) -> None:
    """Net value of the windows of an action for everybody, against what the judge expected of them."""
    for action in (NONE, USEFUL, OFFER):
        expected, came = [], []
        for seed in range(3):
            world = World(seed, 1_500, 60, effects)  # type: ignore[arg-type]
            for opened in world.weeks():
                for ended in world.matured:
                    rows = np.arange(len(ended))
                    expected += ended.truth[rows, ended.action].tolist()
                    came += (ended.margin - ended.redeemed - world.cost[ended.action]).tolist()
                world.act(opened, np.where(opened.eligible[:, action], action, NONE))
        error = np.std(came) / len(came) ** 0.5
        assert np.mean(came) == pytest.approx(np.mean(expected), abs=3.5 * error)


def test_what_is_learned_beside_treatment_is_the_risk_of_who_is_left_alone() -> None:
    """`benchmarks.choice_treated`: the bias of one log, in the ways to learn of it."""
    found = biases((FIRST_SEED, "full", 0.1, WINDOW))
    assert found["treated as if untreated"].everywhere < -0.015
    assert found["treated left out, unweighted"].everywhere < -0.04
    assert abs(found["left out, weighted"].everywhere) < 0.01
    assert abs(found["left out, weighted"].everywhere - found["nobody treated"].everywhere) < 0.01


def test_where_contact_does_nothing_no_rule_gains() -> None:
    for rule in (everybody(OFFER), at_random):
        assert fixed(World(1, 300, 50, "none"), rule).mean == pytest.approx(0.0, abs=1e-9)
    assert learned(World(1, 300, 50, "none"), Setup()).mean == pytest.approx(0.0, abs=1e-9)


def test_a_world_that_turns_is_first_the_one_and_then_the_other() -> None:
    turning, full = World(3, 600, 60, "turns"), World(3, 600, 60, "full")
    for one, other in zip(turning.weeks(), full.weeks(), strict=True):
        if one.week <= 30:
            assert one.truth.tolist() == other.truth.tolist()
        elif len(one):
            assert (one.truth - one.truth[:, :1]).max() <= 1e-9, "no contact helps any more"
        for world, opened in ((turning, one), (full, other)):
            world.act(opened, np.zeros(len(opened), dtype=np.int64))


def test_who_has_unsubscribed_is_contacted_no_more_and_asking_for_it_is_refused() -> None:
    world = World(2, 800, 60)
    seen = 0
    for opened in world.weeks():
        closed = ~opened.eligible[:, USEFUL]
        seen += int(closed.sum())
        if closed.any():
            with pytest.raises(ValueError, match="not eligible"):
                world.act(opened, np.full(len(opened), USEFUL))
        world.act(opened, np.where(closed, NONE, USEFUL))
    assert seen > 0


def test_features_are_bounded_and_the_first_is_one() -> None:
    world = World(2, 400, 60)
    for opened in world.weeks():
        if len(opened):
            assert (opened.features[:, 0] == 1.0).all()
            assert abs(opened.features).max() <= 2.5
            assert (opened.worth > 0).all()
        world.act(opened, np.zeros(len(opened), dtype=np.int64))
    assert world.week == 60 + WINDOW


def test_the_same_seed_is_the_same_run_to_the_bit_and_another_is_not() -> None:
    one, other, third = (learned(World(seed, 300, 60), Setup()) for seed in (7, 7, 8))
    assert one.gain.tolist() == other.gain.tolist()
    assert one.version == other.version
    assert one.gain.tolist() != third.gain.tolist()


def test_outcomes_of_the_future_change_no_decision_of_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = learned(World(4, 500, 60), Setup())
    matured = World.__dict__["weeks"]

    def spoiled(world: World):  # type: ignore[no-untyped-def]
        for opened in matured(world):
            if world.week > 40:
                for ended in world.matured:
                    ended.margin = ended.margin * 0 + 1e3
            yield opened

    monkeypatch.setattr(World, "weeks", spoiled)
    other = learned(World(4, 500, 60), Setup())
    same = int(np.argmax(plain.gain[: len(other.gain)] != other.gain[: len(plain.gain)]))
    before = sum(1 for _ in range(same))
    assert before > 50, "the first that differs is decided after week 40"
    assert plain.gain[:before].tolist() == other.gain[:before].tolist()


def test_the_table_has_a_row_a_rule_and_a_column_a_world() -> None:
    found = list(cells(["all: useful", "learned"], ["full"], ["500"], seeds=2, processes=1))
    lines = list(table(found))
    assert lines[0] == "| gain an episode | full 500 |"
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| all: useful", "| learned"]
    assert found[0].contact > found[1].contact
    assert list(table([Cell("a", "full", "500", [-0.25, -0.75], 0.1)]))[-1] == "| a | −.50 ±.25 |"


def test_the_columns_of_the_coverage_are_the_product_s_own_intervals() -> None:
    programme = yes_no(np.random.default_rng(3), 1, 0.5, 0.1)
    lift = Difference(TUNED_FOR)
    for treated, outcome in zip(programme.treated[0].tolist(), programme.outcome[0].tolist(), strict=True):
        lift.add(not treated, 0.1, bool(outcome), 0.0)
    found = lift.rates(0.05).interval
    assert found is not None
    assert found.kind == "asymptotic"
    _, wide = watched(programme, enough_events(programme))
    assert 0.5 * (found.high - found.low) == pytest.approx(wide[0])


def test_watching_an_interval_for_one_number_is_wrong_and_the_sequence_is_not() -> None:
    programme = yes_no(np.random.default_rng(1), 60, 0.5, 0.0)
    assert naive(programme)[0].mean() > 0.25
    assert watched(programme, enough_events(programme))[0].mean() <= 0.05
    assert len(list(coverage_table([Coverage("kept", "sequence", 0.01, 10, 0.1)]))) == 3


def test_there_are_as_many_actions_as_figures_need() -> None:
    assert ACTIONS[0] == "none"
