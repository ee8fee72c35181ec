"""What the tables of a policy file are made of: their base, durations, names, amounts and conditions."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

FORMAT: Final = 1
"""Format of the policy file. A worker that cannot read a policy's format decides nothing."""

Duration = Annotated[
    str, Meta(pattern="^[0-9]{1,6}(s|m|h|d|w)$", max_length=7, description='a duration such as "90m", "36h" or "14d"')
]
Offset = Annotated[
    str,
    Meta(
        pattern="^[+-]?[0-9]{1,6}(s|m|h|d|w)$",
        max_length=8,
        description='a duration before (`-`) or after a date, such as "-30d" or "+2d"',
    ),
]
LONGEST_DURATION: Final = 3_650 * 86_400_000
"""ms: ten years. A customer's record keeps times as seconds in 32 bits."""
Identifier = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_]*$", min_length=1, max_length=40, description="a name in lower case, such as win_back"
    ),
]
Share = Annotated[float, Meta(ge=0, le=1)]
Risk = Annotated[float, Meta(gt=0, lt=1)]
Money = Annotated[float, Meta(ge=0, le=1e9)]
Effect = Annotated[float, Meta(ge=-1e9, le=1e9)]
ActionKind = Literal["care", "useful", "reward", "offer", "onboarding", "ask", "win_back", "service"]
KINDS: Final[tuple[ActionKind, ...]] = ("care", "useful", "reward", "offer", "onboarding", "ask", "win_back", "service")
"""Kinds of actions, by their number in the record: never renumber."""
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains"]
Value = str | bool | int | float | tuple[str | bool | int | float, ...]


class Part(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A table of the policy file."""


class Condition(Part, frozen=True, kw_only=True):
    """What must be true: one comparison (`field`, `op` and `value`), or one of `all`, `any` and `not`. Of a touchpoint
    moment it asks the touchpoint's `data`, of an action the customer. What is not known makes a comparison false.

    field: what is compared. op: how; `in` and `not in` take a list, `contains` asks a list or a text. value: with
    what. all: every one of these. any: at least one of these. not: this must not be true.
    """

    field: str | None = None
    op: Operator | None = None
    value: Value | None = None
    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    not_: Condition | None = msgspec.field(default=None, name="not")


SELLING: Final = ("useful", "reward", "offer", "ask", "win_back")
"""Kinds of actions that are marketing: offers, recommendations, surveys."""
WallTime = Annotated[
    datetime,
    Meta(description="a time such as 2026-12-24T00:00:00, by the clocks of the zone, or one with its offset"),
]
Table = dict[str, Any]
_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def offset_of(offset: str) -> int:
    """An offset in ms, below zero where it is before.

    >>> offset_of("-2d"), offset_of("+1h")
    (-172800000, 3600000)
    """
    return -ms_of(offset[1:]) if offset.startswith("-") else ms_of(offset.removeprefix("+"))


@cache
def ms_of(duration: str) -> int:
    """A duration in ms.

    >>> ms_of("36h")
    129600000
    """
    return int(duration[:-1]) * _UNITS[duration[-1]]
