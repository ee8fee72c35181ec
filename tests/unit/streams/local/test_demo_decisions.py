"""What the demo counts of the decisions topic."""

from __future__ import annotations

from typing import Any

from models.outputs import Decision, Position, encode
from models.outputs.loyalty_entry import LoyaltyEntry
from streams.local.demo_decisions import Decided


def said(what: str, **fields: Any) -> bytes:
    return encode(Decision("id", what, 1, Position(0, 1, True), "anna", **fields))


def test_each_answer_is_counted_once_by_what_came_of_it() -> None:
    decided = Decided()
    decided.add(
        [
            said("version_in_force"),
            said("decided", moment="risk", level="leaving", action="win_back", trigger="t1"),
            said("decided", moment="risk", level="at_risk", action="win_back", trigger="t2"),
            said("decided", moment="bad_experience", action="say_sorry", trigger="t3"),
            said("decided", moment="risk", level="leaving", action="leave_alone"),
            said("decided", moment="risk", level="leaving", action="leave_alone", gate="no_basis"),
            said("decided", moment="risk", level="leaving", action="offer", control=True),
            said("waits", moment="risk", level="slipping", gate="hours"),
            said("withdrawn", trigger="t3", reason="consent_changed"),
            said("loyalty", loyalty=LoyaltyEntry("new")),
            said("loyalty", loyalty=LoyaltyEntry("active", "new")),
        ]
    )
    assert decided.lines() == [
        "  win back               2: at risk 1  leaving 1",
        "  say sorry              1: bad experience 1",
        "  left alone             1: the draw 1",
        "  held                   1: no basis 1",
        "  waits                  1: hours 1",
        "  control                1: offer 1",
        "  taken back             1: consent changed 1",
        "  loyalty loop           1: active 1",
    ]


def test_nothing_is_told_while_nothing_is_decided() -> None:
    decided = Decided()
    decided.add([said("policy_in_force", reason="first policy")])
    assert decided.lines() == []
