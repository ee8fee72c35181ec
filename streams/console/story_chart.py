"""One customer on one time line: risk as estimated and as foreseen, what they did, what we sent or held back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup

from models.decisions.shared_moments import ENDED, REFUSED, SHARED_MOMENTS
from models.settings import DAY
from streams.console.sources import Course, Story, Touch
from streams.console.svg import Scale, as_table, dot, drawn, line, scale, svg, text
from streams.text import as_words

WIDTH, LEFT, RIGHT = 1240, 44, 1090
TOP, BOTTOM = 16, 250
LANES: Final = (("purchases", 285), ("contacts", 308), ("service", 331), ("social", 354), ("from us", 386))
LANE_OF: Final = {
    "purchases": {"purchase", "return", "subscription_started", "subscription_renewed", "coupon_redeemed"},
    "service": {"case_opened", "case_updated", "case_resolved", "complaint", "csat", "nps", "payment_failed"},
    "social": {"mention", "review", "recommendation", "referral", "community_help"},
}
BAD: Final = frozenset({"complaint", "case_opened", "payment_failed", "delivery_delayed", "return"})
LONGEST_AHEAD: Final = 60 * DAY
MOST_ROWS: Final = 200


def story_chart(story: Story) -> Markup:
    """The picture, and the same as a table."""
    begin, end = _span(story)
    x, y = scale(begin, end, LEFT, RIGHT), scale(0, 1, BOTTOM, TOP)
    parts = [*_levels(story.levels, y), *_months(begin, end, x)]
    now = x(story.as_of)
    estimates = [(x(at), y(risk)) for at, risk in _estimates(story)]
    parts += [drawn(estimates, "curve"), *(dot(px, py, "estimate", "", 2.5) for px, py in estimates)]
    if story.course is not None:
        parts += _ahead(story, story.course, end, x, y)
    parts += [line(now, 10, now, 396, "now"), text(now + 5, 20, "now", css="strong")]
    for name, at in LANES:
        parts += [line(LEFT, at, RIGHT, at), text(RIGHT + 8, at + 4, name)]
    parts += [_touch(one, x) for one in story.touches]
    parts += [_entry(one, x) for one in story.past if _shown(one)]
    title = f"{story.customer}: risk, touchpoints and what was sent, {_day(begin)} to {_day(end)}"
    return svg(WIDTH, 420, title, parts) + as_table(("when (UTC)", "what", "risk"), _rows(story))


def time_of(stated: str) -> int:
    """An ISO 8601 time in ms."""
    return round(datetime.fromisoformat(stated).timestamp() * 1000)


def _span(story: Story) -> tuple[int, int]:
    times = [one.time for one in story.touches] + [time_of(one["time"]) for one in story.past]
    begin = min([*times, story.as_of - 30 * DAY])
    ahead = story.course.points[-1][0] if story.course is not None and story.course.points else story.as_of
    return begin, max(story.as_of + DAY, min(ahead, story.as_of + LONGEST_AHEAD))


def _estimates(story: Story) -> list[tuple[int, float]]:
    """What the risk was found to be where something was decided, and now."""
    found = [(time_of(one["time"]), one["risk"]) for one in story.past if one["risk"] is not None]
    return [*found, (story.as_of, story.course.now)] if story.course is not None else found


def _levels(levels: Sequence[tuple[str, float]], y: Scale) -> Iterator[Markup]:
    for value in (0.0, 0.5, 1.0):
        yield line(LEFT, y(value), RIGHT, y(value))
        yield text(LEFT - 6, y(value) + 4, f"{value:.0%}", "end")
    for name, at in levels:
        yield line(LEFT, y(at), RIGHT, y(at), "level")
        yield text(RIGHT + 8, y(at) + 4, f"{as_words(name)} {at:.0%}")


def _months(begin: int, end: int, x: Scale) -> Iterator[Markup]:
    at = datetime.fromtimestamp(begin / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while (ms := round(at.timestamp() * 1000)) <= end:
        if ms >= begin:
            yield line(x(ms), BOTTOM, x(ms), BOTTOM + 6, "axis")
            yield text(x(ms), 412, f"{at:%b %Y}" if at.month == 1 else f"{at:%b}", "middle")
        at = at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)


def _ahead(story: Story, course: Course, end: int, x: Scale, y: Scale) -> Iterator[Markup]:
    """Foreseen silence, the interval now, and the next level on its way."""
    points = [(story.as_of, course.now), *(one for one in course.points if one[0] <= end)]
    yield drawn([(x(at), y(risk)) for at, risk in points], "ahead")
    now = x(story.as_of)
    if course.low is not None and course.high is not None:
        yield line(now, y(course.low), now, y(course.high), "interval")
    crossing = next(
        ((name, at) for name, level in story.levels if level > course.now for at, risk in points if risk >= level), None
    )
    if crossing is not None:
        name, at = crossing
        level = dict(story.levels)[name]
        yield dot(x(at), y(level), "risk", f"{as_words(name)} on {_day(at)} if nothing comes")
        yield text(x(at) - 8, y(level) - 8, f"{as_words(name)} on {_day(at)}", "end", "strong")


def _touch(touch: Touch, x: Scale) -> Markup:
    lane = next((name for name, types in LANE_OF.items() if touch.type in types), "contacts")
    css = "risk" if touch.type in BAD else "safe" if lane == "purchases" else "lapsed"
    title = f"{as_words(touch.type)} {touch.words}".strip() + f", {_day(touch.time)}"
    return dot(x(touch.time), dict(LANES)[lane], css, title, 4.5)


def _shown(entry: dict[str, Any]) -> bool:
    if entry["what"] in (REFUSED, ENDED):
        return not entry["trigger"]
    return entry["what"] == "decided" and bool(entry["moment"])


def _entry(entry: dict[str, Any], x: Scale) -> Markup:
    """Filled: sent. Hollow: nothing was, with the reason."""
    at = time_of(entry["time"])
    said = f"{outcome(entry)}: {as_words(entry['action'] or '')} {entry['gate'] or ''}".strip()
    return dot(x(at), 386, "dot" if entry["trigger"] else "hollow", f"{said}, {_day(at)}", 6)


def outcome(entry: dict[str, Any]) -> str:
    """What came of a moment, in a word or two."""
    if entry["what"] in SHARED_MOMENTS:
        return str(entry["what"].removeprefix("shared_"))
    if entry["trigger"]:
        return "sent"
    if entry["what"] == "waits":
        return "waits"
    if entry["control_group"]:
        return "control group"
    return "held back" if entry["gate"] else "left alone"


def _rows(story: Story) -> list[tuple[str, str, str]]:
    found = [(one.time, f"{as_words(one.type)} {one.words}".strip(), "") for one in story.touches]
    found += [
        (
            time_of(one["time"]),
            f"{outcome(one)}: {as_words(one['action'] or one['moment'] or one['what'])}",
            "" if one["risk"] is None else f"{one['risk']:.0%}",
        )
        for one in story.past
        if _shown(one)
    ]
    newest = sorted(found, reverse=True)[:MOST_ROWS]
    return [(f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M}", what, risk) for at, what, risk in newest]


def _day(ms: float) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%-d %b %Y}"
