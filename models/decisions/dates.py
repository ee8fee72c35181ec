"""Moments that a date asks, a silence, a touchpoint that nothing has answered, or the nth of its sort.

What they go by lies in `Standing.dates`, of customers who have such a thing only. A date has one timer at a time. No
touchpoint takes a timer away: it rings, and what it was set for is looked up in the record anew. A date that has asked
is remembered as long as it could ask again, so that it asks once in whatever order things are told: also where an older
purchase is told late and the date itself moves, and where a policy drops the moment and another brings it back.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable, Iterator, Sequence
from datetime import date as day_of
from functools import partial
from operator import is_
from typing import Final, NamedTuple

from models.customer.consent import MARKETING
from models.customer.contract import ACTIVE, ENDS, PAUSED
from models.customer.moments import whole
from models.customer.restrictions import NOT_OF_AGE
from models.decisions.comes import comes
from models.decisions.dated_rules import BY_SIGN, DatedRules
from models.decisions.given import Given, Said, Touched, decision_id
from models.decisions.person import Person, value_of
from models.decisions.policy.conditions import holds
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.resending import never_mind
from models.decisions.rules import rules_of
from models.decisions.standing import MAX_DATED, Dated, Standing, Waiting
from models.decisions.standing_stored import timers_in
from models.decisions.unsent import Unsent
from models.decisions.waits import whole_second
from models.loyalty.account import NEVER_EXPIRES
from models.settings import DAY

MOST_YEARS: Final = 60
LAST_YEAR: Final = 2105
"""The last whole one that the record's seconds reach."""
_EPOCH: Final = day_of(1970, 1, 1).toordinal()
HALF_A_YEAR: Final = 182 * DAY
REMEMBERED: Final = 365 * DAY
"""How long after a date it is remembered of a moment that the policy has no more: its life is not known without it."""
ANSWERED: Final = "answered"
GONE: Final = "its date is another now"


def dates_of(person: Person, rules: DatedRules) -> Sequence[int]:
    """The dates of a customer that a moment goes by, the earliest first, ms, whole seconds."""
    if rules.silent_for:
        return (whole_second(person.last_sign + rules.silent_for),) if person.last_sign else ()
    if rules.field == "minor_until":
        minor = person.restrictions.get(NOT_OF_AGE)
        return (minor.until,) if minor is not None else ()
    if rules.field == "consent_expires":
        granted = (said for (purpose, _), said in person.register.items() if purpose == MARKETING and said.granted)
        return sorted({said.expires for said in granted if said.expires})
    if rules.field in BY_SIGN:
        return _since(person.first_sign, rules.field == "anniversary")
    if rules.field == "points_expire":
        return sorted(lot for lot in person.points.lots if lot != NEVER_EXPIRES)
    contract = person.contract
    if not rules.field or contract is None:
        return ()
    if rules.field == "ends_at":
        return (contract.renews_at,) if contract.state == ENDS else ()
    date = contract.renews_at if rules.field == "renews_at" else contract.cancel_by
    return (date,) if date and contract.state in (ACTIVE, PAUSED) else ()


