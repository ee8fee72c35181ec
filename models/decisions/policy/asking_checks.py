"""Whether what asks for a decision makes sense: moments of dates, silences, answers that do not come, and counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.decisions.policy.asking_types import Moment
from models.decisions.policy.condition_checks import faults_of_condition
from models.decisions.policy.conditions import PERSON_FIELDS
from models.decisions.policy.parts import LONGEST_DURATION, ms_of, offset_of
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown

MOST_DATED: Final = 8
"""Moments of dates, of what is unanswered, and that count, in a policy: each may have an entry in a record."""
_OF_DATES: Final = ("field", "offset", "silent_for")
_OF_UNANSWERED: Final = ("answered_by", "after")
_OF_COUNTS: Final = ("nth", "in", "shared_on")
_OF_POINTS: Final = ("reaches",)
_OF_MEMBERSHIP: Final = ("change",)
_BELONGS: Final = {
    "date": _OF_DATES,
    "unanswered": _OF_UNANSWERED,
    "touchpoint": _OF_COUNTS,
    "points": _OF_POINTS,
    "spoke_well": (),
    "membership": _OF_MEMBERSHIP,
    "risk": (),
}
_SORT_OF: Final = {key: sort for sort, keys in _BELONGS.items() for key in keys}


def faults_of_dated(policy: Policy) -> Iterator[Problem]:
    """What is wrong with these moments, and with the keys that are theirs."""
    dated = [name for name, moment in policy.moment.items() if is_dated(moment)]
    if len(dated) > MOST_DATED:
        takes = f"give {MOST_DATED} moments of these sorts at most: a customer's record remembers no more"
        yield Problem(f"moment.{dated[MOST_DATED]}.sort", f"that of the {len(dated)}th of its sort", takes)
    for name, moment in policy.moment.items():
        key = f"moment.{name}"
        yield from _foreign(key, moment)
        if moment.sort == "date":
            yield from _of_dates(key, moment, policy)
        elif moment.sort == "unanswered":
            yield from _of_unanswered(key, moment)
        elif moment.sort == "touchpoint":
            yield from _of_counts(key, moment)
    for name in ("cancelling", "session"):
        if ms_of(getattr(policy.contract, name)) == 0:
            yield Problem(f"contract.{name}", '"0s"', 'give a duration above zero, such as "1h"')


def is_dated(moment: Moment) -> bool:
    """Whether a moment needs entries in a record (`models.decisions.standing.Dated`)."""
    return moment.sort in ("date", "unanswered") or moment.nth > 1


def _foreign(key: str, moment: Moment) -> Iterator[Problem]:
    """Keys of another sort of moment."""
    for name, sort in _SORT_OF.items():
        value = getattr(moment, "in_" if name == "in" else name)
        given = value not in (None, (), 1)
        if given and sort != moment.sort:
            yield Problem(f"{key}.{name}", shown(value), f'leave it out, or give sort = "{sort}"')


def _of_dates(key: str, moment: Moment, policy: Policy) -> Iterator[Problem]:
    if (moment.field is None) == (moment.silent_for is None):
        told = "" if moment.field is None else "given beside silent_for"
        yield Problem(f"{key}.field", told, "give either the field with the date, or silent_for")
    if moment.silent_for is not None:
        if ms_of(moment.silent_for) == 0:
            yield Problem(f"{key}.silent_for", shown(moment.silent_for), 'give a duration above zero, such as "60d"')
        if moment.offset is not None:
            yield Problem(f"{key}.offset", shown(moment.offset), "leave it out: the silence itself says when it asks")
    if moment.offset is not None and abs(offset_of(moment.offset)) > LONGEST_DURATION:
        yield Problem(f"{key}.offset", shown(moment.offset), "give at most ten years, 3650d")
    if moment.when is not None:
        yield from faults_of_condition(f"{key}.when", moment.when, PERSON_FIELDS, policy.protected)


def _of_unanswered(key: str, moment: Moment) -> Iterator[Problem]:
    if not moment.answered_by:
        yield Problem(f"{key}.answered_by", "", "give the types of touchpoints that answer, such as reply_sent")
    if moment.after is None or ms_of(moment.after) == 0:
        told = "" if moment.after is None else shown(moment.after)
        yield Problem(f"{key}.after", told, 'give how long an answer may take, such as "4h"')
    for n, name in enumerate(moment.answered_by):
        if name in moment.touchpoints and moment.when is None:
            takes = "leave it out, since it is what asks, or say by `when` which of them ask"
            yield Problem(f"{key}.answered_by[{n}]", shown(name), takes)


def _of_counts(key: str, moment: Moment) -> Iterator[Problem]:
    if moment.nth > 1 and (moment.in_ is None or ms_of(moment.in_) == 0):
        told = "" if moment.in_ is None else shown(moment.in_)
        yield Problem(f"{key}.in", told, 'give within how long it counts, such as "90d"')
    if moment.nth == 1 and moment.in_ is not None:
        yield Problem(f"{key}.in", shown(moment.in_), "leave it out, or give nth = 2 or more")
