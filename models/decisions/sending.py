"""A trigger is made, with what it reserves; and what becomes of it."""

from __future__ import annotations

from msgspec import structs

from models.customer.restrictions import MARKETING
from models.decisions.contact import DECLINED, GIVEN_BACK, LATE, UNUSED, Settled, reserve
from models.decisions.given import Given, Said, Sending
from models.decisions.hours import Opening
from models.decisions.policy.parts import ms_of
from models.decisions.rules import rules_of
from models.decisions.standing import OTHERS, Waiting


def send(
    given: Given,
    said: Said,
    hour: Opening | None,
    propensity: float,
    made: list[Said],
    asked: Waiting | None = None,
) -> Said:
    """Reserve, and make the trigger. made: takes what had to be settled for it to have room. asked: what may ask once
    more if it is not sent."""
    policy, now, standing = given.policy, given.now, given.standing
    if given.person.is_test(now):
        return structs.replace(said, trigger=said.id, sending=as_sent(given, said, None), test=True)
    rules, by_policy = rules_of(policy), policy.policy
    action = rules.actions[said.action]
    arrives = now + rules.lead[said.channel]
    expires = arrives + action.expires
    if action.purpose == MARKETING:
        if hour is not None and hour.until:
            expires = min(expires, arrives - now + hour.until)
        while_online = _while_online(given, said.channel)
        if while_online:
            expires = min(expires, arrives + while_online)
    valid = (arrives + action.valid if action.valid else expires) if action.promotion else 0
    in_episode = standing.reached > 0.0
    name = said.trigger or said.id
    number = int(name, 16)
    spent = given.shared.purse.reserve(rules, action, now) if given.shared is not None and action.budgets else ()
    settled = reserve(
        standing, policy, said.action, said.channel, number, now, expires, valid, in_episode, spent, asked
    )
    made += [became(given, one) for one in settled]
    cost = by_policy.action[said.action].cost + by_policy.channel[said.channel].cost
    zone = hour.zone if hour is not None else ""
    sending = Sending(expires, valid, cost, propensity, zone, action.budgets if spent else ())
    return structs.replace(said, trigger=name, sending=sending)


def as_sent(given: Given, said: Said, hour: Opening | None) -> Sending:
    """What a trigger to a test customer says: it reserves nothing, takes nothing of budgets, and waits for no hour."""
    policy, now = given.policy, given.now
    action = rules_of(policy).actions[said.action]
    expires = now + action.expires
    valid = (now + action.valid if action.valid else expires) if action.promotion else 0
    cost = policy.policy.action[said.action].cost + policy.policy.channel[said.channel].cost
    return Sending(expires, valid, cost, 0.0, hour.zone if hour is not None else "")


def _while_online(given: Given, channel: str) -> int:
    """How long something is worth sending to who is online on the channel, ms; 0: they are not, or it makes no
    difference."""
    rules = given.policy.policy.channel[channel]
    if not rules.presence or rules.presence_expires is None or given.person.online(given.now) != channel:
        return 0
    return ms_of(rules.presence_expires)


def became(given: Given, settled: Settled) -> Said:
    """What became of a trigger; of a contact by others nothing is said. What it had taken of budgets follows."""
    spent = settled.entry.spent
    if spent and given.shared is not None:
        if settled.what == GIVEN_BACK:
            given.shared.purse.give_back(spent)
        elif settled.what == LATE:
            given.shared.purse.charge(spent)
        elif settled.what == DECLINED or (settled.what == UNUSED and settled.entry.until <= given.now):
            given.shared.purse.give_back(one for one in spent if one.money)
    return Said(settled.what if settled.entry.kind != OTHERS else "", trigger=f"{settled.id:032x}")
