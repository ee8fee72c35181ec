"""Of decisions as they are said: ends, prices, what waits still, and what came of the triggers among them."""

from __future__ import annotations

from typing import Any

from models.outputs import Candidate, Decision, Position
from streams.operations.recent_decisions import Recent

AT = Position(0, 7, 0)
FREE = Candidate("mail", "email", (), 0.3, 1)
HELD = Candidate("call", "phone", ("cap",), 1.0)


def said(what: str, customer: str = "ada", **more: Any) -> Decision:
    return Decision("d", what, more.pop("time", 1_000), AT, customer, moment="risk", **more)


def of(*decisions: Decision) -> dict[str, Any]:
    recent = Recent()
    for one in decisions:
        recent.take(one)
    return recent.data({"mail": "useful"})


def test_a_gate_has_the_price_that_simulate_gives_it_and_none_where_nothing_was_looked_at() -> None:
    found = of(
        said("decided", candidates=(FREE, HELD), action="mail", trigger="t"),
        said("decided", gate="open_case", action="leave_alone"),
        said("decided", candidates=(FREE, HELD), action="mail", trigger="x", test=True),
    )
    assert [(one["gate"], one["money"], one["alone"], one["moments"]) for one in found["gates"]] == [
        ("cap", 0.7, 1, 0),
        ("open_case", None, 0, 1),
    ]
    assert (found["moments"], found["ends"]["triggered"], found["ends"]["held"]) == (2, 1, 1)


def test_what_waits_is_told_until_it_is_answered() -> None:
    found = of(
        said("waits", gate="hours"),
        said("waits", "bob", gate="hours"),
        said("waits", "cyd", gate="cap"),
        said("waits", "eve", gate="cap"),
        said("decided", candidates=(FREE,), action="mail", trigger="t"),
        said("void", "cyd"),
        said("erased", "eve"),
    )
    assert [(one["gate"], one["began"], one["waiting"]) for one in found["waits"]] == [("hours", 2, 1), ("cap", 2, 0)]
    assert (found["moments"], found["ends"]["void"]) == (2, 1)


def test_of_what_is_shared_each_step_is_counted_by_why_it_went_no_further() -> None:
    found = of(
        said("shared_proposed", group="a"),
        said("shared_reserved", "bob", group="a"),
        said("decided", candidates=(FREE,), action="mail", trigger="t", group="a"),
        said("decided", "bob", candidates=(FREE,), action="mail", trigger="u", group="a"),
        said("shared_ended", "bob", gate="taken_back", group="a"),
        said("shared_refused", "cyd", gate="not_agreed", group="b"),
        said("shared_refused", "cyd", gate="cap", group="c"),
        said("shared_refused", "eve", gate="not_agreed", group="d"),
        said("shared_refused", "eve", gate="not_agreed", group="e", test=True),
        said("decided", "dan", candidates=(FREE,), action="mail", trigger="v"),
    )
    assert [(one["step"], one["gate"], one["many"]) for one in found["shared"]] == [
        ("proposed", "", 1),
        ("reserved", "", 1),
        ("offered", "", 2),
        ("refused", "not_agreed", 2),
        ("refused", "cap", 1),
        ("ended", "taken_back", 1),
    ]
    assert all(one["why"] for one in found["shared"] if one["gate"])
    assert of(said("decided", candidates=(FREE,), action="mail", trigger="t"))["shared"] == []


def test_what_came_of_triggers_is_of_those_that_were_read() -> None:
    found = of(
        said("delivered", trigger="before", action="mail"),
        said("decided", candidates=(FREE,), action="mail", trigger="t", time=2_000),
        said("delivered", trigger="t"),
        said("decided", "bob", candidates=(FREE,), action="call", trigger="u"),
        said("withdrawn", "bob", trigger="u"),
    )
    told = {one["action"]: one for one in found["actions"]}
    assert [told["mail"][name] for name in ("kind", "triggers", "delivered", "withdrawn")] == ["useful", 1, 1, 0]
    assert [told["call"][name] for name in ("kind", "triggers", "delivered", "withdrawn")] == [None, 1, 0, 1]
    assert found["time"] == 2_000
