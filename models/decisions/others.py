"""May another sender contact the customer? The gates answer, and the contact is reserved as one of ours would be.

What concerns our actions alone is left out: moments, arms, rollout, budgets, the alarm. A reservation is a contact by
others with an expiry. What is told of it under its id ends it: `campaign_received` makes it a contact,
`offer_withdrawn` gives it back; without a word it counts as delivered at its expiry.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import structs
from xxhash import xxh3_128_intdigest

from models.customer.restrictions import ACTION_PURPOSES, MARKETING
from models.decisions.ask import Ask, Held, Holding
from models.decisions.contact import make_room
from models.decisions.gate_table import OF_ACTION, OF_CHANNEL, OF_CUSTOMER, STOPPED, TABLE
from models.decisions.gates import in_order
from models.decisions.given import Given, Said, id_at
from models.decisions.hours import opening
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.limits_told import caps_of
from models.decisions.rule_types import ANY, Limit
from models.decisions.rules import limit_of
from models.decisions.sending import became
from models.decisions.standing import OTHERS, Outstanding, Stage, channel_number
from models.decisions.waits import HOURS, whole_second
from models.outputs import Candidate
from models.settings import HOUR
from models.touchpoints.times import milliseconds

MAY_CONTACT: Final = "may_contact"
"""What is said of it: `Decision.what`."""
_OURS: Final = frozenset({"expired", "alarm"})
"""Gates of the customer that are about our moments, or about what we are told."""
_ASKED: Final = frozenset({"frozen", "cancelling", "held", "promotion_open", "cap"})
"""Gates of an action that hold whoever sends."""


class Wanted(NamedTuple):
    """A contact that somebody else wants to make. channel: need not be one of the policy."""

    purpose: str
    channel: str
    promotion: bool = False


def against(ask: Ask, wanted: Wanted) -> Holding:
    """All gates that stand against it, in their order, and the hour; none: the customer may be contacted now."""
    action = _as_action(ask.policy, wanted)
    country = ask.person.tail.country
    stopped = any(one.fits(wanted.purpose, "", country, "") for one in ask.stops)
    held: list[Held | None] = [Held(STOPPED, ask.now + HOUR)] if stopped else []
    for row in TABLE:
        if wanted.purpose not in row.stops:
            continue
        if row.of == OF_CUSTOMER and row.code not in _OURS:
            held.append(row.gate(ask, wanted.purpose))
        elif row.of == OF_CHANNEL:
            held.append(row.gate(ask, wanted.purpose, wanted.channel))
        elif row.of == OF_ACTION and row.code in _ASKED:
            held.append(row.gate(ask, action))
    found = in_order([one for one in held if one is not None])
    hour = opening(ask.policy, ask.person, wanted.purpose, wanted.channel, ask.now)
    if hour is None or hour.at <= ask.now:
        return found
    return (*found, Held(HOURS, hour.at))


def asked(given: Given) -> list[Said]:
    """Another sender asks, by a record of the log: what stands against it, and what is reserved."""
    touch = given.touch
    if touch is None:
        return []
    data, standing, now = touch.data, given.standing, given.now
    wanted = Wanted(data.purpose, data.channel, data.promotion)
    number = reservation(touch.id)
    known = next((one for one in standing.outstanding if one.id == number), None)
    ask = Ask(given.policy, given.person, standing, now, "", now, "", given.shared, given.stops)
    stands = known is not None and known.stage == Stage.OUT
    held = () if stands else against(ask, wanted)
    said = Said(
        MAY_CONTACT,
        id_at(given, MAY_CONTACT),
        reason=f"asked by {data.by}" if data.by else "",
        channel=wanted.channel,
        gate=held[0].code if held else "",
        until=max((one.until for one in held), default=0) if all(one.until for one in held) else 0,
        candidates=(Candidate(wanted.purpose, wanted.channel, tuple(one.code for one in held)),),
    )
    if held or wanted.purpose != MARKETING or (known is not None and not stands):
        return [said]  # what is no marketing is counted by nobody, and what has ended is not reserved anew
    expires = whole_second(now + data.lasts) if known is None else known.expires
    said = structs.replace(said, trigger=f"{number:032x}", until=expires)
    if known is not None:
        return [said]
    until = expires if data.until is None else whole_second(milliseconds(data.until))
    settled = make_room(standing, forced=True)
    standing.outstanding.append(
        Outstanding(
            number,
            whole_second(now),
            expires,
            until if data.promotion and until > now else 0,
            channel_number(wanted.channel),
            0,
            OTHERS,
            ACTION_PURPOSES.index(MARKETING),
        )
    )
    return [*(became(given, one) for one in settled), said]


def reservation(name: str) -> int:
    """What is reserved under a name, as the record has it. Nobody can name a trigger of ours by it."""
    return xxh3_128_intdigest(b"reservation\0" + name.encode())


class _Contact(NamedTuple):
    """What the gates of `_ASKED` look at of an action; it is of no kind, so that what is for a kind leaves it out."""

    purpose: str
    kind: int
    promotion: bool
    limits: tuple[Limit, ...]
    name: str = ""


def _as_action(policy: PolicyInForce, wanted: Wanted) -> _Contact:
    purpose, channel = ACTION_PURPOSES.index(wanted.purpose), channel_number(wanted.channel)
    limits = [limit_of(cap) for cap in caps_of(policy.policy.contact).values()]
    counting = [one for one in limits if one.purpose == purpose and one.kind == ANY and one.channel in (ANY, channel)]
    return _Contact(wanted.purpose, OTHERS, wanted.promotion, tuple(counting))
