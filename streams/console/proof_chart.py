"""The lift over time with its interval, and one interval as a picture of a table's row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup

from streams.console.svg import area, as_table, dot, drawn, line, rect, scale, svg, text

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1200, 300, 56, 1030, 12, 268
WIDE, HIGH, EDGE = 240, 22, 6
PER: Final = 1_000
STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def course_chart(course: Sequence[dict[str, Any]]) -> Markup:
    """How kept stood at each look. What is off the picture at its beginning, when little was known, is cut."""
    told = [one for one in course if one["interval"] is not None]
    if len(told) < 2:
        return Markup("")
    late = told[len(told) // 3 :]
    low = min(0.0, *(PER * one["interval"]["low"] for one in late))
    high = max(0.0, *(PER * one["interval"]["high"] for one in late))
    room = 0.06 * (high - low)
    low, high = low - room, high + room
    x, y = scale(told[0]["time"], told[-1]["time"], LEFT, RIGHT), scale(low, high, BOTTOM, TOP)

    def inside(value: float) -> float:
        return y(min(max(PER * value, low), high))

    band = [(x(one["time"]), inside(one["interval"]["low"]), inside(one["interval"]["high"])) for one in told]
    middle = [(x(one["time"]), inside(one["lift"])) for one in told]
    step = next((one for one in STEPS if (high - low) / one <= 8), STEPS[-1])
    parts = []
    for tick in range(-(-int(low) // step) * step, int(high) + 1, step):
        if low <= tick <= high:
            parts += [line(LEFT, y(tick), RIGHT, y(tick), "axis" if tick == 0 else "grid")]
            parts += [text(LEFT - 8, y(tick) + 4, f"{tick:+d}" if tick else "0", "end")]
    parts += [area(band, "ribbon"), drawn(middle, "line")]
    sure = next((one for one in told if one["interval"]["low"] > 0.0 or one["interval"]["high"] < 0.0), None)
    if sure is not None:
        words = "sure that it helps" if sure["interval"]["low"] > 0.0 else "sure that it harms"
        parts.append(line(x(sure["time"]), TOP, x(sure["time"]), BOTTOM, "now"))
        near_end = x(sure["time"]) > 0.7 * RIGHT
        at = x(sure["time"]) + (-6 if near_end else 6)
        said = f"{words}, since {_day(sure['time'])}"
        parts.append(text(at, TOP + 12, said, "end" if near_end else "start", "strong"))
    last = told[-1]
    parts += [
        text(RIGHT + 8, middle[-1][1] + 4, f"{PER * last['lift']:+.0f} of 1,000", css="strong"),
        text(
            RIGHT + 8,
            middle[-1][1] + 20,
            f"between {PER * last['interval']['low']:.0f} and {PER * last['interval']['high']:.0f}",
        ),
        *_days(told[0]["time"], told[-1]["time"]),
    ]
    title = f"Customers kept more, of 1,000, with the interval, {_day(told[0]['time'])} to {_day(last['time'])}"
    rows = [
        (
            _day(one["time"]),
            f"{one['units']:,}",
            f"{PER * one['lift']:+.0f}",
            f"{PER * one['interval']['low']:+.0f} to {PER * one['interval']['high']:+.0f}",
        )
        for one in reversed(told)
    ]
    return svg(WIDTH, HEIGHT, title, parts) + as_table(("on", "customers", "kept more, of 1,000", "interval"), rows)


def _days(begin: int, end: int) -> Iterable[Markup]:
    x = scale(begin, end, LEFT, RIGHT)
    many = 6 if end > begin else 1
    for number in range(many):
        at = begin + (end - begin) * number / max(many - 1, 1)
        anchor = "start" if number == 0 else "end" if number == many - 1 else "middle"
        yield text(x(at), BOTTOM + 20, _day(at), anchor)


def reach(lifts: Iterable[dict[str, Any]]) -> tuple[float, float]:
    """What an axis has to hold for all of them, zero included. Of wide ones, which say little, only a part."""
    told = [one for one in lifts if one["interval"] is not None]
    wide = sorted(one["interval"]["high"] - one["interval"]["low"] for one in told)
    most = 4.0 * wide[len(wide) // 2] if wide else 1.0
    low = min((max(one["interval"]["low"], -most) for one in told), default=-1.0)
    high = max((min(one["interval"]["high"], most) for one in told), default=1.0)
    return min(low, 0.0), max(high, 0.0)


def drawn_interval(lift: dict[str, Any], span: tuple[float, float], per: float) -> Markup:
    """A lift and its interval on an axis with zero; empty: there is too little yet."""
    interval = lift["interval"]
    if interval is None:
        return Markup("")
    x = scale(span[0], span[1], EDGE, WIDE - EDGE)
    low, high, at = (min(max(one, span[0]), span[1]) for one in (interval["low"], interval["high"], lift["lift"]))
    title = f"{per * lift['lift']:+.0f}, between {per * interval['low']:+.0f} and {per * interval['high']:+.0f}"
    parts = [
        line(x(0.0), 2, x(0.0), HIGH - 2, "axis"),
        rect(x(low), 8, max(x(high) - x(low), 1.0), 6, "reach"),
        dot(x(at), 11, "dot", title, 4.5),
    ]
    return svg(WIDE, HIGH, title, parts, "interval")


def _day(ms: float) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%-d %b %Y}"
