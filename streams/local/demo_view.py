"""Text output of the demo: progress lines and the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streams.config import Config
from streams.local.demo_decisions import Decided
from streams.monitoring.top.plain import bands, by_name, trigger
from streams.monitoring.top.screen import Display
from streams.monitoring.top.view import View
from streams.operations.lift import LiftReport
from streams.text import moment, quality

REFRESH_S = 1.5
TRIGGERS_SHOWN = 2

WriteLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoOutput:
    """What a demo shows of itself.

    write_line: takes a line. display: takes the views while the replay runs. every_s: between two of them. name: of the
    log, for people. lift: tells a report of lift in lines. pyramid: the customers of the running application by tier.
    """

    write_line: WriteLine
    display: Display
    every_s: float = REFRESH_S
    name: str = "CDNOW"
    lift: Callable[[LiftReport], Iterator[str]] | None = None
    pyramid: Callable[[Config], Iterator[str]] | None = None


def lines(view: View, before: View | None) -> list[str]:
    """A line for a view, and its newest triggers; nothing where the worker does not answer."""
    if not any(worker.reachable for worker in view.workers):
        return []
    fresh = view.latest[-min(view.fresh, TRIGGERS_SHOWN) :] if view.fresh else ()
    told = [f"    decided  {by_name(view.decided)}"] if view.decided else []
    return [progress(view), *told, *(f"    trigger  {trigger(row)}" for row in fresh)]


def progress(now: View) -> str:
    """One line: log time, events and their rate, customers by band, model quality."""
    reached = moment(now.time) if now.time is not None else "starting"
    events = f"{now.events:>7,} events {now.rate or 0.0:>7,.0f}/s"
    return f"{reached:<10}  {events}  | {bands(now.bands)} | {quality(now.quality)}"


def summary(
    now: View, log: str, written: int, published: int, seconds: float, by_policy: Decided | None = None
) -> list[str]:
    """The lines with which the demo ends.

    Args:
        now: the last view of the worker.
        log: name of the log.
        written: touchpoints replayed.
        published: triggers on the topic.
        seconds: that the replay took.
        by_policy: what a policy decided; None: there was none.
    """
    reached = moment(now.time) if now.time is not None else "nothing"
    return [
        "",
        f"{written:,} touchpoints of {log} written, {now.events:,} applied, log time {reached}, in {seconds:.0f} s "
        f"({now.events / max(seconds, 0.001):,.0f}/s)",
        f"customers  {now.customers:,}: {bands(now.bands)}",
        f"triggers   {now.triggers:,} decided, {published:,} on the topic",
        *(by_policy.lines() if by_policy is not None else []),
        f"model      {quality(now.quality)}; each predicted before its outcome was known",
    ]
