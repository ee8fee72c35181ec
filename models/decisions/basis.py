"""On what a contact rests: consent, or what the policy's `basis` takes in its place."""

from __future__ import annotations

from models.customer.consent import EVERY, MARKETING, Answer, answer
from models.decisions.person import Person
from models.decisions.rule_types import Rules

REFUSED, NO_BASIS = "refused_channel", "no_basis"
_SAID_NO, _SAID_YES = Answer.REFUSED, Answer.GRANTED


def closed(rules: Rules, person: Person, purpose: str, channel: str, now: int) -> str:
    """Why nothing may be sent for a purpose on a channel: `REFUSED`, `NO_BASIS`; empty: it may.

    A refusal closes whatever the policy asks for, but where it asks for nothing of legal, contract and care.
    """
    needed = rules.needed(purpose, person.tail.country, person.customer_class, channel)
    if needed is None:
        return ""
    register = person.register
    said = answer(register, MARKETING, channel, now)
    if said is _SAID_NO:
        return REFUSED
    if needed.needs == "nothing":
        return ""
    if said is _SAID_YES:
        if needed.needs != "confirmed_consent":
            return ""
        word = register.get((MARKETING, channel)) or register[MARKETING, EVERY]
        return "" if word.confirmed else NO_BASIS
    bought = person.last_purchase
    if needed.needs == "existing_customer" and bought and (not needed.lasts or now < bought + needed.lasts):
        return ""
    return NO_BASIS
