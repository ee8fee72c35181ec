"""A customer's contract: the plan, where it stands, and the dates that matter to it.

It follows the log's order: late touchpoints change nothing, as everywhere in the profile.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from models.customer.moments import second_of, told, whole
from models.settings import SECOND
from models.touchpoints.kinds import Kind
from models.touchpoints.types.commerce import SubscriptionData

ACTIVE, PAUSED, ENDS, ENDED = "active", "paused", "ends", "ended"
STATES: Final = (ACTIVE, PAUSED, ENDS, ENDED)
"""By their number in the record: never renumber. ``ends``: cancelled, and runs until it would have been renewed."""
TERMS: Final = ("", "day", "week", "month", "quarter", "half_year", "year")
"""How long a term is, by its number in the record; empty: not stated."""
RENEWAL: Final = ("", "by itself", "by the customer")
"""Who renews it, by its number in the record; empty: not stated."""

FOR_GOOD: Final = 2**62
"""In place of an end: nobody knows when."""

_FIXED = struct.Struct("<BBIIIIf")


class Contract(NamedTuple):
    """All times are log time in ms, whole seconds, 0 where not known.

    renews_at: when the next term begins. cancel_by: the last moment to cancel before that. cancelling: since when the
    customer has been about to cancel. unpaid: since when a payment is open. price: of a term, 0 where not known.
    """

    state: str = ACTIVE
    term: str = ""
    renewal: str = ""
    renews_at: int = 0
    cancel_by: int = 0
    cancelling: int = 0
    unpaid: int = 0
    price: float = 0.0
    plan: str = ""


def pack_contract(contract: Contract) -> bytes:
    """As stored: 22 bytes and the plan's name."""
    return (
        _FIXED.pack(
            STATES.index(contract.state),
            TERMS.index(contract.term) | RENEWAL.index(contract.renewal) << 4,
            *map(second_of, contract[3:7]),
            contract.price,
        )
        + contract.plan.encode()
    )


def unpack_contract(stored: bytes) -> Contract:
    """Inverse of `pack_contract`."""
    state, what, renews_at, cancel_by, cancelling, unpaid, price = _FIXED.unpack_from(stored)
    return Contract(
        STATES[state],
        TERMS[what & 0x0F],
        RENEWAL[what >> 4],
        renews_at * SECOND,
        cancel_by * SECOND,
        cancelling * SECOND,
        unpaid * SECOND,
        price,
        stored[_FIXED.size :].decode(),
    )


def runs_until(stored: bytes) -> int:
    """Until when a stored contract runs, ms: `FOR_GOOD` while it is active or paused, 0 where it has ended or there is
    none."""
    if not stored:
        return 0
    state = STATES[stored[0]]
    if state == ENDS:
        return unpack_contract(stored).renews_at
    return 0 if state == ENDED else FOR_GOOD


def subscribed(former: Contract | None, kind: int, time: int, said: SubscriptionData) -> Contract:
    """The contract after a `subscription_*` touchpoint at `time`; None: none was known."""
    kept = Contract() if former is None or kind == Kind.SUBSCRIPTION_STARTED else former
    if kind == Kind.SUBSCRIPTION_RENEWED:
        kept = kept._replace(renews_at=0, cancel_by=0, unpaid=0)  # those of the term that is over
    renewal = kept.renewal if said.auto_renews is None else RENEWAL[1 if said.auto_renews else 2]
    changed = kept._replace(
        term=said.term or kept.term,
        renewal=renewal,
        renews_at=kept.renews_at if said.renews_at is None else told(said.renews_at),
        cancel_by=kept.cancel_by if said.cancel_by is None else told(said.cancel_by),
        price=kept.price if said.amount is None else said.amount,
        plan=said.plan or kept.plan,
    )
    if kind == Kind.SUBSCRIPTION_CANCELLED:
        return changed._replace(state=ENDS if changed.renews_at > time else ENDED, cancelling=0)
    if kind == Kind.SUBSCRIPTION_PAUSED:
        return changed._replace(state=PAUSED)
    if kind == Kind.SUBSCRIPTION_CHANGED:
        return changed
    return changed._replace(state=ACTIVE, cancelling=0)


def payment(contract: Contract, kind: int, time: int) -> Contract:
    """After a payment failed or was made good."""
    if kind == Kind.PAYMENT_RECOVERED:
        return contract._replace(unpaid=0)
    return contract if contract.unpaid else contract._replace(unpaid=whole(time))


def about_to_cancel(contract: Contract, time: int) -> Contract:
    """After the customer began to cancel."""
    return contract._replace(cancelling=whole(time))
