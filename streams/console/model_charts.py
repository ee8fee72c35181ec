"""Pictures of the model: predicted against seen, log-loss week by week, and the operating curve of thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import inf, sqrt
from typing import Any, Final

from markupsafe import Markup

from streams.console.svg import Scale, as_table, dot, drawn, line, scale, svg, text
from streams.text import as_words

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 600, 340, 48, 510, 12, 300
Z: Final = 1.96
LINE_HEIGHT: Final = 15


def calibration_chart(bins: Sequence[dict[str, float]]) -> Markup:
    """A dot for each twentieth of what was predicted, at how many of them left; on the diagonal both are one."""
    if not bins:
        return Markup("")
    x, y = scale(0, 1, LEFT, RIGHT), scale(0, 1, BOTTOM, TOP)
    parts = [*_axes(x, y, "predicted", "left"), line(x(0), y(0), x(1), y(1), "level")]
    parts.append(text(x(1) + 6, y(1) + 4, "as predicted"))
    rows = []
    most = max(one["labels"] for one in bins)
    for one in bins:
        low, high = wilson(one["churned"], one["labels"])
        said = f"predicted {one['predicted']:.0%}: {one['churned']:.0%} of {one['labels']:,} left"
        parts.append(line(x(one["predicted"]), y(low), x(one["predicted"]), y(high), "interval"))
        parts.append(
            dot(x(one["predicted"]), y(one["churned"]), "dot", said, round(3 + 4 * sqrt(one["labels"] / most), 1))
        )
        rows.append(
            (f"{one['predicted']:.0%}", f"{one['labels']:,}", f"{one['churned']:.1%}", f"{low:.0%} to {high:.0%}")
        )
    return svg(WIDTH, HEIGHT, "Predicted risk against the share who left", parts) + as_table(
        ("predicted", "outcomes", "left", "interval, 95 %"), rows
    )


def wilson(share: float, count: float) -> tuple[float, float]:
    """The interval of a share at 95 % (Wilson, 1927)."""
    spread = Z * Z / count
    middle = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def weeks_chart(weeks: Sequence[dict[str, Any]], champion: str) -> Markup:
    """Log-loss of the outcomes of each week, by model: the champion's line is the strong one."""
    known = [one for one in weeks if one["models"]]
    names = list(dict.fromkeys(name for one in known for name in one["models"]))
    losses = [one["models"][name]["log_loss"] for one in known for name in names if name in one["models"]]
    if not losses:
        return Markup("")
    low, high = min(losses), max(losses)
    room = max(0.1 * (high - low), 0.01)
    begin, end = known[0]["until"], known[-1]["until"]
    x, y = scale(begin, end, LEFT + 20, RIGHT - 20), scale(low - room, high + room, BOTTOM, TOP)
    parts = []
    for share in (0.0, 0.5, 1.0):
        value = low - room + share * (high - low + 2 * room)
        parts += [line(LEFT, y(value), RIGHT, y(value)), text(LEFT - 6, y(value) + 4, f"{value:.3f}", "end")]
    parts += [text(x(one["until"]), BOTTOM + 20, _day(one["until"]), "middle") for one in known]
    ends: list[tuple[float, str]] = []
    for name in names:
        points = [(x(one["until"]), y(one["models"][name]["log_loss"])) for one in known if name in one["models"]]
        strong = name == champion
        parts += [drawn(points, "curve" if strong else "line"), *_dots(known, name, x, y, strong)]
        ends.append((points[-1][1], name))
    below = -inf
    for at, name in sorted(ends):
        below = max(at, below + LINE_HEIGHT)  # lines that end at one place have their names one below the other
        parts.append(text(RIGHT + 4, below + 4, name, css="strong" if name == champion else ""))
    rows = [
        (
            f"{_day(one['from'])} to {_day(one['until'])}",
            name,
            f"{found['labels']:,}",
            f"{found['log_loss']:.4f}",
            f"{found['mean_predicted']:.1%}",
            f"{found['churn_rate']:.1%}",
        )
        for one in reversed(known)
        for name, found in one["models"].items()
    ]
    return svg(WIDTH, HEIGHT, "Log-loss of the outcomes of each week, by model", parts) + as_table(
        ("outcomes known", "model", "outcomes", "log-loss", "predicted", "left"), rows
    )


def _dots(weeks: Sequence[dict[str, Any]], name: str, x: Scale, y: Scale, strong: bool) -> Iterable[Markup]:
    for one in weeks:
        found = one["models"].get(name)
        if found:
            said = f"{name}, {_day(one['until'])}: {found['log_loss']:.4f} over {found['labels']:,} outcomes"
            yield dot(x(one["until"]), y(found["log_loss"]), "estimate" if strong else "dot", said, 3.5)


def thresholds_chart(curve: Sequence[dict[str, float]], levels: Sequence[tuple[str, float]]) -> Markup:
    """What a threshold would find: of those who reach it the share who left, and of all who left the share it finds."""
    if not any(one["found"] for one in curve):
        return Markup("")
    x, y = scale(0, 1, LEFT, RIGHT), scale(0, 1, BOTTOM, TOP)
    reached = [one for one in curve if one["reached"]]
    parts = [*_axes(x, y, "threshold", "")]
    for name, at in levels:
        parts += [line(x(at), TOP, x(at), BOTTOM, "level"), text(x(at) - 4, BOTTOM - 6, as_words(name), "end")]
    left = [(x(one["at"]), y(one["left"])) for one in reached]
    found = [(x(one["at"]), y(one["found"])) for one in curve]
    parts += [drawn(left, "curve"), drawn(found, "line")]
    parts += [
        text(RIGHT + 4, left[-1][1] + 4, "left, of", css="strong"),
        text(RIGHT + 4, left[-1][1] + 18, "who reach it", css="strong"),
    ]
    parts += [text(RIGHT + 4, found[-1][1] - 14, "found, of"), text(RIGHT + 4, found[-1][1], "who left")]
    rows = [
        (f"{one['at']:.0%}", f"{one['reached']:.1%}", f"{one['left']:.1%}", f"{one['found']:.1%}") for one in reached
    ]
    return svg(WIDTH, HEIGHT, "What a threshold finds", parts) + as_table(
        ("threshold", "of predictions reach it", "of these left", "of all who left"), rows
    )


def _axes(x: Scale, y: Scale, across: str, up: str) -> Iterable[Markup]:
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield line(x(0), y(value), x(1), y(value))
        yield text(x(0) - 6, y(value) + 4, f"{value:.0%}", "end")
        yield text(x(value), BOTTOM + 18, f"{value:.0%}", "middle")
    yield text(x(1) + 24, BOTTOM + 18, across)
    if up:
        yield text(x(0) + 6, y(1) + 12, up)


def _day(ms: float) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%-d %b}"
