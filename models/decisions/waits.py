"""How what asks goes on without a trigger: it waits, with a reason and a time, or it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from models.customer.restrictions import CARE, MARKETING
from models.decisions.contact import remember, withdraw
from models.decisions.draw import in_control, score
from models.decisions.gate_table import STOPPED
from models.decisions.gates import Ask, Judged
from models.decisions.given import Given, Said, id_at
from models.decisions.hours import LEAST_LIFE, Opening, opening_by
from models.decisions.outranking import OUTRANKING, outranked
from models.decisions.policy.types import Policy
from models.decisions.rules import rules_of
from models.decisions.standing import Waiting, gate_number
from models.decisions.words import SENTENCES, WAITS
from models.outputs import TASK, Candidate
from models.settings import HOUR, MINUTE, SECOND

LEAVE_ALONE: Final = "leave_alone"
AFTER_OTHER, IN_WINDOW, HOURS, NEVER_OPEN = "after_other", "in_window", "hours", "hours_never"
CROWDED, NO_MOMENT, NO_ACTION = "crowded", "no_moment", "no_action"
"""Why a moment waits, or ends, that is no gate's."""
LEAST_WAIT: Final = HOUR
_NUMBERS: Final = {code: gate_number(code) for code in (*SENTENCES, *WAITS)}
CODES_OF: Final = {number: code for code, number in _NUMBERS.items()}
"""By `gate_number`, what a moment may have been said to wait for."""
if len(CODES_OF) < len(_NUMBERS):
    raise ImportError("two gates have one number in the record: give one of them another code")
SPREAD: Final = 30 * MINUTE
"""Those who wait for one hour of the day come back within so long of it."""


def lifts(found: Judged) -> int:
    """When all that holds an action has lifted by itself, at the earliest, ms; 0: nothing holds it, or for good."""
    last = 0
    for _, until in found.held:
        if not until:
            return 0
        last = max(last, until)
    return last


def hold_back(given: Given, one: Waiting, name: str, judged: Sequence[Judged], level: str = "") -> Said:
    """No action passes its gates: the moment waits for the first to open, or it has come to its end."""
    of, first_of = None, 0
    for found in judged:
        lifting = lifts(found)
        if lifting and (of is None or lifting < first_of):
            of, first_of = found, lifting
    if of is None:
        first = next((held.code for held in judged[0].held if held.code != STOPPED), STOPPED) if judged else NO_ACTION
        return end(given, one, name, first, level, judged)
    until = min(max(first_of, given.now + LEAST_WAIT), given.now + given.tick)
    return wait(given, one, name, of.held[0].code, until, level)


def give_way(given: Given, ask: Ask, one: Waiting, judged: Sequence[Judged], made: list[Said]) -> Said | None:
    """Take back what takes the place of a more important action, and wait for word of it; at its expiry it counts as
    delivered. None: nothing gives way. made: takes the withdrawals."""
    found = outranked(ask, judged)
    hour = None if found is None else opening_of(ask, found.judged)
    if found is None or hour is None or hour.at > given.now:
        return None
    for entry in found.gives_way:
        if withdraw(given.standing, entry.id):
            name = given.policy.named[entry.action]
            made.append(Said("withdrawn", reason=OUTRANKING, trigger=f"{entry.id:032x}", action=name, withdraws=True))
    until = min(max(entry.expires for entry in found.gives_way), given.now + given.tick)
    return wait(given, one, ask.moment, OUTRANKING, until, ask.level)


def later(
    given: Given, one: Waiting, name: str, judged: Sequence[Judged], hours: Sequence[Opening], level: str = ""
) -> Said:
    """It is not the hour: the moment waits for the next."""
    if not hours:
        return end(given, one, name, NEVER_OPEN, level, judged)
    first = min(hours, key=lambda hour: hour.at)
    span = min(SPREAD, first.until - first.at) if first.until else SPREAD
    return wait(given, one, name, HOURS, first.at + given.phase % max(span, SECOND), level)


