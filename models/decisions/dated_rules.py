"""What decisions read of moments that go by dates, silences, answers or counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.customer.profile import SUBSCRIPTION_KINDS
from models.decisions.policy.asking_types import Moment
from models.decisions.policy.parts import Condition, ms_of, offset_of
from models.decisions.standing import number_of
from models.touchpoints.kinds import Kind


@dataclass(frozen=True, slots=True)
class DatedRules:
    """A moment of dates, of silence or of what is unanswered, or one that counts touchpoints. All in ms.

    field: of the customer; empty: another sort. offset: from that date to when it asks. silent_for: 0: another sort.
    answered_by: kinds, by number. after: 0: another sort. nth, within_last: 1: another sort. within: its life.
    """

    name: str
    number: int
    field: str
    offset: int
    silent_for: int
    answered_by: frozenset[int]
    after: int
    nth: int
    within_last: int
    within: int
    when: Condition | None


_OF_CONTRACT: Final = frozenset(map(int, SUBSCRIPTION_KINDS))
TELL: Final[dict[str, frozenset[int]]] = {
    "renews_at": _OF_CONTRACT,
    "cancel_by": _OF_CONTRACT,
    "ends_at": _OF_CONTRACT,
    "minor_until": frozenset({int(Kind.PROFILE_UPDATED)}),
    "consent_expires": frozenset({int(Kind.CONSENT_CHANGED)}),
    "customer_since": frozenset(),
    "anniversary": frozenset(),
    "points_expire": frozenset(),  # the ledger looks at all that changes them
}
"""By a date of the customer, the kinds that tell it."""
OF_CONTRACT: Final = ("renews_at", "cancel_by", "ends_at")
"""Dates of a contract."""
BY_SIGN: Final = ("customer_since", "anniversary")
"""Dates that the first sign of staying tells: like a silence, until they have a timer."""


def dated_rules(name: str, moment: Moment, lead: int = 0) -> DatedRules:
    """What decisions read of such a moment. lead: a date of the customer asks so much earlier, ms."""
    return DatedRules(
        name,
        number_of(name),
        moment.field or "",
        offset_of(moment.offset or "0s") - (lead if moment.field else 0),
        ms_of(moment.silent_for or "0s"),
        frozenset(int(Kind[one.upper()]) for one in moment.answered_by),
        ms_of(moment.after or "0s"),
        moment.nth,
        ms_of(moment.in_ or "0s"),
        ms_of(moment.within),
        moment.when if moment.sort == "date" else None,
    )
