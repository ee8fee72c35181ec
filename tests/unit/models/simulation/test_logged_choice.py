"""One pass over a randomised log: what it finds, and that it looks at nothing too early."""

from __future__ import annotations

import numpy as np
import pytest

from models.decisions.choosing import ChoiceRules
from models.simulation.log_features import columns_of, encoded
from models.simulation.logged_choice import FIRST_BLOCK, Logged, decide
from models.simulation.logged_values import LEARNED, RANDOM, WITH_PROMISE, judged
from tests.support.decision_logs import ACTIONS, personal

FEATURES = ("where", "age", "member", "noise")


def logged(rows: int, seed: int = 1, frozen: int | None = None) -> Logged:
    told = personal(rows, seed)
    table = {name: [row[name] for row in told] for name in FEATURES}
    return Logged(
        encoded(table, columns_of(table, 40), frozen),
        np.array([ACTIONS.index(row["what"]) for row in told]),
        np.array([float(row["chance"]) for row in told]),
        np.array([float(row["euros"]) for row in told]),
        3,
    )


def test_it_finds_whom_each_action_helps() -> None:
    log = logged(6_000, frozen=3_000)
    decided = decide(log, train=3_000)
    report = judged(log, decided, ACTIONS, slice(3_000, None))
    values = {one.name: one.value for one in report.policies}
    assert report.best in ACTIONS
    assert values[LEARNED].snips > values[report.best].snips + 0.8
    assert values[LEARNED].dr > values[RANDOM].dr + 1.0
    assert values[WITH_PROMISE].snips < values[LEARNED].snips
    better = report.against[0]
    assert better.mean > 3 * better.se


def test_a_row_is_decided_before_its_outcome_and_all_later_ones_are_known() -> None:
    log = logged(1_500)
    whole = decide(log)
    for cut in (FIRST_BLOCK, 700, 1_200):
        changed = log._replace(rewards=np.concatenate([log.rewards[:cut], log.rewards[cut:] * -5 + 100]))
        other = decide(changed)
        # The block that holds the cut was decided as a whole before it was learned.
        assert other.best[: cut + 1].tolist() == whole.best[: cut + 1].tolist()
        assert other.chances[: cut + 1].tolist() == whole.chances[: cut + 1].tolist()
        assert other.expected[: cut + 1].tolist() == whole.expected[: cut + 1].tolist()


def test_what_was_done_later_changes_nothing_earlier() -> None:
    log = logged(1_500)
    other = decide(log._replace(taken=np.concatenate([log.taken[:900], 2 - log.taken[900:]])))
    assert other.best[:901].tolist() == decide(log).best[:901].tolist()


def test_frozen_rows_teach_nothing() -> None:
    log = logged(2_000, frozen=1_000)
    changed = log._replace(rewards=np.concatenate([log.rewards[:1_000], -log.rewards[1_000:]]))
    assert decide(changed, train=1_000).best.tolist() == decide(log, train=1_000).best.tolist()


def test_a_longer_log_decides_its_beginning_alike() -> None:
    log = logged(2_000)
    short = Logged(*(column[:1_000] for column in log[:4]), 3)
    assert decide(short).best.tolist() == decide(log).best[:1_000].tolist()


@pytest.mark.parametrize("scale", [0.001, 1_000.0])
def test_the_unit_of_the_reward_makes_no_difference(scale: float) -> None:
    log = logged(1_500)
    scaled = decide(log._replace(rewards=log.rewards * scale)).best
    assert (scaled == decide(log).best).mean() > 0.999


def test_chances_of_the_choice_sum_to_one_and_keep_its_floors() -> None:
    decided = decide(logged(1_500), ChoiceRules(floor=0.02, hold_out=0.1))
    later = decided.chances[FIRST_BLOCK:]
    assert (later.sum(axis=1) == 1.0).all()
    assert later.min() >= 0.02 - 2**-32
    assert later[:, 0].min() >= 0.1 - 2**-32
    assert decided.chances[0].tolist() == pytest.approx([1 / 3] * 3)


def test_rewards_that_never_differ_teach_nothing_and_break_nothing() -> None:
    log = logged(400)
    decided = decide(log._replace(rewards=np.zeros(400)))
    assert (decided.best == 0).all()
    report = judged(log._replace(rewards=np.zeros(400)), decided, ACTIONS, slice(0, None))
    assert all(one.value.snips == 0.0 for one in report.policies)


def test_one_enormous_reward_does_not_decide() -> None:
    log = logged(3_000)
    rewards = log.rewards.copy()
    rewards[150] = 1e6
    assert (decide(log._replace(rewards=rewards)).best[2_000:] == decide(log).best[2_000:]).mean() > 0.5


@pytest.mark.slow
def test_many_actions() -> None:
    rng = np.random.default_rng(2)
    rows, actions = 3_000, 60
    x = np.column_stack([np.ones(rows), rng.normal(0, 1, (rows, 5)).clip(-2.5, 2.5)])
    taken = rng.integers(0, actions, rows)
    rewards = 1.0 * (taken % 10 == 3) + rng.normal(0, 0.5, rows)
    log = Logged(x, taken, np.full(rows, 1 / actions), rewards, actions)
    report = judged(log, decide(log), [f"{n:02}" for n in range(actions)], slice(1_500, None))
    values = {one.name: one.value for one in report.policies}
    assert values[LEARNED].dr > values[RANDOM].dr + 0.5
