"""What may be done for a customer now, judged by the table of gates (`models.decisions.gate_table`).

All gates are judged anew each time, for every candidate, and none ends the list: whoever asks why is told all of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from models.customer.restrictions import ACTION_PURPOSES, MARKETING
from models.decisions.ask import FINAL, Ask, Held, Holding
from models.decisions.basis import NO_BASIS, REFUSED
from models.decisions.customer_gates import capped
from models.decisions.gate_table import CODES, FOR_A_PERSON, OF_CHANNEL, OF_CUSTOMER, STOPPED, TABLE
from models.decisions.may_hold import Gates, MayHold, gates_of, may_hold
from models.decisions.person import Person
from models.decisions.reach import UNREACHABLE, unreachable
from models.decisions.rule_types import ActionRules, Rules
from models.decisions.words import SENTENCES

__all__ = [
    "CODES",
    "FINAL",
    "SENTENCES",
    "Ask",
    "Held",
    "Judged",
    "channel_held",
    "channels_of",
    "customer_wide",
    "in_order",
    "judge",
    "needs_a_person",
    "reaches_nobody",
    "said_against",
]

_ORDER: Final = {code: place for place, code in enumerate(CODES)}
_OF_TEST: Final = frozenset(
    {
        "stopped",
        "erased",
        "restricted",
        "expired",
        "off",
        "wrong_level",
        "wrong_class",
        "condition",
        "for_a_person",
        UNREACHABLE,
        REFUSED,
        "no_content",
    }
)
"""What holds a test customer, too: that it is not for such a customer, that they said no, that it cannot arrive."""
_ONLY_MARKETING: Final = frozenset({MARKETING})


def _rows(of: str, codes: frozenset[str]) -> dict[str, Gates]:
    """By purpose."""
    return {
        purpose: gates_of(row for row in TABLE if row.of == of and purpose in row.stops and row.code in codes)
        for purpose in ACTION_PURPOSES
    }


_SAID_OF_THEM: Final = frozenset({"erased", "restricted", REFUSED, NO_BASIS, "silent"})
_AGAINST_CUSTOMER, _AGAINST_CHANNEL = _rows(OF_CUSTOMER, _SAID_OF_THEM), _rows(OF_CHANNEL, _SAID_OF_THEM)
_AGAINST_CHANNEL[MARKETING] = _rows(OF_CHANNEL, _SAID_OF_THEM | {UNREACHABLE})[MARKETING]


class Judged(NamedTuple):
    """An action, the channel by which it would go, and the gates that hold it, in their order; none: it may be done."""

    action: str
    channel: str
    held: Holding


def customer_wide(ask: Ask) -> Held | None:
    """What holds the customer as a whole, so that no candidate need be looked at; all of it is final.

    The customer was erased; is restricted for every purpose of the moment's actions; the moment's life is over; or all
    its actions are marketing, and no channel of theirs is open.
    """
    person = ask.person
    if person.erased:
        return Held("erased")
    moment = ask.rules.moments[ask.moment]
    if person.tail.restrictions and all(person.restricted(purpose, ask.now) for purpose in moment.purposes):
        return Held("restricted")
    if moment.within and ask.now >= ask.asked + moment.within:
        return Held("expired")
    if moment.purposes != _ONLY_MARKETING:
        return None
    first = ""
    nowhere = ask.standing.unreachable
    for channel in moment.channels:
        code = UNREACHABLE if nowhere and unreachable(ask.standing, channel) else ask.closed(MARKETING, channel)
        if not code or (ask.test and code == NO_BASIS):
            return None
        first = first or code
    return Held(first)


def judge(ask: Ask, action: str) -> Judged:
    """Judge a candidate: the best channel that nothing closes, else the first, and all gates that hold."""
    rules = ask.rules
    one = rules.actions[action]
    gates = may_hold(rules, one)
    held = [found for gate in gates.action if (found := gate(ask, one)) is not None]
    of_customer = ask.of_customer.get(one.purpose)
    held += _of_customer(ask, one.purpose, gates) if of_customer is None else of_customer
    channels = channels_of(rules, one, ask.person, ask.now)
    if ask.test:
        return _of_a_test(ask, one, gates, held, channels)
    for channel in channels:
        if not _on(ask, one, gates, channel):
            return Judged(action, channel, in_order(held) if held else ())
    return Judged(action, channels[0], in_order([*held, *_on(ask, one, gates, channels[0])]))


def _of_a_test(ask: Ask, action: ActionRules, gates: MayHold, held: list[Held], channels: tuple[str, ...]) -> Judged:
    """`judge` of a test customer."""
    found = {channel: [one for one in _on(ask, action, gates, channel) if one.code in _OF_TEST] for channel in channels}
    channel = next((one for one in channels if not found[one]), channels[0])
    return Judged(action.name, channel, in_order([one for one in (*held, *found[channel]) if one.code in _OF_TEST]))


def channel_held(ask: Ask, action: str, channel: str) -> Holding:
    """`said_against` an action's purpose."""
    return said_against(ask, ask.rules.actions[action].purpose, channel)


