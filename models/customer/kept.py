"""What is kept of a customer of whom nothing else is: what they refused, and why they must be left alone."""

from __future__ import annotations

from models.customer.consent import (
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

DO_NOT_CONTACT = "do_not_contact"


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
