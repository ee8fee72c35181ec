"""May two customers who talk with each other be offered the same, at the same time? Only where both have agreed to it.

Nothing makes such a shared moment yet. What is asked here is asked before anything is proposed to either of them.
"""

from __future__ import annotations

from typing import Final

from models.customer.consent import CONVERSATION, Answer, answer
from models.customer.restrictions import MARKETING
from models.decisions.person import Person

NOT_AGREED: Final = "not_agreed"
"""The customer has not agreed that what they talk about with another is used: refused, expired or never asked."""


def agrees(person: Person, channel: str, now: int) -> bool:
    """Whether a customer has granted the purpose `conversation` on a channel; a word in general is meant for all."""
    return answer(person.register, CONVERSATION, channel, now) == Answer.GRANTED


def against_sharing(person: Person, channel: str, now: int) -> str:
    """What stands against a shared moment with a customer, as a code; empty: nothing does."""
    if person.erased:
        return "erased"
    if person.restricted(MARKETING, now):
        return "restricted"
    return "" if agrees(person, channel, now) else NOT_AGREED


def may_share(first: Person, second: Person, channel: str, now: int) -> bool:
    """Whether both may get a shared moment on a channel. Nobody shares one with themselves."""
    if first.customer == second.customer:
        return False
    return not against_sharing(first, channel, now) and not against_sharing(second, channel, now)
