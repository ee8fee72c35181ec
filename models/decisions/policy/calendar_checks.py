"""Whether the calendars of a policy make sense: holidays that exist, and rows of hours that allow something."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import one_of, shown

_LEAP = 2000
_DAYS = 7


def faults_of_calendars(policy: Policy) -> Iterator[Problem]:
    """What is wrong with holidays, with the rows of hours that name them, and with markets."""
    for name, holidays in policy.holidays.items():
        seen: set[str] = set()
        for n, told in enumerate(holidays.dates):
            key = f"holidays.{name}.dates[{n}]"
            if not _is_a_day(told):
                yield Problem(key, shown(told), 'give a day that there is, such as "12-25" or "2027-03-26"')
            elif told in seen:
                yield Problem(key, shown(told), "give it once")
            seen.add(told)
    for n, row in enumerate(policy.contact.hours):
        key = f"contact.hours[{n}]"
        how_often = row.most is not None or row.rest is not None
        if not row.spans and not row.holidays and (not how_often or len(row.days) < _DAYS):
            takes = "give spans of the day, or holidays" + (", or leave out `days`" if how_often else "")
            yield Problem(f"{key}.spans", "", takes)
        for m, name in enumerate(row.holidays):
            if name not in policy.holidays:
                takes = f"{meant(name, policy.holidays)}give {one_of(policy.holidays)}" if policy.holidays else ""
                yield Problem(f"{key}.holidays[{m}]", shown(name), takes or f"add a table holidays.{name}")
    for n, country in enumerate(policy.markets):
        if country in policy.markets[:n]:
            yield Problem(f"markets[{n}]", shown(country), "give it once")


def _is_a_day(told: str) -> bool:
    try:
        date.fromisoformat(told if len(told) == len("2000-01-01") else f"{_LEAP}-{told}")
    except ValueError:
        return False
    return True
