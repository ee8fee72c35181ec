"""Pictures of a lift: the first figure whenever it was looked at, and every difference of draws with its interval."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streams.history.evaluation.plots import axes_of, save

_GROUPS = ("levels", "tiers", "stages", "classes")


def draw(folder: Path, told: dict[str, Any]) -> list[Path]:
    """Write into `folder` course-N.png, of each programme's kept customers over time (N: 1 is the oldest salt), and
    draws.png, of the policy, its actions and groups; what has nothing to show yet is left out. Gives their paths.

    told: of `streams.operations.lift.report.LiftReport.data`.
    """
    courses = [_course(folder, number, one) for number, one in enumerate(told["programme"], 1)]
    return [path for path in (*courses, _draws(folder, told["draws"])) if path is not None]


def _course(folder: Path, number: int, programme: dict[str, Any]) -> Path | None:
    looks = [one for one in programme["course"] if one["interval"] is not None]
    if not looks:
        return None
    days = [datetime.fromtimestamp(one["time"] / 1_000, UTC) for one in looks]
    figure, axes = axes_of(f"Kept by the programme, salt {programme['salt']}", "", "more kept, points")
    low, high = ([100.0 * one["interval"][end] for one in looks] for end in ("low", "high"))
    axes.fill_between(days, low, high, alpha=0.2)
    axes.plot(days, [100.0 * one["lift"] for one in looks])
    axes.axhline(0.0, color="0.7", linewidth=1)
    return save(figure, folder / f"course-{number}.png")


def _draws(folder: Path, draws: dict[str, Any]) -> Path | None:
    rows = [("the policy", draws["policy"]), *draws["actions"].items()]
    for groups in _GROUPS:
        rows += [(f"{name or 'not known'} ({groups})", one) for name, one in draws.get(groups, {}).items()]
    shown = [(name, one["money"]) for name, one in rows if one["money"]["interval"] is not None]
    if not shown:
        return None
    figure, axes = axes_of("Money more than left alone, a draw", "interval that holds at every look", "")
    for place, (_, money) in enumerate(reversed(shown)):
        low, high = money["interval"]["low"], money["interval"]["high"]
        axes.plot([low, high], [place, place], color="C0")
        axes.plot(money["lift"], place, "o", color="C0")
    axes.axvline(0.0, color="0.7", linewidth=1)
    axes.set_yticks(range(len(shown)), [name for name, _ in reversed(shown)])
    return save(figure, folder / "draws.png")
