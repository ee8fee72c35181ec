"""The flags of a record that follow from what its tail knows of the person, so that compiled code can read them."""

from __future__ import annotations

from models.customer.consent import MARKETING, PROFILING, refused, unpack_register
from models.customer.layout import NO_CONSENT, UNLEARNED, UNSCORED
from models.customer.restrictions import ON_REQUEST, unpack_restrictions
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
