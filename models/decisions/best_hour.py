"""The hour at which a customer answers best: their own answers so far, shrunk to those of everybody.

A day has eight parts of three hours on the clock of the customer's zone. Of each it is counted, up to 15, how often
they answered in it (opened, accepted, redeemed); when one is full, all are halved, so that what is old fades.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from models.customer.restrictions import MARKETING
from models.decisions.given import Given, Touched
from models.decisions.hours import LEAST_LIFE, Opening, opening, zones_of
from models.decisions.policy.contact_types import BestHour
from models.decisions.rules import rules_of
from models.decisions.zones import moment_of
from models.settings import DAY, SECOND
from models.touchpoints.kinds import Kind

PARTS: Final = 8
"""Of a day."""
MOST: Final = 15
"""That is counted of a part."""
ANSWERS: Final = frozenset({Kind.OFFER_OPENED, Kind.OFFER_ACCEPTED, Kind.COUPON_REDEEMED})
"""Kinds of touchpoints that say that the hour was a good one."""
_MINUTES: Final = 24 * 60 // PARTS


def counts_of(stored: int) -> list[int]:
    """By part, as `Standing.answers` has them: four bits each, the first part lowest."""
    return [stored >> 4 * part & MOST for part in range(PARTS)]


def with_answer(stored: int, part: int) -> int:
    """The same after one more answer in a part."""
    counts = counts_of(stored)
    if counts[part] == MOST:
        counts = [count // 2 for count in counts]
    counts[part] += 1
    return sum(count << 4 * place for place, count in enumerate(counts))


def shares(stored: int, rules: BestHour) -> list[float]:
    """How well each part of the day is answered; only their order says something."""
    total = sum(rules.population)
    return [
        count + rules.weight * usual / total for count, usual in zip(counts_of(stored), rules.population, strict=True)
    ]


def note_answer(given: Given, touch: Touched) -> None:
    """Count an answer, if a touchpoint is one and the policy asks for it."""
    if touch.kind in ANSWERS and given.policy.policy.best_hour is not None:
        zone = _zone(given)
        if zone is not None:
            standing = given.standing
            standing.answers = with_answer(standing.answers, _part(touch.time // SECOND, zone))


def at_best(given: Given, purpose: str, channel: str, hour: Opening, latest: int) -> Opening:
    """The best hour of the coming day in which a contact may go out, from the first on at which it may: of equals the
    earlier. The first itself where the policy asks for no best hour, the customer is online there, or nobody knows
    what time it is where they are.

    Args:
        purpose: of the action; others than marketing go out at once.
        hour: the first span in which a contact may go out.
        latest: no later, ms.
    """
    rules = given.policy.policy.best_hour
    if rules is None or purpose != MARKETING or _is_online(given, channel):
        return hour
    zone = _zone(given)
    if zone is None:
        return hour
    first = max(hour.at, given.now)
    best, most = hour, -1.0
    of_part = shares(given.standing.answers, rules)
    for begins, ends in _parts_ahead(first // SECOND, zone):
        if begins * SECOND > min(latest, first + DAY):
            break
        found = opening(given.policy, given.person, purpose, channel, max(begins * SECOND, first))
        if found is None or found.at + LEAST_LIFE > min(ends * SECOND, found.until or ends * SECOND):
            continue
        share = of_part[_part(found.at // SECOND, zone)]
        if share > most and found.at <= latest:
            best, most = found, share
    return best


def _is_online(given: Given, channel: str) -> bool:
    rules = rules_of(given.policy).policy.channel.get(channel)
    return rules is not None and rules.presence and given.person.online(given.now) == channel


def _zone(given: Given) -> ZoneInfo | None:
    """The customer's; None: their country has several, and nobody has said which."""
    tail = given.person.tail
    policy = given.policy.policy
    zones, _ = zones_of(tail.time_zone, tail.country, policy.zone or "", policy.markets)
    return zones[0] if len(zones) == 1 else None


def _part(second: int, zone: ZoneInfo) -> int:
    return datetime.fromtimestamp(second, zone).hour * 60 // _MINUTES


def _parts_ahead(second: int, zone: ZoneInfo) -> Sequence[tuple[int, int]]:
    """The part of a moment and those of the day after it, as (first second, first one after it)."""
    day = datetime.fromtimestamp(second, zone).toordinal()
    edges = [moment_of(zone, day + n // PARTS, n % PARTS * _MINUTES) for n in range(2 * PARTS + 1)]
    spans = [(begins, ends) for begins, ends in pairwise(edges) if begins < ends]
    return [(begins, ends) for begins, ends in spans if ends > second][: PARTS + 1]
