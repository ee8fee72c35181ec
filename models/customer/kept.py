"""What is kept of a customer of whom nothing else is: what they refused, and why they must be left alone."""

from __future__ import annotations

from typing import Any, Final

from models.customer.consent import (
    CONVERSATION,
    EVERY,
    MARKETING,
    Statement,
    all_refused,
    pack_register,
    refusals,
    state,
    unpack_register,
)
from models.customer.restrictions import unpack_restrictions
from models.customer.tail import Tail
from models.touchpoints.kinds import Kind

DO_NOT_CONTACT = "do_not_contact"
REFUSES: Final = frozenset({Kind.CONSENT_CHANGED, Kind.MESSAGE_UNSUBSCRIBED, Kind.SPAM_REPORTED, Kind.RESTRICTED})
"""Kinds of touchpoints that may refuse something."""


def kept_of(tail: Tail, erased: bool) -> Tail:
    """The tail of whoever leaves the store, or asked to be forgotten: of the latter no restriction is kept, but that a
    customer must not be contacted counts as their refusal."""
    register = unpack_register(tail.consents)
    if not erased:
        return Tail(consents=pack_register(refusals(register)), restrictions=tail.restrictions)
    forbidden = unpack_restrictions(tail.restrictions).get(DO_NOT_CONTACT)
    if forbidden is not None:
        state(register, MARKETING, (EVERY,), Statement(False, forbidden.time))
    return Tail(consents=pack_register(all_refused(register)))


def refuse(tail: Tail, kind: int, data: Any, time: int) -> None:
    """Keep what an erased customer refuses, so that it still stands when they come back.

    It may be one that was said before the erasure, and comes again: nobody can tell, and it closes a little more.

    Args:
        tail: what is kept of them; changed.
        kind, data, time: of the touchpoint, ms; one that refuses nothing changes nothing.
    """
    purpose = data.purpose if kind == Kind.CONSENT_CHANGED else MARKETING
    if kind == Kind.CONSENT_CHANGED and (data.marketing or purpose == CONVERSATION):
        return
    if kind == Kind.RESTRICTED and data.reason != DO_NOT_CONTACT:
        return
    register = unpack_register(tail.consents)
    state(register, purpose, (EVERY,), Statement(False, time))
    tail.consents = pack_register(all_refused(register))
