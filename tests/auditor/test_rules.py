"""Each rule of the auditor, broken on purpose once, is found, and no other is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from streams.operations.audit import RULES
from tests.auditor import broken_levels, broken_loyalty, broken_points, broken_sharing, broken_tiers
from tests.auditor.broken_draws import BROKEN, a_whole_window
from tests.support.audited import Log

assert broken_points.KEPT
assert broken_levels.KEPT
assert broken_tiers.KEPT
assert broken_sharing.KEPT
assert broken_loyalty.KEPT  # its streams are in BROKEN, too
CASES = [(rule, function) for rule, functions in BROKEN.items() for function in functions]


def test_there_is_a_stream_that_breaks_every_rule() -> None:
    assert BROKEN.keys() == RULES.keys()


def test_a_window_of_the_learned_choice_breaks_none() -> None:
    log = Log.begun()
    a_whole_window(log)
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
