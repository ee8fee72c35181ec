"""The answers to what has asked and is due: a trigger, leaving alone, a wait with its reason, or an end.

Each waking judges all gates anew; nothing is kept of an earlier judging. Moments of touchpoints are answered first, and
one of them triggers at most at one place of the line; the moment of risk is drawn, once a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.customer.restrictions import CARE, MARKETING
from models.decisions.best_hour import at_best
from models.decisions.contact import DECLINED, GIVEN_BACK, LATE, UNUSED, Settled, remember, reserve, withdraw
from models.decisions.draw import chances, drawn, in_control, score
from models.decisions.gates import Ask, Judged, customer_wide, judge, reaches_nobody
from models.decisions.given import Given, Said, Sending, id_at
from models.decisions.hours import LEAST_LIFE, Opening, opening
from models.decisions.outranking import OUTRANKING, outranked
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.types import ms_of
from models.decisions.reach import UNREACHABLE
from models.decisions.rules import rules_of
from models.decisions.standing import OTHERS, Waiting, number_of
from models.outputs import TASK, Candidate
from models.settings import DAY, HOUR, MINUTE, SECOND
from models.touchpoints.kinds import Kind

LEAVE_ALONE: Final = "leave_alone"
AFTER_OTHER, IN_WINDOW, HOURS, NEVER_OPEN = "after_other", "in_window", "hours", "hours_never"
CROWDED, NO_MOMENT = "crowded", "no_moment"
"""Why a moment waits, or ends, that is no gate's."""
WAKING: Final = frozenset(
    {
        Kind.CASE_OPENED,
        Kind.CASE_RESOLVED,
        Kind.CONSENT_CHANGED,
        Kind.MESSAGE_UNSUBSCRIBED,
        Kind.RESTRICTED,
        Kind.PREFERENCES_UPDATED,
        Kind.PROFILE_UPDATED,
        Kind.PRESENCE,
        Kind.OFFER_DELIVERED,  # which may have been earlier than was presumed
        Kind.OFFER_DECLINED,
        Kind.OFFER_WITHDRAWN,
        Kind.OFFER_FAILED,
        Kind.OFFER_EXPIRED,
        Kind.COUPON_REDEEMED,
        Kind.EXPIRED_UNSENT,
    }
)
"""Kinds of touchpoints at which what waits is looked at again."""
LEAST_WAIT: Final = HOUR
SPREAD: Final = 30 * MINUTE
"""Those who wait for one hour of the day come back within so long of it."""


def answers(given: Given) -> list[Said]:
    """The answers to what waits and is due, in the order in which they are given. Changes `given.standing`: what is
    answered waits no more, what goes on waiting wakes later than now."""
    standing, now, policy = given.standing, given.now, given.policy
    woken = given.touch is not None and given.touch.kind in WAKING
    due = [one for one in standing.waiting if woken or (one.wakes and one.wakes <= now)]
    if not due:
        return []
    said: list[Said] = []
    triggered = False
    for one in sorted(due, key=lambda one: rank(policy, one)) if len(due) > 1 else due:
        name = _moment(policy, one)
        if not name:
            standing.waiting.remove(one)
            said.append(Said("decided", id_at(given, str(one.moment)), action=LEAVE_ALONE, gate=NO_MOMENT))
        elif triggered and not _is_over(given, one, name):
            until = now + (DAY if one.threshold else LEAST_WAIT)
            said.append(_wait(given, one, name, AFTER_OTHER, until, _level(given, one) if one.threshold else ""))
        else:
            made: list[Said] = []
            found = (_answer_risk if one.threshold else _answer_touch)(given, one, name, made)
            said += [*made, found]
            triggered = triggered or found.sending is not None
    return said


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


def rank(policy: PolicyInForce, one: Waiting) -> tuple[bool, int, int]:
    """Moments of touchpoints first, by the priority of their best action; risk last."""
    name = _moment(policy, one)
    actions = policy.actions_of(name) if name else ()
    return one.threshold > 0.0, -policy.policy.action[actions[0]].priority if actions else 0, one.moment


