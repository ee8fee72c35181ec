"""May it be used that a customer talks with another? Only where they have agreed to it."""

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
