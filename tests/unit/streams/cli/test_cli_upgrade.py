"""The result of an upgrade's check as people read it."""

from __future__ import annotations

from typing import Any

from streams.cli.upgrade import lines

NOON = 1_700_000_000_000
SIDE = {"log_loss": 0.5, "mean": 0.25, "over": 3}
COMPARED: dict[str, Any] = {
    "labels": 1_000,
    "customers": 12,
    "first": NOON,
    "last": NOON + 1_000,
    "churn_rate": 0.375,
    "threshold": 0.8,
    "relearned": {**SIDE, "over": 6},
    "in_force": SIDE,
    "difference": 0.0125,
    "newly_over": 4,
    "no_longer_over": 1,
    "foretold": {"labels": 900, "in_force": 0.625, "relearned": 0.6},
}
PREDICTIONS: dict[str, Any] = {
    "version": NOON,
    "lineage": "",
    "scored": True,
    "why_not": None,
    "until": NOON,
    "boundary": NOON,
    "learned": 5_000,
    "stopped": False,
    "compared": COMPARED,
}
FOUND: dict[str, Any] = {
    "exit_code": 0,
    "checks": [
        {"check": "plans", "status": "ok", "text": "none", "remedy": None, "code": 0},
        {"check": "learner", "status": "will_relearn", "text": "anew", "remedy": "none needed", "code": 0},
    ],
    "relearn_from": {"kept_start": None, "example_offsets": {"0": 0, "1": 0}, "whole": True},
    "predictions": PREDICTIONS,
}


def told(**changes: Any) -> list[str]:
    return list(lines({**FOUND, **changes}))


def test_every_line_has_its_status_and_its_remedy() -> None:
    assert told(predictions=None) == [
        "ok            plans    none",
        "will relearn  learner  anew",
        "                       remedy: none needed",
        "",
        "versions can be learned again from the first example on (offsets 0: 0, 1: 0)",
        "",
        "workers of this release can start",
    ]


def test_a_refusal_ends_with_the_code_of_a_worker() -> None:
    refused = {"check": "settings", "status": "refused", "text": "differs", "remedy": "set it", "code": 78}
    assert told(checks=[refused], exit_code=78, relearn_from=None, predictions=None)[-1] == (
        "workers of this release would not go on: exit code 78"
    )


def test_the_comparison_gives_both_sides_and_what_was_foretold() -> None:
    text = told()
    assert "  in force   log-loss 0.5000, mean probability 0.2500, at or over 0.8: 25.0% of the customers" in text
    assert "  relearned  log-loss 0.5000, mean probability 0.2500, at or over 0.8: 50.0% of the customers" in text
    assert any("4 customers would newly cross 0.8, 1 no longer" in one for one in text)
    assert any("log-loss 0.6250 by what decided then, 0.6000 by this release" in one for one in text)
    assert any("have learned these labels" in one for one in text)


def test_where_only_the_new_side_is_given_it_says_why() -> None:
    alone = {**COMPARED, "in_force": None, "difference": None, "newly_over": None, "no_longer_over": None}
    text = told(predictions={**PREDICTIONS, "scored": False, "why_not": "of another format", "compared": alone})
    assert any("can't be scored by this release (of another format): only the new side is given" in one for one in text)
    assert any("it has learned these labels" in one for one in text)
    assert not any(one.startswith("  in force ") or "would newly cross" in one for one in text)


def test_a_relearning_that_did_not_come_as_far_is_no_measure_of_what_will_take_over() -> None:
    over = told(predictions={**PREDICTIONS, "boundary": NOON - 1, "stopped": True})
    short = told(predictions={**PREDICTIONS, "boundary": None, "compared": None})
    for text in (over, short):
        assert any("this is not the version that will take over" in one for one in text)
    assert any("no label of churn" in one for one in short)
