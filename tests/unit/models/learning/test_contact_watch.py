"""Any contact against leaving alone: harm and loss are seen, and seldom where there is none."""

from __future__ import annotations

import json
from random import Random

import pytest

from models.churn import SnapshotRefused
from models.learning.contact_watch import ContactWatch
from models.settings import WEEK

ARMS = ("a", "b")


def weeks(effect: float, seed: int, count: int = 60, draws: int = 400, harm: float = 0.01) -> ContactWatch:
    """Of draws with an even chance of contact, which changes what is earned by so much of the value at stake."""
    random, watch = Random(seed), ContactWatch(0)
    watch.watch(0.02, ARMS)
    for week in range(count):
        for _ in range(draws):
            contact = random.random() < 0.5
            share = random.gauss(0.6, 0.5) + (effect if contact else 0.0)
            watch.drew(share, random.uniform(20.0, 100.0), contact, 0.5)
            if contact:
                watch.contacted(random.random() < harm)
        watch.step((week + 1) * WEEK)
    return watch


def test_where_contact_loses_it_is_said_and_by_how_much_at_least() -> None:
    told = weeks(-0.15, 1).told()
    assert told["loses"] is True
    # Half are contacted: a draw loses half of what a contact does.
    assert 0.0 < told["loses_at_least"] < 0.075


def test_where_it_changes_nothing_or_helps_nothing_is_said() -> None:
    for effect in (0.0, 0.15):
        assert not any(weeks(effect, seed, 30).told()["loses"] for seed in range(10))


def test_harm_is_said_and_begins_anew_with_other_actions_or_another_rate() -> None:
    watch = weeks(0.0, 1, 3, harm=0.08)
    assert watch.told()["harms"] is True
    watch.watch(0.02, ARMS)
    assert watch.told()["harms"] is True
    watch.watch(0.02, (*ARMS, "c"))
    assert (watch.told()["harms"], watch.told()["harm_needed"]) == (False, 80.0)


def test_of_no_contact_nothing_is_known() -> None:
    told = ContactWatch(0).told()
    assert (told["harms"], told["loses"], told["harm"]) == (False, False, 0.0)


def test_it_goes_on_from_its_state() -> None:
    watch = weeks(-0.1, 2, 5)
    again = ContactWatch.of(json.loads(json.dumps(watch.state())))
    for one in (watch, again):
        one.drew(0.3, 50.0, True, 0.4)
        one.contacted(True)
        one.step(7 * WEEK)
    assert again.state() == watch.state()
    assert again.told() == watch.told()


@pytest.mark.parametrize(
    "state",
    [None, {}, {**ContactWatch(0).state(), "sums": [1, 2]}, {**ContactWatch(0).state(), "of": [1]},
     {**ContactWatch(0).state(), "sums": [-1, 0, 0, 0]}, {**ContactWatch(0).state(), "money": None}],
)  # fmt: skip
def test_what_is_no_state_is_refused(state: object) -> None:
    with pytest.raises(SnapshotRefused):
        ContactWatch.of(state)