def _moment(policy: PolicyInForce, one: Waiting) -> str:
    """The name of a moment in the policy in force, which may be another than the one under which it asked; empty: it
    has none. What a level asked is the moment of risk, whatever it is called."""
    if one.threshold:
        return policy.risk_moment or ""
    name = policy.named.get(one.moment, "")
    return name if name in policy.policy.moment and name != policy.risk_moment else ""


def _is_over(given: Given, one: Waiting, name: str) -> bool:
    within = rules_of(given.policy).moments[name].within
    return bool(within) and given.now >= one.asked + within


def _answer_touch(given: Given, one: Waiting, name: str, made: list[Said]) -> Said:
    policy, now = given.policy, given.now
    ask = Ask(policy, given.person, given.standing, now, name, one.asked, "", given.shared)
    wide = customer_wide(ask)
    if wide is not None:
        return _end(given, one, name, wide.code)
    judged = _judged(given, ask, name)
    passing = [found for found in judged if not found.held]
    if not passing:
        owed = next((found for found in judged if reaches_nobody(ask, found)), None)
        if owed is not None:
            return _task(given, one, name, owed, judged)
        return _outranking(given, ask, one, judged, made) or _held(given, one, name, judged)
    hours = [(found, _best(given, one, name, found)) for found in passing]
    open_now = [(found, hour) for found, hour in hours if hour is not None and hour.at <= now]
    if not open_now:
        return _later(given, one, name, judged, [hour for _, hour in hours if hour is not None])
    best, hour = max(open_now, key=lambda item: (policy.policy.action[item[0].action].priority, _score(given, item[0])))
    action = policy.policy.action[best.action]
    control = _in_control(given) and (
        action.purpose == MARKETING or (action.purpose == CARE and not policy.policy.control.care)
    )
    given.standing.waiting.remove(one)
    _once(given, name)
    found = Said("decided", id_at(given, name), moment=name, action=best.action, channel=best.channel, control=control)
    free = {open_one.action: 0 for open_one, _ in open_now}
    found = found._replace(candidates=_candidates(given, judged, free))
    return found if control else _send(given, found, hour, 0.0, made, None if one.again else one)


def _answer_risk(given: Given, one: Waiting, name: str, made: list[Said]) -> Said:
    policy, now, standing = given.policy, given.now, given.standing
    level = _level(given, one)
    if standing.window_ends > now:
        return _wait(given, one, name, IN_WINDOW, standing.window_ends, level)
    ask = Ask(policy, given.person, standing, now, name, one.asked, level, given.shared)
    wide = customer_wide(ask)
    if wide is not None:
        return _end(given, one, name, wide.code, level)
    judged = _judged(given, ask, name)
    passing = [found for found in judged if not found.held]
    if not passing:
        return _outranking(given, ask, one, judged, made) or _held(given, one, name, judged, level)
    hours = [(found, _best(given, one, name, found)) for found in passing]
    open_now = [(found, hour) for found, hour in hours if hour is not None and hour.at <= now]
    if not open_now:
        return _later(given, one, name, judged, [hour for _, hour in hours if hour is not None], level)
    choice = policy.policy.choice
    scores = [_score(given, found) for found, _ in open_now]
    likely = chances(scores, choice.floor, choice.hold_out)
    found_id = id_at(given, name, level)
    fell = drawn(likely, bytes.fromhex(found_id))
    standing.waiting.remove(one)
    standing.window_ends = _whole(now + ms_of(choice.window))
    by_action = {LEAVE_ALONE: likely[0]} | {
        found.action: chance for (found, _), chance in zip(open_now, likely[1:], strict=True)
    }
    said = Said(
        "decided",
        found_id,
        moment=name,
        level=level,
        action=LEAVE_ALONE,
        candidates=_candidates(given, judged, by_action),
        control=_in_control(given),
    )
    if fell == 0:
        return said._replace(reason="" if max(scores) > 0.0 else "no action is worth its cost")
    best, hour = open_now[fell - 1]
    said = said._replace(action=best.action, channel=best.channel)
    return said if said.control else _send(given, said, hour, likely[fell] / 2**32, made)