def _since(first: int, yearly: bool) -> Sequence[int]:
    """When a customer bought first, ms, or when a year, two and so on are over since: on that day and at that time,
    UTC, of 29 February on the first of March where there is none."""
    if not first:
        return ()
    if not yearly:
        return (first,)
    day, time = day_of.fromordinal(_EPOCH + first // DAY), first % DAY
    years = range(day.year + 1, min(day.year + MOST_YEARS, LAST_YEAR) + 1)
    leap = (day.month, day.day) == (2, 29)
    days = (day_of(y, 3, 1) if leap and not isleap(y) else day.replace(year=y) for y in years)
    return [(one.toordinal() - _EPOCH) * DAY + time for one in days]


def _by_sign(rules: DatedRules) -> bool:
    return bool(rules.silent_for) or rules.field in BY_SIGN


def comes_to_ask(given: Given, touch: Touched, name: str) -> bool:
    """Whether a touchpoint of a moment asks at once: not where an answer may come yet, or it is not the nth."""
    rules = next((one for one in rules_of(given.policy).dated if one.name == name), None)
    if rules is None:
        return True
    standing, time = given.standing, min(whole(touch.time), given.now)
    own = [one for one in standing.dates if one.moment == rules.number]
    if rules.after:
        if not own and given.now < time + rules.after + rules.within:
            _add(given, Dated(rules.number, time, whole_second(time + rules.after)))
        return False
    counted = [one.date for one in own if one.date > time - rules.within_last]
    if len(counted) + 1 >= rules.nth:
        standing.dates = tuple(one for one in standing.dates if one.moment != rules.number)
        return True
    _add(given, Dated(rules.number, time))
    return False


def ask_by_dates(given: Given) -> Iterator[Said]:
    """Let what is due ask, and set the timers of what is to come; what waits for a reason that is gone is void."""
    of_policy, standing, touch = rules_of(given.policy), given.standing, given.touch
    rules = of_policy.dated
    if touch is not None and touch.kind in of_policy.answers:
        _hear_answers(given, rules, touch)
    found = _as_of(given.policy, given.person, standing, given.now)
    if found.kept != standing.dates:
        standing.dates = _fewer(found.kept)
    standing.silence_kept = found.silence_kept
    if standing.waiting or standing.unsent:
        yield from _without_reason(given, rules)
    for one, since in found.due:
        yield from _ask(given, one, since)


class _AsOf(NamedTuple):
    """kept: the dates that are remembered or to come. due: what asks now, and when its life began. silence_kept: as of
    `Standing`."""

    kept: tuple[Dated, ...]
    due: list[tuple[DatedRules, int]]
    silence_kept: bool


def _as_of(policy: PolicyInForce, person: Person, standing: Standing, now: int) -> _AsOf:
    """What there is of dates at `now`, ms."""
    rules = rules_of(policy)
    if rules.of_contract and not (standing.dates or person.tail.contract):
        return _AsOf((), [], False)  # as below, and sooner: most customers of a policy with dates have none
    kept: list[Dated] = []
    if standing.dates:
        known = {one.number for one in rules.dated}
        kept += [dated for dated in standing.dates if dated.moment not in known and _may_come_back(dated, now)]
    due: list[tuple[DatedRules, int]] = []
    silence_kept = True
    for one in rules.dated:
        own = [dated for dated in standing.dates if dated.moment == one.number]
        if one.after or one.nth > 1:
            kept += [dated for dated in own if _is_to_come(one, dated, now)]
            due += [(one, dated.wakes) for dated in own if 0 < dated.wakes <= now]
            continue
        found = _timers(person, now, one, own, due)
        kept += found
        silence_kept = silence_kept and (not _by_sign(one) or any(dated.wakes for dated in found))
    return _AsOf(tuple(kept), due, rules.of_silence and silence_kept)


def _timers(
    person: Person, now: int, rules: DatedRules, own: Sequence[Dated], due: list[tuple[DatedRules, int]]
) -> list[Dated]:
    """The timer of a moment's next date, and the dates that have asked and could ask again. due: takes what asks now,
    and when its life began."""
    dates = dates_of(person, rules)
    if not own and not dates:
        return []
    asked = {one.date for one in own if not one.wakes and now < one.date + rules.offset + rules.within}
    ahead: list[Dated] = []
    # What has come stays what it was, though a renewal names the next; a first purchase is the oldest that was told.
    stays = bool(rules.field) and rules.field not in BY_SIGN
    past = {one.date for one in own if stays and one.wakes and one.date <= now}
    for date in sorted(past.union(dates)):
        rings = date + rules.offset
        if date in asked or rings + rules.within <= now or rings <= 0:
            continue
        if rings > now:
            ahead.append(Dated(rules.number, date, rings))
            break
        if not _is_one_of(rules, date, asked):
            due.append((rules, rings))
        asked.add(date)
    return [Dated(rules.number, date) for date in sorted(asked)] + ahead


def _is_one_of(rules: DatedRules, date: int, dates: Iterable[int]) -> bool:
    """Whether a date is one of these. A first purchase that is told late moves the day, not the year that it is of:
    what lies within a life of it, or half a year, is the same."""
    near = min(rules.within, HALF_A_YEAR) if rules.field in BY_SIGN else 1
    return any(abs(date - one) < near for one in dates)


def _may_come_back(dated: Dated, now: int) -> bool:
    """Whether what a moment that the policy does not have has asked for, or counts, is kept: it may be brought back."""
    return not dated.wakes and now < dated.date + REMEMBERED


def _is_to_come(rules: DatedRules, dated: Dated, now: int) -> bool:
    return dated.wakes > now if rules.after else dated.date > now - rules.within_last


def _ask(given: Given, rules: DatedRules, since: int) -> Iterator[Said]:
    person, now = given.person, given.now
    if given.history or now >= since + rules.within:
        return
    if rules.when is not None and not holds(rules.when, lambda field: value_of(person, field, now)):
        return
    yield from comes(given, rules.name, since)


def _hear_answers(given: Given, rules: Sequence[DatedRules], touch: Touched) -> None:
    """What a touchpoint answers asks no more."""
    answered = {one.number for one in rules if _answers(one, touch)}
    if answered:
        standing = given.standing
        standing.dates = tuple(
            one for one in standing.dates if one.moment not in answered or one.date > whole(touch.time)
        )


def _answers(rules: DatedRules, touch: Touched) -> bool:
    """Whether a touchpoint answers what a moment waits for; one that asks answers nothing."""
    return touch.kind in rules.answered_by and rules.name not in touch.moments


def _without_reason(given: Given, rules: Sequence[DatedRules]) -> Iterator[Said]:
    """Moments that wait, and whose date is no more the customer's, or that somebody has answered."""
    standing, touch = given.standing, given.touch
    for one in rules:
        asks: list[Waiting | Unsent] = [found for found in standing.waiting if not found.threshold]
        for waiting in [found for found in (*asks, *standing.unsent) if found.moment == one.number]:
            if one.after:
                heard = touch is not None and _answers(one, touch)
                gone = heard and touch is not None and whole(touch.time) >= waiting.asked - one.after
            else:
                date = waiting.asked - one.offset
                to_come = bool(one.silent_for) or date > given.now
                asked = {dated.date for dated in standing.dates if dated.moment == one.number and not dated.wakes}
                # By what has asked: another policy may count from the date otherwise.
                stands = any(_is_one_of(one, told, {date, *asked}) for told in dates_of(given.person, one))
                gone = one.nth == 1 and to_come and not stands
            if gone and isinstance(waiting, Unsent):
                yield from never_mind(given, ANSWERED if one.after else GONE, partial(is_, waiting))
            elif gone and isinstance(waiting, Waiting):
                standing.waiting.remove(waiting)
                standing.told.pop(waiting.moment, None)  # it may ask anew at once
                name = decision_id(given.person.customer, one.name, given.now, "void", "")
                yield Said("void", name, moment=one.name, reason=ANSWERED if one.after else GONE)


def _add(given: Given, dated: Dated) -> None:
    given.standing.dates = _fewer([*given.standing.dates, dated])


def _fewer(dates: Sequence[Dated]) -> tuple[Dated, ...]:
    """No more than a record remembers: what has no timer goes first."""
    return tuple(dates if len(dates) <= MAX_DATED else sorted(dates, key=lambda one: one.wakes > 0)[-MAX_DATED:])


def silences_kept(policy: PolicyInForce, stored: bytes, last_sign: int) -> bool:
    """Whether each silence that asks has its timer, which rings early enough, in what is stored of a standing.
    `Standing.silence_kept` says so of the policy under which the customer was decided last. last_sign: of staying,
    ms."""
    timers = timers_in(stored)
    return all(
        number in timers and (not silent_for or timers[number] <= whole_second(last_sign + silent_for))
        for number, silent_for in rules_of(policy).silences.items()
    )


def lacks_a_timer(policy: PolicyInForce, person: Person, standing: Standing, now: int) -> bool:
    """Whether a look at a customer would let a date ask, or set a timer that there is not: as after a policy with other
    moments came into force."""
    for rules in rules_of(policy).dated:
        if rules.after or rules.nth > 1:
            continue
        own = [one for one in standing.dates if one.moment == rules.number]
        due: list[tuple[DatedRules, int]] = []
        found = _timers(person, now, rules, own, due)
        if due or any(one.wakes and one not in own for one in found):
            return True
    return False
