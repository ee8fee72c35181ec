"""The answers to what has asked and is due: a trigger, leaving alone, a wait with its reason, or an end.

Each waking judges all gates anew; nothing is kept of an earlier judging. Moments of touchpoints are answered first, and
one of them triggers at most at one place of the line; the moment of risk is drawn, once a window.
"""

from __future__ import annotations

from msgspec import structs

from models.customer.layout import UNLEARNED
from models.decisions import shadow
from models.decisions.best_hour import at_best
from models.decisions.draw import share_for
from models.decisions.drawing import draw, want
from models.decisions.gates import Ask, Judged, customer_wide, judge, needs_a_person, reaches_nobody
from models.decisions.given import Given, Said, id_at
from models.decisions.hours import Opening
from models.decisions.plans import arm_drawn
from models.decisions.policy.asking_types import level_reached
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import ms_of
from models.decisions.rules import rules_of
from models.decisions.sending import send
from models.decisions.standing import Waiting
from models.decisions.takings import is_held_by_budgets_alone
from models.decisions.treated import after_draw
from models.decisions.turns import CARRIED_OVER, own_turn
from models.decisions.waits import (
    AFTER_OTHER,
    IN_WINDOW,
    LEAST_WAIT,
    LEAVE_ALONE,
    NO_MOMENT,
    end,
    give_way,
    hold_back,
    is_in_control,
    later,
    not_for_control,
    note_once,
    opening_of,
    score_of,
    task,
    told_candidates,
    wait,
    whole_second,
)
from models.decisions.waking import wakes
from models.settings import DAY, SECOND


def answers(given: Given, triggered: bool = False) -> list[Said]:
    """The answers to what waits and is due, in the order in which they are given. Changes `given.standing`: what is
    answered waits no more, what goes on waiting wakes later than now. triggered: something was, at this place."""
    standing, now, policy = given.standing, given.now, given.policy
    woken = given.touch is not None and wakes(policy, given.touch.kind, given.touch.data)
    due = [
        one
        for one in standing.waiting
        if (woken and not (one.threshold and standing.carried)) or (one.wakes and one.wakes <= now)
    ]
    if not due:
        return []
    said: list[Said] = []
    for one in sorted(due, key=lambda one: rank(policy, one)) if len(due) > 1 else due:
        name = _moment(policy, one)
        if not name:
            standing.leave(one)
            said.append(Said("decided", id_at(given, str(one.moment)), action=LEAVE_ALONE, gate=NO_MOMENT))
        elif triggered and not _is_over(given, one, name):
            until = now + (DAY if one.threshold else LEAST_WAIT)
            said.append(wait(given, one, name, AFTER_OTHER, until, _level(given, one) if one.threshold else ""))
        else:
            made: list[Said] = []
            found = (_answer_risk if one.threshold else _answer_touch)(given, one, name, made)
            said += [*made, found]
            triggered = triggered or found.sending is not None
    return said


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
    return name if name in rules_of(policy).moments and name != policy.risk_moment else ""


def _is_over(given: Given, one: Waiting, name: str) -> bool:
    within = rules_of(given.policy).moments[name].within
    return bool(within) and given.now >= one.asked + within


def _answer_touch(given: Given, one: Waiting, name: str, made: list[Said]) -> Said:
    policy, now = given.policy, given.now
    ask = Ask(policy, given.person, given.standing, now, name, one.asked, "", given.shared, given.stops)
    wide = customer_wide(ask)
    if wide is not None:
        return end(given, one, name, wide.code)
    judged = _judged(ask, name)
    passing = [found for found in judged if not found.held]
    if not passing:
        owed = next((found for found in judged if needs_a_person(found) or reaches_nobody(ask, found)), None)
        if owed is not None:
            return task(given, one, name, owed, judged)
        if one.moment not in given.standing.told:  # recorded once
            made += shadow.of_touchpoint(given, name, judged, None)
        return give_way(given, ask, one, judged, made) or hold_back(given, one, name, judged)
    hours = [(found, _best(given, ask, one, found)) for found in passing]
    open_now = [(found, hour) for found, hour in hours if hour is not None and hour.at <= now]
    if not open_now:
        return later(given, one, name, judged, [hour for _, hour in hours if hour is not None])
    best, hour = open_now[0]
    if len(open_now) > 1:
        actions = policy.policy.action
        best, hour = max(open_now, key=lambda item: (actions[item[0].action].priority, score_of(given, item[0])))
    made += shadow.of_touchpoint(given, name, judged, best)
    control = not_for_control(given, best.action) and is_in_control(given)
    given.standing.waiting.remove(one)
    note_once(given, name)
    told = told_candidates(given, judged, {open_one.action: 0 for open_one, _ in open_now})
    said = Said(
        "decided",
        id_at(given, name),
        moment=name,
        action=best.action,
        channel=best.channel,
        candidates=told,
        control=control,
    )
    return said if control else send(given, said, hour, 0.0, made, None if one.again else one)


