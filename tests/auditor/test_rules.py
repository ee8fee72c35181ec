"""Each rule of the auditor, broken on purpose once, is found, and no other is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from streams.operations.audit import RULES
from tests.auditor import (
    broken_actions,
    broken_caps,
    broken_contact,
    broken_control,
    broken_draws,
    broken_levels,
    broken_loyalty,
    broken_outside,
    broken_plans,
    broken_points,
    broken_records,
    broken_sharing,
    broken_stages,
    broken_tiers,
    broken_times,
)
from tests.auditor.broken import BROKEN
from tests.support.audited import Log

SUBJECTS = (
    *(broken_contact, broken_times, broken_caps, broken_actions, broken_control, broken_records, broken_plans),
    *(broken_outside, broken_draws, broken_points, broken_levels, broken_tiers, broken_sharing, broken_loyalty),
    broken_stages,
)
"""Each adds its streams to `BROKEN`."""
CASES = [(rule, function) for rule, functions in BROKEN.items() for function in functions]


def test_there_is_a_stream_that_breaks_every_rule() -> None:
    assert BROKEN.keys() == RULES.keys()


def test_a_window_of_the_learned_choice_breaks_none() -> None:
    log = Log.begun()
    broken_draws.a_whole_window(log)
    log.clock()
    assert not log.broken()


def test_levels_of_the_stage_before_break_none() -> None:
    log = Log.begun()
    broken_stages.good(log)
    log.clock()
    assert not log.broken()


def test_what_both_are_offered_breaks_none() -> None:
    log = Log.begun()
    broken_sharing.begun(log)
    broken_sharing.both(log)
    log.clock()
    assert not log.broken()


@pytest.mark.parametrize(("rule", "breaks"), CASES, ids=[f"{rule}: {one.__name__}" for rule, one in CASES])
def test_a_broken_rule_is_found(rule: str, breaks: Callable[[Log], None]) -> None:
    log = Log.begun()
    breaks(log)
    log.clock()
    assert log.broken().keys() == {rule}


def test_the_documentation_has_every_rule() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "decisions.md").read_text(encoding="utf-8")
    assert [rule for rule, asks in RULES.items() if f"| `{rule}` | {asks} |" not in text] == []
