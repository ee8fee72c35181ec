"""The flags of a record that follow from what its tail knows of the person, so that compiled code can read them."""

from __future__ import annotations

from models.customer.consent import MARKETING, PROFILING, refused, unpack_register
from models.customer.layout import NO_CONSENT, UNLEARNED, UNSCORED
from models.customer.restrictions import ON_REQUEST, TEST, standing, unpack_restrictions
from models.customer.tail import Tail

FROM_TAIL = NO_CONSENT | UNLEARNED | UNSCORED


def flags_of(tail: Tail) -> int:
    """Which of `FROM_TAIL` are set."""
    flags = 0
    if tail.restrictions:
        flags = UNLEARNED | (UNSCORED if ON_REQUEST in unpack_restrictions(tail.restrictions) else 0)
    if tail.consents:
        register = unpack_register(tail.consents)
        flags |= NO_CONSENT if refused(register, MARKETING) else 0
        flags |= UNLEARNED | UNSCORED if refused(register, PROFILING) else 0
    return flags


def may_be_profiled(tail: Tail, flags: int, now: int) -> bool:
    """Whether a profile such as the loyalty loop may be kept of a customer at `now`, ms: not of who objects, nor under
    a restriction. Who tries things out is none, and gets everything. An end that has come counts before a touchpoint
    clears the flag."""
    if not flags & UNLEARNED:
        return True
    if tail.consents and refused(unpack_register(tail.consents), PROFILING):
        return False
    return standing(unpack_restrictions(tail.restrictions), now).keys() <= {TEST}