def _answer_risk(given: Given, one: Waiting, name: str, made: list[Said]) -> Said:
    policy, now, standing = given.policy, given.now, given.standing
    level = _level(given, one)
    if standing.carried and one.wakes and one.wakes <= now:
        standing.carried, standing.live = False, shadow.TURNED
    if standing.window_ends > now:
        return wait(given, one, name, IN_WINDOW, standing.window_ends, level)
    ask = Ask(policy, given.person, standing, now, name, one.asked, level, given.shared, given.stops)
    wide = customer_wide(ask)
    if wide is not None:
        return end(given, one, name, wide.code, level)
    judged = _judged(ask, name)
    passing = [found for found in judged if not found.held]
    if not passing:
        owed = next((found for found in judged if needs_a_person(found)), None)
        if owed is not None:
            return task(given, one, name, owed, judged, level)
        made += shadow.of_level(given, name, level, one.threshold, judged)
        if not standing.live & shadow.TURNED:
            standing.live = shadow.ONLY_SHADOW * shadow.alone(judged)
        said = give_way(given, ask, one, judged, made) or hold_back(given, one, name, judged, level)
        if said.gate == "budget":  # it is told once, however often it is looked at
            want(given, [*filter(is_held_by_budgets_alone, judged)], id_at(given, name, level), is_in_control(given))
        return said
    if standing.live == shadow.ONLY_SHADOW and (until := own_turn(given)):
        standing.carried = True
        return wait(given, one, name, CARRIED_OVER, until, level)
    hours = [(found, _best(given, ask, one, found)) for found in passing]
    open_now = [(found, hour) for found, hour in hours if hour is not None and hour.at <= now]
    if not open_now:
        return later(given, one, name, judged, [hour for _, hour in hours if hour is not None], level)
    made += shadow.of_level(given, name, level, one.threshold, judged)
    found_id, control = id_at(given, name, level), is_in_control(given)
    ends = whole_second(now + ms_of(policy.policy.choice.window))
    short = [*filter(is_held_by_budgets_alone, judged)]
    fallen = draw(given, [found for found, _ in open_now], found_id, ends, control, short)
    standing.leave(one)
    if not ask.test:
        standing.window_ends = ends
        standing.window = None if fallen.by is None else fallen.by[1]
        if standing.window is not None and given.known is not None:
            standing.window_ends = whole_second(ends + given.known.lateness)
        if standing.window is not None and given.known is not None and not given.person.flags & UNLEARNED:
            share = share_for(policy.policy.control, given.person, now)
            longest = given.known.horizon + given.known.lateness
            standing.treated = after_draw(
                standing.treated, standing.window, fallen.chances[0], given.person.last_sign, share, longest
            )
    standing.shadowed = 0.0
    by_action = {LEAVE_ALONE: fallen.chances[0]} | {
        found.action: chance for (found, _), chance in zip(open_now, fallen.chances[1:], strict=True)
    }
    said = Said(
        "decided",
        found_id,
        moment=name,
        level=level,
        action=LEAVE_ALONE,
        candidates=fallen.told(told_candidates(given, judged, by_action)),
        control=control,
        drawn=None if fallen.by is None else fallen.by[0],
    )
    if fallen.place == 0:
        return structs.replace(said, reason=fallen.reason)
    best, hour = open_now[fallen.place - 1]
    said = structs.replace(said, action=best.action, channel=best.channel)
    if policy.policy.action[best.action].then is not None and not said.control:
        arm_drawn(given, best.action)
    return said if said.control else send(given, said, hour, fallen.chances[fallen.place] / 2**32, made)


# -- parts


def _judged(ask: Ask, name: str) -> list[Judged]:
    """All actions of a moment, judged. What budgets alone hold is demand that they could not meet."""
    judged = [judge(ask, action) for action in ask.policy.actions_of(name)]
    if ask.purse is not None and ask.rules.budgets:
        for found in judged:
            if is_held_by_budgets_alone(found):
                ask.purse.demand(ask.rules, ask.rules.actions[found.action], ask.now)
    return judged


def _level(given: Given, one: Waiting) -> str:
    """The name of the level that asked, in the policy in force."""
    return (level_reached(given.levels, one.threshold) or given.levels[0]).name


def _best(given: Given, ask: Ask, one: Waiting, found: Judged) -> Opening | None:
    """`opening_of`, or a better hour of the coming day, within the moment's life."""
    hour, rules = opening_of(ask, found), given.policy.policy.best_hour
    if hour is None or rules is None or ask.test:
        return hour
    if ask.moment not in (rules.moments or (given.policy.risk_moment,)):
        return hour
    purpose, within = ask.rules.actions[found.action].purpose, ask.rules.moments[ask.moment].within
    latest = one.asked + within - SECOND if within else given.now + DAY
    return at_best(given, purpose, found.channel, hour, latest)