def _send(
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
    action = rules_of(policy).actions[said.action]
    expires = now + action.expires
    if action.purpose == MARKETING and hour is not None and hour.until:
        expires = min(expires, hour.until)
    if action.purpose == MARKETING:
        expires = min(expires, now + (_while_online(given, said.channel) or action.expires))
    valid = (now + action.valid if action.valid else expires) if action.promotion else 0
    in_episode = standing.reached > 0.0
    number = int(said.id, 16)
    spent = given.shared.purse.reserve(rules_of(policy), action, now) if given.shared is not None else ()
    settled = reserve(
        standing, policy, said.action, said.channel, number, now, expires, valid, in_episode, spent, asked
    )
    made += [became(given, one) for one in settled]
    cost = policy.policy.action[said.action].cost + policy.policy.channel[said.channel].cost
    zone = hour.zone if hour is not None else ""
    sending = Sending(expires, valid, cost, propensity, zone, action.budgets if spent else ())
    return said._replace(trigger=said.id, sending=sending)


def _while_online(given: Given, channel: str) -> int:
    """How long something is worth sending to who is online on the channel, ms; 0: they are not, or it makes no
    difference."""
    rules = given.policy.policy.channel[channel]
    if not rules.presence or rules.presence_expires is None or given.person.online(given.now) != channel:
        return 0
    return ms_of(rules.presence_expires)


# -- waits and ends


def _held(given: Given, one: Waiting, name: str, judged: Sequence[Judged], level: str = "") -> Said:
    """No action passes its gates: the moment waits for the first to open, or it has come to its end."""
    lifts = [
        max(held.until for held in found.held)
        for found in judged
        if found.held and all(held.until for held in found.held)
    ]
    first = judged[0].held[0].code if judged else "no_action"
    if not lifts:
        return _end(given, one, name, first, level, judged)
    soonest = min(lifts)
    of = next(
        found
        for found in judged
        if found.held and all(h.until for h in found.held) and max(h.until for h in found.held) == soonest
    )
    until = min(max(soonest, given.now + LEAST_WAIT), given.now + given.tick)
    return _wait(given, one, name, of.held[0].code, until, level, judged)


def _outranking(given: Given, ask: Ask, one: Waiting, judged: Sequence[Judged], made: list[Said]) -> Said | None:
    """Take back what takes the place of a more important action, and wait for word of it; at its expiry it counts as
    delivered. None: nothing gives way. made: takes the withdrawals."""
    found = outranked(ask, judged)
    hour = None if found is None else _opening(given, found.judged)
    if found is None or hour is None or hour.at > given.now:
        return None
    for entry in found.gives_way:
        if withdraw(given.standing, entry.id):
            name = given.policy.named[entry.action]
            made.append(Said("withdrawn", reason=OUTRANKING, trigger=f"{entry.id:032x}", action=name, withdraws=True))
    until = min(max(entry.expires for entry in found.gives_way), given.now + given.tick)
    return _wait(given, one, ask.moment, OUTRANKING, until, ask.level, judged)


def _later(
    given: Given, one: Waiting, name: str, judged: Sequence[Judged], hours: Sequence[Opening], level: str = ""
) -> Said:
    """It is not the hour: the moment waits for the next."""
    if not hours:
        return _end(given, one, name, NEVER_OPEN, level, judged)
    first = min(hours, key=lambda hour: hour.at)
    span = min(SPREAD, first.until - first.at) if first.until else SPREAD
    return _wait(given, one, name, HOURS, first.at + given.phase % max(span, SECOND), level, judged)


def _wait(
    given: Given, one: Waiting, name: str, gate: str, until: int, level: str = "", judged: Sequence[Judged] = ()
) -> Said:
    """Look at it again then; a touchpoint's moment must be answered within its life."""
    standing, wakes = given.standing, _whole(until)
    within = rules_of(given.policy).moments[name].within
    if within:
        wakes = min(wakes, _whole(one.asked + within))
    if one.wakes == wakes:
        return Said("")  # it has woken early, and still waits for the same
    standing.waiting[standing.waiting.index(one)] = one._replace(wakes=wakes)
    return Said("waits", id_at(given, name, level), moment=name, level=level, gate=gate, until=wakes)


def _end(given: Given, one: Waiting, name: str, gate: str, level: str = "", judged: Sequence[Judged] = ()) -> Said:
    """It is answered for good: nothing may be done."""
    given.standing.waiting.remove(one)
    _once(given, name)
    return Said(
        "decided",
        id_at(given, name, level),
        moment=name,
        level=level,
        action=LEAVE_ALONE,
        gate=gate,
        candidates=_candidates(given, judged),
    )


def _task(given: Given, one: Waiting, name: str, owed: Judged, judged: Sequence[Judged]) -> Said:
    """What is due to the customer reaches them on no channel: somebody has to see to it. Care that the control group
    does not get is due to none of them."""
    purpose, control = given.policy.policy.action[owed.action].purpose, given.policy.policy.control
    if purpose == CARE and not control.care and _in_control(given):
        return _end(given, one, name, UNREACHABLE, judged=judged)
    return _end(given, one, name, UNREACHABLE, judged=judged)._replace(action=TASK, reason=owed.action)


# -- parts


def _judged(given: Given, ask: Ask, name: str) -> list[Judged]:
    """All actions of a moment, judged. What budgets alone hold is demand that they could not meet."""
    judged = [judge(ask, action) for action in given.policy.actions_of(name)]
    if ask.purse is not None:
        for found in judged:
            if found.held and all(held.code == "budget" for held in found.held):
                ask.purse.demand(ask.rules, ask.rules.actions[found.action], ask.now)
    return judged


def _level(given: Given, one: Waiting) -> str:
    """The name of the level that asked, in the policy in force."""
    levels = given.policy.levels(given.person.customer_class)
    return next((level.name for level in reversed(levels) if level.at <= one.threshold), levels[0].name)


def _opening(given: Given, found: Judged) -> Opening | None:
    policy, person = given.policy, given.person
    purpose = policy.policy.action[found.action].purpose
    hour = opening(policy, person, purpose, found.channel, given.now)
    if purpose == MARKETING and hour is not None and 0 < hour.until < max(hour.at, given.now) + LEAST_LIFE:
        return opening(policy, person, purpose, found.channel, hour.until)
    return hour


def _best(given: Given, one: Waiting, name: str, found: Judged) -> Opening | None:
    """`_opening`, or a better hour of the coming day, within the moment's life."""
    hour, rules = _opening(given, found), given.policy.policy.best_hour
    if hour is None or rules is None or name not in (rules.moments or (given.policy.risk_moment,)):
        return hour
    purpose, within = given.policy.policy.action[found.action].purpose, rules_of(given.policy).moments[name].within
    latest = one.asked + within - SECOND if within else given.now + DAY
    return at_best(given, purpose, found.channel, hour, latest)


def _score(given: Given, found: Judged) -> float:
    policy = given.policy.policy
    return score(policy.action[found.action], policy.channel[found.channel])


def _candidates(given: Given, judged: Sequence[Judged], free: dict[str, int] | None = None) -> tuple[Candidate, ...]:
    """free: chances of those that could be done at once; what passes its gates and is not among them is held by the
    hour. None: nothing could."""
    if not judged:
        return ()
    chance = free or {}
    alone = (Candidate(LEAVE_ALONE, chance=chance[LEAVE_ALONE]),) if LEAVE_ALONE in chance else ()
    return alone + tuple(
        Candidate(
            found.action,
            found.channel,
            tuple(held.code for held in found.held) or (() if free is None or found.action in free else (HOURS,)),
            _score(given, found) if found.channel else 0.0,
            chance.get(found.action, 0),
        )
        for found in judged
    )


def _in_control(given: Given) -> bool:
    return in_control(given.policy.policy.control, given.person)


def _once(given: Given, name: str) -> None:
    """Remember when, where the policy limits how often."""
    if rules_of(given.policy).moments[name].once_per:
        remember(given.standing, given.policy, number_of(name), given.now)


def _whole(ms: int) -> int:
    """The first whole second at or after a moment, ms."""
    return -(-ms // SECOND) * SECOND
