"""Draws the pictures of docs/loyalty.md and docs/loyalty_loop.md: one customer's account, index and stages.

python -m tests.support.loyalty_pictures [FOLDER]

The customer's touchpoints go through the engine; what is drawn of the account and of the stages is what it said.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.loyalty.experiences import EXPERIENCES
from models.loyalty.loop import STAGES, Loop, index_at, weigh
from models.outputs import LEDGER, LOYALTY, Decision
from models.settings import DAY, EngineSettings
from models.simulation.rehearsal import rehearse
from models.touchpoints.kinds import Kind
from streams.history.evaluation.plots import axes_of, save
from tests.support.logs import START, chosen_policy, clock, log_of, told
from tests.support.policies import EXAMPLE, POINT_PER_UNIT

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
DAYS: Final = 240
SETTINGS: Final = EngineSettings(horizon=42 * DAY, boundary=7 * DAY, version_delay=0, anchor=START)
_LEVELS: Final = {"0.50": "0.72", "0.65": "0.80", "0.80": "0.90", "0.40": "0.60"}
"""Of a shop whose customers come back late: with the example's own who has bought once would slip at once."""
POLICY: Final = (
    re.sub(
        r"(?<= = )0\.[4568][05]0?(?= [,}]|\n)",
        lambda found: _LEVELS.get(found[0], found[0]),
        EXAMPLE,
    )
    + f"""
[points]
expires = "90d"
returns_within = "30d"
{POINT_PER_UNIT}[loyalty]
half_life = "60d"
active_from = 3
"""
)
STORY: Final[tuple[tuple[int, str, dict[str, Any]], ...]] = (
    (0, "purchase", {"amount": 60, "order_id": "a"}),
    (12, "purchase", {"amount": 45, "order_id": "b"}),
    (18, "delivery_delayed", {}),
    (33, "review", {"rating": 5}),
    (25, "purchase", {"amount": 80, "order_id": "c"}),
    (48, "return", {"amount": 30, "order_id": "c"}),
    (58, "referral", {}),
    (78, "reward_redeemed", {"reward": "coffee", "points": 80, "redemption_id": "1"}),
    (95, "complaint", {"severity": "high"}),
    (165, "purchase", {"amount": 50, "order_id": "d"}),
    (182, "nps", {"score": 10}),
)
"""By day."""


def main(folder: Path) -> None:
    said = decisions()
    folder.mkdir(parents=True, exist_ok=True)
    print(_account(said, folder / "points_account.png"))
    print(_loop(said, folder / "loyalty_loop.png"))


def decisions() -> list[Decision]:
    entries = [told(kind, "c", START + day * DAY, data, id=f"{kind}-{day}") for day, kind, data in STORY]
    clocks = [(START + day * DAY, None, clock(START + day * DAY)) for day in range(DAYS + 1)]
    first = (START - DAY, None, chosen_policy(START - DAY, 1, POLICY))
    log = log_of(sorted([first, *entries, *clocks], key=lambda entry: entry[0]))
    outputs = rehearse([log], SETTINGS).shards[0].outputs
    return [msgspec.json.decode(one.value, type=Decision) for one in outputs if one.role == "decisions"]


def _day(time: int) -> float:
    return (time - START) / DAY


def _account(said: Sequence[Decision], path: Path) -> Path:
    """Active and pending points after each entry."""
    booked = [(_day(one.time), one.ledger) for one in said if one.what == LEDGER and one.ledger is not None]
    days = [0.0, *(day for day, _ in booked), float(DAYS)]
    active = [0, *(entry.balance for _, entry in booked), booked[-1][1].balance]
    in_all = [0, *(entry.balance + entry.pending for _, entry in booked), booked[-1][1].balance]
    figure, axes = axes_of("One customer's points", "days", "points")
    axes.fill_between(days, in_all, step="post", color="0.85", label="pending")
    axes.fill_between(days, active, step="post", color="#4c78a8", label="active")
    at_top = max(in_all)
    for day, entry in booked:
        if entry.change not in ("earned", "activated"):
            top = next(total for at, total in zip(days[::-1], in_all[::-1], strict=True) if at < day)
            axes.annotate(entry.change.replace("_", " "), (day, top), (day, at_top * 1.04), fontsize=8, rotation=30,
                          arrowprops={"arrowstyle": "-", "color": "0.6"})  # fmt: skip
    axes.set_ylim(0, at_top * 1.25)
    axes.legend(frameon=False, loc="center right")
    return save(figure, path)


def _loop(said: Sequence[Decision], path: Path) -> Path:
    """The index day by day, and the stages as they were said."""
    rules = rules_of(PolicyInForce.of(1, POLICY)).loyalty
    if rules is None:
        raise ValueError("the policy of the pictures has no [loyalty]")
    loop, days, index, marks = Loop(), list[float](), list[float](), list[tuple[int, str]]()
    story = sorted(STORY, key=lambda one: one[0])
    for tenth in range(DAYS * 10 + 1):
        now = START + tenth * DAY // 10
        while story and START + story[0][0] * DAY <= now:
            day, name, data = story.pop(0)
            kind = Kind[name.upper()]
            felt = EXPERIENCES.get(kind)
            value = felt.of(_Data(data), None) if felt is not None else None
            if value is not None and weigh(loop, rules.loop, kind, now, value):
                marks.append((day, name.replace("_", " ")))
        days.append(tenth / 10)
        index.append(index_at(loop, rules.loop, now) or 0.0)
    figure, axes = axes_of("One customer's loyalty index, and the stages", "days", "index")
    moves = [(_day(one.time), one.loyalty.stage) for one in said if one.what == LOYALTY and one.loyalty is not None]
    moves = [(day, stage) for n, (day, stage) in enumerate(moves) if not n or moves[n - 1][1] != stage]
    low, high = min(index) - 12, max(index) + 14
    for n, ((day, stage), (end, _)) in enumerate(zip(moves, [*moves[1:], (float(DAYS), "")], strict=True)):
        axes.axvspan(day, end, color=_COLOURS[stage], alpha=0.25, linewidth=0)
        if end - day > 6:
            axes.text((day + end) / 2, low + 2 + 2.5 * (n % 2), stage.replace("_", " "), ha="center", fontsize=8)
    axes.axhline(0, color="0.7", linewidth=1)
    axes.plot(days, index, color="#333333")
    for day, name in marks:
        rose = index[day * 10] > index[max(day * 10 - 1, 0)]
        place, turn, at = ((2, 4), 35, "bottom") if rose or not day else ((2, -4), -35, "top")
        axes.annotate(name, (day, index[day * 10]), place, textcoords="offset points", fontsize=7, rotation=turn, va=at)
    axes.set_ylim(low, high)
    axes.set_xlim(0, DAYS)
    return save(figure, path)


class _Data:
    """A touchpoint's data, by attribute."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.__dict__.update(told)


_COLOURS: Final = dict(
    zip(STAGES, ("#bbbbbb", "#9ecae1", "#74c476", "#31a354", "#fd8d3c", "#969696", "#c994c7"), strict=True)
)

if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
