"""Restrictions: why, for which purposes and until when a customer must be left alone, whatever they agreed to.

One for each reason; of two statements with one reason the newer counts, so that one whose end has come lifts the
former. Who is restricted is not learned from.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from models.customer.moments import second_of
from models.settings import SECOND

LEGAL, CONTRACT, CARE, MARKETING = "legal", "contract", "care", "marketing"
ACTION_PURPOSES: Final = (LEGAL, CONTRACT, CARE, MARKETING)
"""What a message may be for, by bit: never reorder."""
TEST: Final = "test"
"""The reason of customers who are none: nothing is kept from them, and nothing is learned from them."""
REASONS: Final = (
    "minor",
    "vulnerable",
    "deceased",
    "dispute",
    "fraud",
    "debt",
    "staff",
    TEST,
    "do_not_contact",
    "not_of_age",  # by the date of birth, until the day that the record keeps in its place
    "on_request",  # a `restriction_requested`
)
"""By their number in the record: never renumber. No `restricted` names the last two."""
NOT_OF_AGE, ON_REQUEST = REASONS[-2:]
FOR_GOOD: Final = 0
"""In place of an end."""

_ENTRY = struct.Struct("<BBIHI")  # reason, purposes as bits, time in ms (low 32 bits, high 16), end in seconds


class Restriction(NamedTuple):
    """purposes: of `ACTION_PURPOSES`. time: when it was said, until: when it ends, log time in ms, a whole second."""

    purposes: frozenset[str]
    time: int
    until: int = FOR_GOOD

    def over(self, now: int) -> bool:
        """Whether its end has come."""
        return self.until != FOR_GOOD and now >= self.until


Restrictions = dict[str, Restriction]
"""By reason."""


def purposes_of(named: Iterable[str], reason: str) -> frozenset[str]:
    """What a restriction is for that names these purposes: without any all but legal, for a test customer none."""
    return frozenset() if reason == TEST else frozenset(named) or frozenset(ACTION_PURPOSES) - {LEGAL}


def pack_restrictions(restrictions: Restrictions) -> bytes:
    """As stored, by reason: 12 bytes each."""
    return b"".join(
        _ENTRY.pack(
            REASONS.index(reason),
            sum(1 << n for n, purpose in enumerate(ACTION_PURPOSES) if purpose in said.purposes),
            said.time & 0xFFFFFFFF,
            said.time >> 32,
            second_of(said.until),
        )
        for reason, said in sorted(restrictions.items(), key=lambda item: REASONS.index(item[0]))
    )


def unpack_restrictions(stored: bytes) -> Restrictions:
    """Inverse of `pack_restrictions`."""
    return {
        REASONS[number]: Restriction(
            frozenset(purpose for n, purpose in enumerate(ACTION_PURPOSES) if bits >> n & 1),
            low | high << 32,
            end * SECOND,
        )
        for number, bits, low, high, end in _ENTRY.iter_unpack(stored)
    }


def restrict(restrictions: Restrictions, reason: str, said: Restriction, late: bool) -> None:
    """Let a restriction be said. A late one counts as long as it does not shorten the one that stands."""
    former = restrictions.get(reason)
    if former is not None:
        if said.time < former.time:
            return
        shorter = said.until != FOR_GOOD and (former.until == FOR_GOOD or said.until < former.until)
        if shorter and (late or said.time == former.time):
            return
    restrictions[reason] = said


def standing(restrictions: Restrictions, now: int) -> Restrictions:
    """Those that are not over."""
    return {reason: said for reason, said in restrictions.items() if not said.over(now)}


def restricted(restrictions: Restrictions, purpose: str, now: int) -> str:
    """The first reason for which nothing may be sent to the customer for a purpose; empty where there is none."""
    return next(
        (reason for reason, said in restrictions.items() if purpose in said.purposes and not said.over(now)), ""
    )
