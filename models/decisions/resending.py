"""What was stopped before it was sent is sent again once nothing stops it: the same action, as a further trigger of the
same decision. Nothing is drawn; all gates are judged anew.

While it is stopped, and after, it is looked at when it is the customer's own time: so what an operator lets go on comes
spread over `SPREAD` hours of marketing, and over one hour of all else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import structs

from models.customer.restrictions import ACTION_PURPOSES, MARKETING
from models.decisions.gates import Ask, customer_wide, judge
from models.decisions.given import Given, Said, Touched, again_id, id_at
from models.decisions.policy.asking_types import level_reached
from models.decisions.policy.parts import KINDS
from models.decisions.rules import rules_of
from models.decisions.sending import send
from models.decisions.standing import OTHERS, Outstanding, Stage, Waiting, id_of
from models.decisions.unsent import MAX_UNSENT, Unsent
from models.decisions.waits import LEAST_WAIT, NEVER_OPEN, NO_MOMENT, opening_of, told_candidates, whole_second
from models.settings import HOUR, SECOND
from models.touchpoints.kinds import Kind

RESENT, NOT_RESENT = "resent", "not_resent"
"""What is said of it: `Decision.what`."""
SPREAD: Final = {MARKETING: 6 * HOUR}
"""So long what goes on is spread, by purpose; of others an hour."""
ROOM, OVER, NO_ACTION = "crowded", "expired", "no_action"
_MOST_TIMES: Final = 255


def stopped_by(given: Given, touch: Touched) -> Outstanding | None:
    """The trigger of which a touchpoint says that it was not sent since it was stopped: by our publisher, which says
    so, or by a sender while a stop that fits is in force. One that we took back is not meant."""
    if touch.kind == Kind.EXPIRED_UNSENT:
        if touch.data.reason is None:
            return None
    elif touch.kind != Kind.OFFER_WITHDRAWN or not given.stops:
        return None
    wanted = id_of(touch.data.trigger_id)
    entry = next((one for one in given.standing.outstanding if wanted and one.id == wanted), None)
    if entry is None or entry.kind == OTHERS or entry.stage not in (Stage.OUT, Stage.PRESUMED):
        return None
    if touch.kind == Kind.EXPIRED_UNSENT:
        return entry
    name, country = given.policy.named.get(entry.action, ""), given.person.tail.country
    of = (ACTION_PURPOSES[entry.purpose], name, country, KINDS[entry.kind])
    return entry if any(stop.fits(*of) for stop in given.stops) else None


def hold(given: Given, entry: Outstanding) -> list[Said]:
    """Keep a trigger that was stopped, to be sent again."""
    standing, policy, now = given.standing, given.policy, given.now
    rules = rules_of(policy)
    former = next((one for one in standing.unsent if one.trigger == entry.id), None)
    standing.unsent = [one for one in standing.unsent if one.trigger != entry.id]
    drawn = policy.risk_moment if not entry.moment and standing.acts_until > now else None
    if former is not None:
        made = former
    elif entry.moment:
        within = rules.moments[name].within if (name := policy.named.get(entry.moment, "")) in rules.moments else 0
        made = Unsent(
            entry.id, entry.id, 1, entry.action, entry.moment, entry.asked, whole_second(entry.asked + within)
        )
    elif drawn is not None and standing.reached and policy.named.get(entry.action) in policy.actions_of(drawn):
        number = rules.moments[drawn].number
        made = Unsent(entry.id, entry.id, 1, entry.action, number, now, standing.acts_until, standing.reached)
    else:
        return []
    if len(standing.unsent) >= MAX_UNSENT or made.times >= _MOST_TIMES:
        return [_not(given, made, ROOM)]
    standing.unsent.append(made._replace(wakes=_own_time(given, entry.purpose)))
    return []


def resend(given: Given) -> list[Said]:
    """Look at what was stopped and is due."""
    standing = given.standing
    said: list[Said] = []
    out = {one.id for one in standing.outstanding if one.stage == Stage.OUT}
    standing.unsent = [one for one in standing.unsent if one.wakes or one.trigger in out]
    for one in list(standing.unsent):
        if one.wakes and one.wakes <= given.now:
            said += _looked_at(given, one, any(word.sending is not None for word in said))
    return said


def _looked_at(given: Given, one: Unsent, triggered: bool) -> list[Said]:
    policy, standing, now = given.policy, given.standing, given.now
    rules = rules_of(policy)
    name, action = policy.named.get(one.moment, ""), policy.named.get(one.action, "")
    if name not in rules.moments or action not in policy.actions_of(name):
        return _drop(given, one, NO_MOMENT if name not in rules.moments else NO_ACTION)
    if now >= one.until:
        return _drop(given, one, OVER)
    if triggered:
        return _later(given, one, now + LEAST_WAIT)
    reached = level_reached(given.levels, one.threshold) if one.threshold else None
    level = reached.name if reached else ""
    ask = Ask(policy, given.person, standing, now, name, one.asked, level, given.shared, given.stops)
    wide = customer_wide(ask)
    if wide is not None:
        return _drop(given, one, wide.code)
    found = judge(ask, action)
    final = next((held.code for held in found.held if not held.until), "")
    if final:
        return _drop(given, one, final)
    purpose = ACTION_PURPOSES.index(policy.policy.action[action].purpose)
    if found.held:
        return _later(given, one, _own_time(given, purpose))
    hour = opening_of(ask, found)
    if hour is None:
        return _drop(given, one, NEVER_OPEN)
    if hour.at > now:
        span = max(min(LEAST_WAIT, hour.until - hour.at), SECOND) if hour.until else LEAST_WAIT
        return _later(given, one, hour.at + given.phase % span)
    again = one._replace(times=one.times + 1, wakes=0)
    trigger = again_id(f"{one.decision:032x}", again.times)
    standing.unsent[standing.unsent.index(one)] = again._replace(trigger=int(trigger, 16))
    word = Said(RESENT, f"{one.decision:032x}", moment=name, level=level, action=action, channel=found.channel)
    word = structs.replace(word, trigger=trigger, candidates=told_candidates(given, [found], {action: 0}))
    asked = None if one.threshold else Waiting(one.moment, one.asked, now)
    made = list[Said]()
    sent = send(given, word, hour, 0.0, made, asked)
    return [*made, sent]


def never_mind(given: Given, why: str, meant: Callable[[Unsent], bool]) -> list[Said]:
    """What was stopped is not sent again: what it was for is over."""
    return [said for one in list(given.standing.unsent) if meant(one) for said in _drop(given, one, why)]


def _own_time(given: Given, purpose: int) -> int:
    """The customer's next own time, by which what goes on is spread."""
    span = SPREAD.get(ACTION_PURPOSES[purpose], HOUR)
    own = given.phase % span
    return whole_second(given.now + SECOND + (own - given.now - SECOND) % span)


def _later(given: Given, one: Unsent, at: int) -> list[Said]:
    standing = given.standing
    wakes = min(
        max(whole_second(at), whole_second(given.now + SECOND)), max(one.until, whole_second(given.now + SECOND))
    )
    standing.unsent[standing.unsent.index(one)] = one._replace(wakes=wakes)
    return []


def _drop(given: Given, one: Unsent, gate: str) -> list[Said]:
    given.standing.unsent.remove(one)
    return [_not(given, one, gate)]


def _not(given: Given, one: Unsent, gate: str) -> Said:
    name = given.policy.named.get(one.moment, "")
    action = given.policy.named.get(one.action, "")
    return Said(NOT_RESENT, id_at(given, name), moment=name, action=action, gate=gate, trigger=f"{one.trigger:032x}")