def wait(given: Given, one: Waiting, name: str, gate: str, until: int, level: str = "") -> Said:
    """Look at it again then; a touchpoint's moment must be answered within its life.

    Said once for what it waits for, however often it is looked at meanwhile; what is taken back for it is said each
    time.
    """
    standing, within = given.standing, rules_of(given.policy).moments[name].within
    if within and one.asked + within < until:
        until = one.asked + within
    wakes = whole_second(until)
    if one.wakes != wakes:
        moment, asked, _, threshold, again = one
        standing.waiting[standing.waiting.index(one)] = Waiting(moment, asked, wakes, threshold, again)
    number = _NUMBERS[gate]
    if standing.told.get(one.moment) == number and gate != OUTRANKING:
        return Said("")
    standing.told[one.moment] = number
    return Said("waits", id_at(given, name, level), moment=name, level=level, gate=gate, until=wakes)


def end(given: Given, one: Waiting, name: str, gate: str, level: str = "", judged: Sequence[Judged] = ()) -> Said:
    """It is answered for good: nothing may be done."""
    given.standing.leave(one)
    note_once(given, name)
    return Said(
        "decided",
        id_at(given, name, level),
        moment=name,
        level=level,
        action=LEAVE_ALONE,
        gate=gate,
        candidates=told_candidates(given, judged),
    )


def crowded(given: Given, name: str) -> Said:
    """A moment ends without an answer: others that wait leave no room for it."""
    return Said("decided", id_at(given, name), moment=name, action=LEAVE_ALONE, gate=CROWDED)


def task(given: Given, one: Waiting, name: str, owed: Judged, judged: Sequence[Judged], level: str = "") -> Said:
    """Somebody has to see to it: what is due to the customer reaches them on no channel, or is not done by itself. What
    the control group does not get is due to none of them."""
    found = end(given, one, name, owed.held[0].code, level, judged)
    if not_for_control(given, owed.action) and is_in_control(given):
        return found
    return structs.replace(found, action=TASK, reason=owed.action)


# -- parts


def opening_of(ask: Ask, found: Judged) -> Opening | None:
    """The next span in which an action may go out by its channel; of marketing, one that is long enough."""
    if ask.test:
        return Opening(ask.now, 0, "")
    purpose = ask.rules.actions[found.action].purpose
    hour = ask.opening(purpose, found.channel)
    if purpose == MARKETING and hour is not None and 0 < hour.until < hour.at + LEAST_LIFE:
        return opening_by(ask.rules, ask.person, purpose, found.channel, hour.until)
    return hour


def score_of(given: Given, found: Judged) -> float:
    """By the policy's figures; of an action with a second step, that too as often as it is reached."""
    scores, key = rules_of(given.policy).scores, (found.action, found.channel)
    score = scores.get(key)
    if score is None:
        score = scores[key] = _score(given.policy.policy, *key)
    return score


def _score(policy: Policy, name: str, by: str) -> float:
    action, channel = policy.action[name], policy.channel[by]
    if action.then is None:
        return score(action, channel)
    second = policy.action[action.then.action]
    then_by = policy.channel[second.channels[0]] if second.channels else channel
    return score(action, channel) + action.then.reached * score(second, then_by)


def told_candidates(
    given: Given, judged: Sequence[Judged], free: dict[str, int] | None = None
) -> tuple[Candidate, ...]:
    """free: chances of those that could be done at once; what passes its gates and is not among them is held by the
    hour. None: nothing could."""
    if not judged:
        return ()
    chance = free or {}
    told = [Candidate(LEAVE_ALONE, chance=chance[LEAVE_ALONE])] if LEAVE_ALONE in chance else []
    for found in judged:
        action, channel, held = found
        gates = tuple([one.code for one in held])
        if not held and free is not None and action not in free:
            gates = (HOURS,)
        told.append(
            Candidate(action, channel, gates, score_of(given, found) if channel else 0.0, chance.get(action, 0))
        )
    return tuple(told)


def not_for_control(given: Given, action: str) -> bool:
    """Whether the control group does not get an action."""
    policy = given.policy.policy
    purpose = policy.action[action].purpose
    return purpose == MARKETING or (purpose == CARE and not policy.control.care)


def is_in_control(given: Given) -> bool:
    held = in_control(given.policy.policy.control, given.person, given.now, given.standing.inherited)
    return held and not given.person.is_test(given.now)


def note_once(given: Given, name: str) -> None:
    """Remember when, where the policy limits how often."""
    moment = rules_of(given.policy).moments[name]
    if moment.once_per and not given.person.is_test(given.now):
        remember(given.standing, given.policy, moment.number, given.now)


def whole_second(ms: int) -> int:
    """The first whole second at or after a moment, ms."""
    return -(-ms // SECOND) * SECOND
