"""A policy's choice by its figures in draws that were made under another one."""

from __future__ import annotations

import numpy as np
import pytest

from models.decisions.choosing.arms import arms_of
from models.decisions.draw import ONE
from models.decisions.policy.in_force import PolicyInForce
from models.outputs import Candidate
from models.settings import DAY
from models.simulation.logged_choice import decide
from models.simulation.logged_values import judged
from models.simulation.new_policy import by_figures
from models.simulation.own_draws import Joined
from tests.support.closed_shop import POLICY
from tests.unit.models.simulation.test_own_draws import draw, outcome, rows_of

FIGURES = POLICY.replace("learned = true\n", "").replace('expires = "1d"', 'expires = "1d"\neffect = 2.0')


def policy(text: str = FIGURES) -> PolicyInForce:
    return PolicyInForce.of(1, text)


ARM = arms_of(policy())["useful"].name


def drawn(*candidates: Candidate) -> Joined:
    one = draw(1, level="slipping", candidates=candidates)
    other = draw(2, candidates=(Candidate("leave_alone", chance=ONE // 2), useful(ONE // 2)))
    return rows_of(one, outcome(one), other, outcome(other))


def useful(chance: int, arm: str = ARM, gates: tuple[str, ...] = ()) -> Candidate:
    return Candidate("useful", "email", gates, chance=chance, arm=arm)


ALONE = Candidate("leave_alone", chance=ONE // 2)
ONLY = Candidate("leave_alone", chance=ONE)
LEVELS = FIGURES.replace('expires = "1d"', 'expires = "1d"\nlevels = ["slipping"]')
OF_OTHERS = (
    FIGURES.replace('levels = [{ name = "slipping", at = 0.5 }]', "")
    .replace("[risk]", '[risk]\nlevels = [{ name = "other", at = 0.5 }]')
    .replace('expires = "1d"', 'expires = "1d"\nlevels = ["other"]')
)


@pytest.mark.parametrize(
    ("text", "candidates", "alone", "contact", "missing"),
    [
        (FIGURES, (ALONE, useful(ONE // 2)), 0.05, 0.95, 0.0),
        # It costs more than it brings: only its floor is left.
        (FIGURES.replace("effect = 2.0", "effect = 0.01"), (ALONE, useful(ONE // 2)), 0.99, 0.01, 0.0),
        # Gates held it; nobody asks them again.
        (FIGURES, (ONLY, useful(0, "", ("quiet",))), 1.0, 0.0, 0.0),
        # Another content was drawn there, and this one was not.
        (FIGURES, (ALONE, useful(ONE // 2, "other")), 0.05, 0.0, 0.95),
        # There was no such action.
        (FIGURES, (ONLY,), 0.05, 0.0, 0.95),
        # Its own level held it, and does no more.
        (LEVELS, (ONLY, useful(0, "", ("wrong_level",))), 0.05, 0.0, 0.95),
        (OF_OTHERS, (ALONE, useful(ONE // 2)), 1.0, 0.0, 0.0),
        (
            FIGURES.replace('expires = "1d"', 'expires = "1d"\nmode = "shadow"'),
            (ALONE, useful(ONE // 2)),
            1.0,
            0.0,
            0.0,
        ),
    ],
    ids=["drawn", "too-dear", "gated", "other-content", "new", "level-opens", "level-closes", "shadow"],
)
def test_what_it_would_have_drawn(
    text: str, candidates: tuple[Candidate, ...], alone: float, contact: float, missing: float
) -> None:
    found = drawn(*candidates)
    target = by_figures(policy(text), found, "new")
    assert target.chances[0, 0] == pytest.approx(alone, abs=1e-6)
    assert target.chances[0, found.arms.index(ARM)] == pytest.approx(contact, abs=1e-6)
    assert target.missing[0] == pytest.approx(missing, abs=1e-6)


def test_it_is_valued_on_the_rows_and_refused_where_they_do_not_hold_it() -> None:
    random, said = np.random.default_rng(4), []
    for number in range(1_500):
        one = draw(number, number * DAY, candidates=(ALONE, useful(ONE // 2)))
        arm = ARM if random.random() < 0.5 else ""
        said += [one, outcome(one, arm=arm, gain=10.0 + 4.0 * bool(arm) + float(random.normal()))]
    found = rows_of(*said)
    targets = [
        by_figures(policy(), found, "same"),
        by_figures(policy(FIGURES.replace("useful/picks", "useful/other")), found, "another"),
    ]
    report = judged(found.rows, decide(found.rows), found.actions, slice(None), targets)
    same, another = report.policies[-2:]
    assert same.value.snips == pytest.approx(13.8, abs=0.2)
    assert same.value.dr == pytest.approx(13.8, abs=3 * same.value.dr_se)
    assert same.value.dr_se < 0.3
    assert same.value.fits
    assert same.value.overlap
    assert another.value.unsupported == pytest.approx(0.95)
    assert np.isnan([another.value.ips, another.value.snips, another.value.dr]).all()
    assert [(one.name, one.other) for one in report.against[2 if report.best != "leave_alone" else 1 :]] == [
        ("same", "learned")
    ]