def said_against(ask: Ask, purpose: str, channel: str) -> Holding:
    """What the customer has said, or was said of them, against what is on its way by a channel: erased, restricted, no
    consent, silence; of marketing also that nothing arrives there. Asks nothing of moment and action, which the policy
    may have no more."""
    found = [gate(ask, purpose) for gate in _AGAINST_CUSTOMER[purpose]]
    found += [gate(ask, purpose, channel) for gate in _AGAINST_CHANNEL[purpose]]
    return in_order([held for held in found if held is not None])


def reaches_nobody(ask: Ask, judged: Judged) -> bool:
    """Whether something else than marketing is held by this alone, that on no channel of it anything arrives. A stop
    does not keep a person from seeing to it."""
    one = ask.rules.actions[judged.action]
    if one.purpose == MARKETING or not _by_this_alone(judged, UNREACHABLE):
        return False
    return all(unreachable(ask.standing, channel) for channel in channels_of(ask.rules, one, ask.person, ask.now))


def needs_a_person(judged: Judged) -> bool:
    """Whether an action is held by this alone, that a person has to do it; as above, whatever is stopped."""
    return _by_this_alone(judged, FOR_A_PERSON)


def _by_this_alone(judged: Judged, code: str) -> bool:
    held = judged.held
    return len(held) <= 2 and [one.code for one in held if one.code != STOPPED] == [code]


def _on(ask: Ask, action: ActionRules, gates: MayHold, channel: str) -> Holding:
    """What holds an action on a channel."""
    purpose = action.purpose
    key = (purpose, channel)
    held = ask.of_channels.get(key)
    if held is None:  # whatever the action
        found = [one for gate in gates.channel if (one := gate(ask, purpose, channel)) is not None]
        held = ask.of_channels[key] = tuple(found)
    limits = action.limits_on.get(channel)
    full = capped(ask, limits) if limits else None
    return held if full is None else (*held, full)


def _of_customer(ask: Ask, purpose: str, gates: MayHold) -> Holding:
    """What holds a purpose, whatever the action and its channel."""
    held = [one for gate in gates.customer if (one := gate(ask, purpose)) is not None]
    found = ask.of_customer[purpose] = tuple(held)
    return found


def channels_of(rules: Rules, action: ActionRules, person: Person, now: int) -> tuple[str, ...]:
    """The channels of an action, best first: its own; without any the customer's that the policy has, else the
    policy's. The customer's preference orders them; one on which they are online, and that is for it, comes first."""
    preferred = person.tail.channels
    if not preferred and not person.tail.presence:
        return action.channels or rules.channels
    pool = action.channels or tuple(one for one in preferred if one in rules.channel_numbers) or rules.channels
    if action.channels and preferred:
        pool = (*[one for one in preferred if one in pool], *[one for one in pool if one not in preferred])
    online = person.online(now) if person.tail.presence else ""
    if online and online in pool and rules.policy.channel[online].presence:
        pool = (online, *[one for one in pool if one != online])
    return pool


def in_order(held: list[Held]) -> Holding:
    """In the table's order; of two with one code the one that holds longer."""
    if len(held) < 2:
        return tuple(held)
    by_code: dict[str, Held] = {}
    for one in held:
        other = by_code.get(one.code)
        if other is None or (other.until and (one.until == FINAL or one.until > other.until)):
            by_code[one.code] = one
    return tuple(sorted(by_code.values(), key=lambda one: _ORDER[one.code]))
