"""Our own draws joined with what came of them: each exactly once, and what is left out is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs

from models.decisions.choosing.described import SIZE
from models.decisions.draw import ONE
from models.outputs import OUTCOME, Candidate, Decision, Drawn, Ended
from models.outputs.triggers import Position
from models.settings import DAY
from models.simulation.logged_choice import decide
from models.simulation.logged_values import Judged, judged
from models.simulation.own_draws import LEFT_OUT, Heard, Joined, joined

START = 1_700_000_000_000
AT = Position(0, 0, 0)
FEATURES = (1.0, *(0.5,) * (SIZE - 1))


def draw(number: int, time: int = 0, *, arm: str = "aa", chance: int = ONE // 4, **more: Any) -> Decision:
    """By default of one action with a chance of a quarter; without a chance it was closed."""
    candidates = (
        Candidate("leave_alone", chance=ONE - chance),
        Candidate("call", "phone", chance=chance, arm=arm),
        Candidate("letter", "post", ("quiet",)),
    )
    fields = {"candidates": candidates, "drawn": Drawn("best", 20.0, FEATURES), "control": False} | more
    return Decision(f"{number:032x}", "decided", START + time, AT, f"c{number}", **fields)


def outcome(of: Decision, *, arm: str = "", gain: float = 5.0, after: int = 14 * DAY, unlearned: str = "") -> Decision:
    ended = Ended(of.id, of.time, arm, of.control, worth=20.0, gain=gain, unlearned=unlearned)
    return Decision(f"o{of.id}", OUTCOME, of.time + after, AT, of.customer, ended=ended)


def rows_of(*decisions: Decision, costs: dict[str, float] | None = None) -> Joined:
    found = told(*decisions, costs=costs)
    assert isinstance(found, Joined)
    return found


def told(*decisions: Decision, costs: dict[str, float] | None = None) -> Joined | dict[str, int]:
    heard = Heard()
    for one in decisions:
        heard.takes(one)
    return joined(heard, costs or {})


def test_a_draw_is_a_row_with_what_came_less_what_it_cost() -> None:
    first, second = draw(1, DAY), draw(2, 0)
    found = rows_of(
        outcome(first, arm="aa", gain=7.0),
        first,
        second,
        outcome(second, gain=3.0),
        costs={first.id: 0.5, second.id: 0},
    )
    rows = found.rows
    assert found.actions == ["leave_alone", "call"]
    assert rows.taken.tolist() == [0, 1]  # in the order of time
    assert rows.rewards.tolist() == [3.0, 6.5]
    assert rows.propensities.tolist() == [0.75, 0.25]
    assert rows.features.tolist() == [list(FEATURES)] * 2
    assert rows.draws is not None
    assert rows.draws.worth.tolist() == [20.0, 20.0]
    assert (found.draws, found.first, found.last) == (2, START, START + DAY)
    assert set(found.left_out) == set(LEFT_OUT)
    assert not any(found.left_out.values())


LEFT = [
    ("control", [draw(9, control=True), outcome(draw(9, control=True), arm="aa")]),
    ("open", [draw(9)]),
    ("erased", [draw(9), outcome(draw(9), unlearned="erased")]),
    ("restricted", [draw(9), outcome(draw(9), unlearned="restricted")]),
    ("alarm", [draw(9), outcome(draw(9), unlearned="alarm")]),
    ("other_features", [draw(9, drawn=Drawn("best", 20.0, (1.0, 2.0))), outcome(draw(9))]),
    ("unfit", [draw(9), outcome(draw(9), arm="bb")]),
    ("unfit", [draw(9, chance=0), outcome(draw(9), arm="aa")]),
    ("unfit", [draw(9, candidates=(Candidate("leave_alone", chance=5),)), outcome(draw(9))]),
    ("without_draw", [outcome(draw(9))]),
]


@pytest.mark.parametrize(("why", "said"), LEFT, ids=[f"{number}-{why}" for number, (why, _) in enumerate(LEFT)])
def test_what_is_in_no_row_is_counted_by_why(why: str, said: list[Decision]) -> None:
    one = draw(1)
    found = rows_of(one, outcome(one), *said)
    assert {name: count for name, count in found.left_out.items() if count} == {why: 1}
    assert len(found.rows.rewards) == 1
    assert told(*said) == found.left_out  # alone they make no row at all


def test_what_is_said_twice_counts_once() -> None:
    one = draw(1)
    found = rows_of(one, one, outcome(one, gain=1.0), outcome(one, gain=2.0))
    assert found.rows.rewards.tolist() == [1.0]
    assert found.left_out["twice"] == 2


def test_decisions_about_who_tries_things_out_and_draws_by_figures_are_passed_over() -> None:
    tried, figures = structs.replace(draw(1), test=True), draw(2, drawn=None)
    assert told(tried, figures) == dict.fromkeys(LEFT_OUT, 0)


def test_an_action_whose_text_changed_is_two_arms_with_names_to_read() -> None:
    old, new = draw(1), draw(2, 40 * DAY, arm="bb")
    found = rows_of(old, new, outcome(old, arm="aa"), outcome(new, arm="bb"))
    assert found.actions == ["leave_alone", "call (from 2023-11-14, aa)", "call (from 2023-12-24, bb)"]
    assert found.rows.draws is not None
    # Neither could be done where the other was.
    assert found.rows.draws.eligible.tolist() == [[True, True, False], [True, False, True]]


def test_an_outcome_is_known_once_its_window_is_over() -> None:
    said = [draw(number, number * DAY) for number in range(30)]
    found = rows_of(*said, *(outcome(one, after=(20 if one is said[3] else 10) * DAY) for one in said))
    assert found.rows.draws is not None
    # The fourth window is longer: what is behind it waits for it.
    expected = [min(number - 9, 3) if number < 23 else number - 9 for number in range(30)]
    assert found.rows.draws.known.tolist() == [max(known, 0) for known in expected]


def made(rows: int, closed: float = 0.0, eligible: float = 1.0, helps: float = 4.0) -> Joined:
    """Draws of a day each, whose windows are two weeks; a call brings `helps`. closed, eligible: shares of them."""
    random, said = np.random.default_rng(3), []
    for number in range(rows):
        chance = ONE // 4 * int(random.integers(1, 4))
        one = draw(number, number * DAY, chance=0 if random.random() < closed else chance)
        if random.random() >= eligible:
            one = structs.replace(one, candidates=(Candidate("leave_alone", chance=ONE), *one.candidates[2:]))
        of_call = next((each.chance for each in one.candidates if each.arm), 0)
        arm = "aa" if random.random() < of_call / ONE else ""
        said += [one, outcome(one, arm=arm, gain=10.0 + (helps if arm else 0.0) + float(random.normal()))]
    return rows_of(*said)


def values(found: Joined) -> dict[str, Judged]:
    decided = decide(found.rows)
    return {one.name: one for one in judged(found.rows, decided, found.actions, slice(None)).policies}


def test_an_action_for_everybody_is_that_action_where_it_is_eligible() -> None:
    half = values(made(3_000, eligible=0.5))
    assert half["call"].value.snips == pytest.approx(12.0, abs=0.3)
    assert half["leave_alone"].value.snips == pytest.approx(10.0, abs=0.3)
    assert half["learned"].value.snips == pytest.approx(11.9, abs=0.3)
    assert half["call"].does[1] == pytest.approx(0.5, abs=0.05)
    assert all(one.value.fits and one.value.overlap for one in half.values())
    assert half["call"].value.dr == pytest.approx(12.0, abs=0.3)


def test_what_the_draw_gave_no_chance_too_often_is_refused() -> None:
    found = values(made(2_000, closed=0.1))
    call = found["call"].value
    assert call.unsupported == pytest.approx(0.1, abs=0.03)
    assert np.isnan([call.ips, call.snips, call.dr]).all()
    assert not call.overlap
    # Leaving alone always has a chance, and the others do what had one.
    assert all(one.value.unsupported == 0.0 and one.value.overlap for name, one in found.items() if name != "call")


def test_nothing_is_decided_by_what_was_not_known() -> None:
    rows = made(600).rows
    whole = decide(rows)
    cut = 400
    later = rows._replace(rewards=np.concatenate([rows.rewards[:cut], -rows.rewards[cut:]]))
    other = decide(later)
    until = cut + 13  # the window of the first changed one is open until then
    assert other.best[:until].tolist() == whole.best[:until].tolist()
    assert other.chances[:until].tolist() == whole.chances[:until].tolist()
    assert other.best.tolist() != whole.best.tolist() or other.expected.tolist() != whole.expected.tolist()


def test_an_action_that_was_hardly_ever_done_is_not_the_best_for_everybody() -> None:
    said = []
    for number in range(1_000):
        one = draw(number, number * DAY, chance=ONE // 100)
        called = number % 100 == 0
        said += [one, outcome(one, arm="aa" if called else "", gain=90.0 if called else 10.0)]
    found = rows_of(*said)
    report = judged(found.rows, decide(found.rows), found.actions, slice(None))
    value = {one.name: one.value for one in report.policies}
    assert value["call"].snips > value["leave_alone"].snips
    assert not value["call"].overlap
    assert report.best == "leave_alone"
