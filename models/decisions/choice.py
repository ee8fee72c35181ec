"""The choice of an action for a customer whose episode has just opened.

The default policy: whoever is restricted or has refused marketing is left alone, and whoever has refused every channel
we know of them; whoever has an open service case is cared for before anything is sold; whoever wants no marketing, for
now or at all, is left alone; everybody else is invited back, on the first channel of their preference that is open.
"""

from __future__ import annotations

from typing import NamedTuple

from models.customer.consent import EVERY, MARKETING, OPEN, Answer, Register, answer, unpack_register
from models.customer.layout import NO_CONSENT
from models.customer.profile import Profile
from models.customer.restrictions import CARE, restricted, unpack_restrictions
from models.customer.restrictions import MARKETING as TO_MARKET
from models.customer.tail import Tail

DEFAULT_CHANNEL = "email"
_CLOSED = {
    Answer.REFUSED: "wants nothing by {}",
    Answer.EXPIRED: "consented to {} for a time that is over",
    Answer.OTHERS_ONLY: "never consented to {}, only to others",
}


class Choice(NamedTuple):
    """`action` ``leave_alone`` sends nothing; `reason` says why, for the decisions topic."""

    action: str
    channel: str
    reason: str


def choose(record: Profile, now: int) -> Choice:
    """What would help this customer most, as far as the record knows. now: log time in ms."""
    tail = record.tail
    in_need = bool(tail.cases or tail.more_cases)
    if tail.restrictions:
        why = restricted(unpack_restrictions(tail.restrictions), CARE if in_need else TO_MARKET, now)
        if why:
            return _nothing(f"restricted: {why}")
    if record.flags & NO_CONSENT:
        return _nothing("no consent to be contacted")
    channel, closed = _channel(tail, now)
    if closed:
        return _nothing(closed)
    if in_need:
        return Choice("care", channel, "an open service case comes before selling")
    if tail.max_per_week == 0:
        return _nothing("wants no marketing at all: none a week")
    if tail.silent_until > now:
        return _nothing("wants no marketing for now")
    return Choice("win_back", channel, "risk reached the entry threshold")


def _nothing(reason: str) -> Choice:
    return Choice("leave_alone", "", reason)


def _channel(tail: Tail, now: int) -> tuple[str, str]:
    """The channel to use, or why there is none."""
    register = unpack_register(tail.consents)
    candidates = dict.fromkeys((*tail.channels, *_granted(register), DEFAULT_CHANNEL))
    answers = {channel: answer(register, MARKETING, channel, now) for channel in candidates}
    for channel, said in answers.items():
        if said in OPEN:
            return channel, ""
    first, said = next(iter(answers.items()))
    return "", f"{_CLOSED[said].format(first)}, and no other channel is known"


def _granted(register: Register) -> list[str]:
    """Channels that were granted by name, the newest grant first."""
    granted = [
        (-said.time, channel)
        for (purpose, channel), said in register.items()
        if purpose == MARKETING and said.granted and channel != EVERY
    ]
    return [channel for _, channel in sorted(granted)]
