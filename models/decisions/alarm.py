"""A shard's alarm: whether as much comes, and as many episodes open, as is usual for the hour of the week.

Its state is a function of the shard's log, moved on at each version boundary. Two things are watched. *Arrivals*: fewer
touchpoints than a share of the usual, so that silence may be an outage upstream and not the customers'. *Crossings*:
more episodes than usual, summed up over boundaries (Page's cumulative sum, E. S. Page, Continuous inspection schemes,
1954; in the literature on streams the Page-Hinkley test), each difference in standard deviations of a count. What is
usual is an exponential mean by part of the week, of which an alarmed time is no part; but what has been so for weeks is
the usual, or a change that stays would hold marketing for ever.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

from msgspec.structs import replace

from models.decisions.policy.types import AlarmRules
from models.settings import DAY, HOUR, WEEK
from models.timeline.shared import MOST_SPANS, Alarm, Usual

LEAST_WEEKS: Final = 2
"""Of so many weeks the usual must be known before anything is said."""
MOST_WEEKS_LEFT: Final = 2
"""After so many weeks in a row in which the alarm held, what is usual in that part of the week is learned anew."""
NEWEST: Final = 0.25
"""Weight of the newest week in what is usual."""
OVER_AT: Final = 1.5
"""Arrivals are as usual again from so many times the share on at which they were too few."""


def boundary_passed(
    alarm: Alarm, rules: AlarmRules, boundary: int, touchpoints: int, episodes: int, longest: int
) -> Alarm:
    """The state at a version boundary.

    Args:
        alarm: the state at the one before; with its boundary 0 this is the first, and nothing is known of before.
        rules: of the policy.
        boundary: log time, ms.
        touchpoints, episodes: the shard's totals.
        longest: windows of outcomes are no longer, ms.
    """
    spans = tuple(one for one in _spans(alarm, boundary) if one[1] > boundary - longest)
    at = replace(alarm, boundary=boundary, touchpoints=touchpoints, episodes=episodes, spans=spans)
    length = boundary - alarm.boundary
    if not alarm.boundary or length > DAY:
        return replace(at, usual=(), excess=0.0, crossings=0, arrivals=0)
    slots = WEEK // max(length, HOUR)
    place = boundary % WEEK // max(length, HOUR) % slots
    usual = alarm.usual if len(alarm.usual) == slots else (Usual(),) * slots
    a_week = max(HOUR // length, 1)
    stored, came, opened = usual[place], touchpoints - alarm.touchpoints, episodes - alarm.episodes
    known = stored if stored.left < MOST_WEEKS_LEFT * a_week else Usual()
    least = LEAST_WEEKS * a_week
    crossings, excess = _crossings(alarm, rules, known, opened, boundary, known.episodes_known >= least)
    arrivals = _arrivals(alarm, rules, known, came, boundary) if known.known >= least else 0
    held = crossings or arrivals
    now = replace(stored, left=min(stored.left + 1, 1000)) if held else _learned(known, came, opened)
    usual = (*usual[:place], now, *usual[place + 1 :])
    return replace(at, usual=usual, excess=excess, crossings=crossings, arrivals=arrivals)


def under_new_policy(alarm: Alarm, now: int) -> Alarm:
    """The state when another policy comes into force: other levels make other crossings, so what is usual of episodes
    is learned anew, and no alarm goes on. What is usual of touchpoints stays. now: log time, ms."""
    usual = tuple(Usual(one.known, one.touchpoints, left=one.left) for one in alarm.usual)
    spans = _spans(alarm, now)
    return replace(alarm, usual=usual, excess=0.0, crossings=0, arrivals=0, spans=spans)


def alarmed_share(alarm: Alarm, begins: int, ends: int) -> float:
    """How much of a window lay in alarmed time, 0 to 1. begins, ends: log time in ms."""
    spans, since = alarm.spans, _since(alarm)
    if since:
        spans = (*((at, min(until, since)) for at, until in spans), (since, ends))
    inside = sum(max(0, min(until, ends) - max(at, begins)) for at, until in spans)
    return inside / max(ends - begins, 1)


def _crossings(
    alarm: Alarm, rules: AlarmRules, usual: Usual, opened: int, boundary: int, sure: bool
) -> tuple[int, float]:
    """(since when the alarm holds, the sum). It holds until the sum is down to half. sure: the usual is known."""
    if not sure or max(usual.episodes, float(opened)) < rules.least:
        above = 0.0
    else:
        above = (opened - usual.episodes) / sqrt(max(usual.episodes, 1.0))
    excess = min(max(0.0, alarm.excess + above - rules.slack), 2.0 * rules.excess)
    if alarm.crossings:
        return (alarm.crossings if excess > rules.excess / 2.0 else 0), excess
    return (boundary if excess > rules.excess else 0), excess


def _arrivals(alarm: Alarm, rules: AlarmRules, usual: Usual, came: int, boundary: int) -> int:
    """Since when the alarm holds. The time that was too quiet has passed already when that is seen."""
    if not rules.arrivals or usual.touchpoints < rules.least:
        return 0
    if alarm.arrivals:
        enough = min(rules.arrivals * OVER_AT, 1.0) * usual.touchpoints
        return alarm.arrivals if came < enough else 0
    return alarm.boundary if came < rules.arrivals * usual.touchpoints else 0


def _learned(usual: Usual, touchpoints: int, episodes: int) -> Usual:
    weight, of_episodes = (max(NEWEST, 1.0 / (known + 1)) for known in (usual.known, usual.episodes_known))
    return Usual(
        min(usual.known + 1, 1000),
        round(usual.touchpoints + weight * (touchpoints - usual.touchpoints), 3),
        round(usual.episodes + of_episodes * (episodes - usual.episodes), 3),
        episodes_known=min(usual.episodes_known + 1, 1000),
    )


def _spans(alarm: Alarm, boundary: int) -> tuple[tuple[int, int], ...]:
    """When one of the alarms held, up to a boundary."""
    since = _since(alarm)
    if not since:
        return alarm.spans
    spans = (*alarm.spans, (since, boundary))
    if len(spans) > 1 and spans[-2][1] >= since:
        spans = (*spans[:-2], (min(spans[-2][0], since), boundary))
    if len(spans) > MOST_SPANS:
        spans = ((spans[0][0], spans[1][1]), *spans[2:])
    return spans


def _since(alarm: Alarm) -> int:
    """Since when one of the alarms holds; 0: none does."""
    return min(filter(None, (alarm.crossings, alarm.arrivals)), default=0)
