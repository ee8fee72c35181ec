"""The contest as people read it."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from models.churn import Version
from models.outputs import Chosen, Position, encode
from streams.cli.main import main
from streams.cli.models import lines
from streams.cli.output_lines import line
from streams.learner.lineage import Relearns
from streams.operations.champion import actions_in, choice_in

NOON = 1_700_000_000_000
GROUP = {"labels": 1_200, "expected": 0.25, "churned": 0.375}
MODEL: dict[str, Any] = {
    "champion": False,
    "labels": 5_000,
    "log_loss": 0.5,
    "auc": 0.75,
    "brier": 0.2,
    "mean_predicted": 0.4,
    "churn_rate": 0.3,
    "drifts": {"loss": 2, "calibration": 0},
    "groups": {"old": GROUP},
}
TOLD: dict[str, Any] = {
    "app": "shop",
    "version": NOON,
    "learned": 9_000,
    "champion": "adagrad",
    "pinned": True,
    "promotions": 1,
    "promotion": {"champion": "adagrad", "former": "mixture", "boundary": NOON, "by": "operator"},
    "relearning": None,
    "actions": [],
    "models": {
        "mixture": {**MODEL, "better_by_at_least": -0.0123},
        "adagrad": {**MODEL, "champion": True, "auc": None, "groups": {}},
    },
}


def test_every_model_has_a_row_and_the_champion_a_star() -> None:
    assert list(lines(TOLD)) == [
        "champion: adagrad, since 2023-11-14 22:13:20, after mixture, chosen by operator, pinned",
        "version of 2023-11-14 22:13:20, 5,000 labels predicted, promotions: 1",
        "",
        "   model    log-loss     AUC   Brier  predicted  churned  drifts of loss  of calibration  better by",
        "   mixture    0.5000  0.7500  0.2000     0.4000   0.3000               2               0    -0.0123",
        "*  adagrad    0.5000          0.2000     0.4000   0.3000               2               0",
        "",
        "predicted risk less churn rate, by the customers' tenure and value (labels)",
        "   model               old",
        "   mixture  -0.125 (1,200)",
        "*  adagrad",
    ]


def test_what_is_known_of_each_action_is_told() -> None:
    known = {"covariance": [0.0025], "opened": 1_200, "matured": 300}
    stated = {
        "named": {"offer": "0a0b0c0d", "useful": "01020304"},
        "arms": {
            "01020304": {**known, "effect": [0.031], "opened": 20, "matured": 0},
            "0a0b0c0d": {**known, "effect": [-0.02], "stopped": True},
        },
    }
    actions = actions_in(Version(NOON, 0, {}, {}, choice=stated))
    assert list(lines({**TOLD, "actions": actions, "choice": None}))[-4:] == [
        "effect of each action for a usual customer, percent of the value at stake; contacts, and how many are over",
        "   action  effect     ±  contacts  over",
        "!  offer    -2.00  5.00     1,200   300  stopped: it does harm more often than is tolerated",
        "   useful   +3.10  5.00        20     0   nothing is learned of it yet: the policy's figure",
    ]
    assert actions_in(Version(NOON, 0, {}, {})) == []
    assert choice_in(Version(NOON, 0, {}, {})) is None


def test_the_learned_choice_as_a_whole_is_told_behind_its_actions() -> None:
    contact = {"harm": 31.4, "harm_needed": 60.0, "harms": False, "loses": True, "loses_at_least": 0.0123}
    stated = {
        **{"named": {"offer": "0a"}, "unproven_price": 1.234, "settled": False, "cohort": 1_200},
        "arms": {"0a": {"covariance": [0.0025], "opened": 1, "matured": 0, "effect": [0.01]}},
        "prices": {"calls": 0.4567, "gifts": 0.0},
        "watched": {"unproven": 0.287, "arms": {"0a": 1.5}, "contact": contact, "budgets": {"calls": 1.32}},
    }
    version = Version(NOON, 0, {}, {}, choice=stated)
    actions, choice = actions_in(version), choice_in(version)
    assert actions[0]["harm"] == 1.5
    assert list(lines({**TOLD, "actions": actions, "choice": choice}))[-7:] == [
        "contact that is not proven would have had a chance of 0.29 in the draws of the last price step",
        "it must bring 1.23 beside its cost; every draw is held to its share as well, until that price has settled",
        "a unit of budget calls must bring 0.4567 beside the cost; the last price step's draws wanted 132 % of what "
        "one may take",
        "a unit of budget gifts must bring 0 beside the cost",
        "1,200 contacts were learned from: contact that is not proven is open to the policy's `launch` until 2,000",
        "any contact does no more harm than is tolerated so far (evidence 31.4 of 60)",
        "any contact brings less than leaving alone, by 1.23 % of what is at stake at least",
    ]
    assert choice is not None
    calm = {**choice, "settled": True, "launched": True, "contact": None, "unproven_share": None, "budgets": []}
    assert list(lines({**TOLD, "actions": actions, "choice": calm}))[-2:] == [
        "it must bring 1.23 beside its cost",
        "1,200 contacts were learned from: contact that is not proven is open to everybody",
    ]


def test_before_the_first_version_who_will_begin_is_told() -> None:
    nothing = {**TOLD, "version": None, "promotion": None, "champion": "mixture", "pinned": False}
    assert list(lines(nothing)) == [
        "champion: mixture, from the beginning",
        "no model version has been published yet; learning: mixture, adagrad",
    ]


def test_a_release_that_learns_all_anew_says_how_far_it_is() -> None:
    relearns = Relearns(NOON, NOON + 3_600_000)
    told = {**TOLD, "relearning": {**relearns._asdict(), "text": str(relearns)}}
    assert list(lines(told))[1] == (
        "versions of another model: relearning, at 2023-11-14 22:13:20 of 2023-11-14 23:13:20"
    )


@pytest.mark.parametrize("champion", ["adagrad", None])
def test_a_choice_reads_as_a_sentence(champion: str | None) -> None:
    told = line(encode(Chosen(NOON, champion, Position(2, 7, due=False))))
    what = "adagrad is champion" if champion else "evidence chooses the champion"
    assert told == f"2023-11-14 22:13:20  shard 2  from the next model version on {what}"


def test_help_of_the_group_names_its_commands_rather_than_looking_anywhere() -> None:
    result = CliRunner().invoke(main, ["models", "--help"])
    assert result.exit_code == 0
    assert all(f"  {name} " in result.stdout for name in ("show", "promote", "unpin"))
