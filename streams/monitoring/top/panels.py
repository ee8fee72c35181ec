"""Panels of the live view: each a list of lines of known width, so that its height is known before it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from rich.box import ROUNDED
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from streams.monitoring.top.exposition import ALWAYS_SHOWN
from streams.monitoring.top.glyphs import bar, cropped, over_time, sparkline, wrapped
from streams.monitoring.top.plain import alarms, at_stages, of_alarm
from streams.monitoring.top.view import Quantiles, ShardRow, TriggerRow, View, WorkerRow
from streams.text import as_words, compact, count, duration, moment, printable, size

PARKED = "parked"
LABEL, GOOD, WARN, BAD, FAINT = "cyan", "green", "yellow", "red", "bright_black"
RISING, BETTER_HIGH, BETTER_LOW = "blue", "green", "magenta"
"""Colours of charts, so that one above the other they stay two."""

BANDS = {"prospect": "blue", "safe": GOOD, "watch": WARN, "at_risk": BAD, "lapsed": FAINT, "erased": FAINT}
FRAME = 2
"""Rows, and with the blanks beside the text twice as many columns, that a frame takes."""

NAME = 9
DAY_MS = 86_400_000


def panel(title: str, lines: Sequence[Text], width: int, rows: int) -> Panel:
    """The lines in a frame of exactly `width` and `rows`."""
    shown = list(lines[: max(0, rows - FRAME)])
    for line in shown:
        line.truncate(width - 2 * FRAME, overflow="ellipsis")
        line.no_wrap = True
    heading = Text(title, style="bold default", no_wrap=True, overflow="ellipsis")
    return Panel(
        Group(*shown), title=heading, title_align="left", box=ROUNDED, border_style=FAINT, width=width, height=rows
    )


def _line(name: str, *parts: str | tuple[str, str]) -> Text:
    return Text.assemble((f"{name:<{NAME}}", LABEL), *parts)


# -- flow


def flow(view: View, width: int, ascii_only: bool) -> list[Text]:
    """How much goes through, how much waits, and how long it takes."""
    rate = "-" if view.rate is None else f"{view.rate:,.0f}"
    room = width - NAME - len(rate) - 1
    rates = sparkline(_newest(view.rates, room), 0.0, None, ascii_only) if room > 0 else ""
    return [
        _line("events/s", (rate, "bold"), " ", (rates, RISING)),
        _line("events", count(view.events), *_odd(view)),
        _line("lag", (count(view.lag), WARN if view.lag else ""), _waiting(view, width - NAME - len(count(view.lag)))),
        _line("latency", *_quantiles(view.latency, _no_latency(view), width)),
        _line("commit", *_quantiles(view.commits, "none yet", width)),
    ]


def _waiting(view: View, room: int) -> str:
    """What else waits, in fewer digits where there is little room."""
    waiting = [(name, number) for name, number in (("outbox", view.outbox), ("due", view.due)) if number is not None]
    full = "".join(f"  {name} {count(number)}" for name, number in waiting)
    return full if len(full) <= room else "".join(f" {name} {compact(number)}" for name, number in waiting)


def _newest(values: Sequence[float], most: int) -> Sequence[float]:
    """The newest values, as many as there is room for."""
    return values[-most:] if most > 0 else ()


def _odd(view: View) -> list[str | tuple[str, str]]:
    """Of how many there are in all; else what did not go the usual way."""
    if view.goal:
        return [f" of {view.goal:,} ({100 * min(1.0, view.events / view.goal):.0f} %)"]
    odd = [(view.dead, "dead", WARN), (view.duplicates, "duplicates", ""), (view.redelivered, "again", "")]
    return [(f"  {number:,} {name}", style) for number, name, style in odd if number]


def _no_latency(view: View) -> str:
    return "not measured in a replay" if view.mode == "replay" else "none measured yet"


def _quantiles(found: Quantiles | None, absent: str, width: int) -> Iterable[str | tuple[str, str]]:
    if found is None:
        return [(absent, FAINT)]
    since = "" if found.window_s is not None else " since start" if width >= WIDE else " (all)"
    p50, p99 = duration(found.p50_s, found.top_s), duration(found.p99_s, found.top_s)
    return ["p50 ", (p50, "bold"), " p99 ", (p99, "bold"), since]


# -- customers


def customers(view: View, width: int, ascii_only: bool) -> list[Text]:
    """A bar for each risk band; beneath, where a policy has a loyalty loop, the customers at each stage of it."""
    shown = {band: n for band, n in view.bands.items() if n or band in ALWAYS_SHOWN}
    total, most = sum(shown.values()), max(shown.values(), default=0)
    digits = max((len(f"{n:,}") for n in shown.values()), default=1)
    room = width - NAME - digits - 7
    return [
        _line(
            as_words(band),
            f"{n:>{digits},} {100 * n / total if total else 0:>3.0f} % ",
            (bar(n / most if most else 0.0, room, ascii_only), BANDS.get(band, "")),
        )
        for band, n in shown.items()
    ] + [Text(part, style=FAINT) for part in wrapped(at_stages(view), width, 2)]


# -- model


def model_title(view: View) -> str:
    text = "Model, untrained" if view.version is None else f"Model of {moment(view.version)}"
    return text + (f", {view.champion}" if view.champion else "") + (", pinned" if view.pinned else "")


def model(view: View, width: int, ascii_only: bool) -> list[Text]:
    """The model's quality so far, over log time."""
    if not view.quality:
        return [_line("AUC", ("no label matured yet", FAINT)), _line("log-loss", ("-", FAINT))]
    quality = view.quality
    auc = [(point.time, point.auc) for point in view.history if point.auc is not None]
    loss = [(point.time, point.log_loss) for point in view.history if point.log_loss is not None]
    lines = [
        _measure("AUC", quality.get("auc"), auc, BETTER_HIGH, width, ascii_only),
        _measure("log-loss", quality.get("log_loss"), loss, BETTER_LOW, width, ascii_only),
    ]
    if len(view.history) > 1:
        lines.append(_axis(view.history[0].time, view.history[-1].time, width))
    lines.append(_line("labels", count(quality.get("labels"))))
    if "churn_rate" in quality and "mean_predicted" in quality:
        lines.append(
            _line("churned", f"{100 * quality['churn_rate']:.0f} %, predicted {100 * quality['mean_predicted']:.0f} %")
        )
    return lines


def _measure(
    name: str, now: float | None, points: Sequence[tuple[float, float]], style: str, width: int, ascii_only: bool
) -> Text:
    value = "-" if now is None else f"{now:.3f}"
    room = _chart(width)
    drawn = sparkline(over_time(points, room), None, None, ascii_only) if len(points) > 1 else ""
    extent = ""
    if drawn and width >= WIDE:
        values = [v for _, v in points]
        extent = f" {min(values):.3f}-{max(values):.3f}"
    return _line(name, (value, "bold"), " ", (drawn, style), (extent, FAINT))


WIDE = 48
"""From here on there is room for the extent of a measure beside its chart."""


def _chart(width: int) -> int:
    """Cells of a chart: beside name and value, and the extent where there is room for it."""
    return max(0, width - NAME - 6 - (12 if width >= WIDE else 0))


def _axis(first: int, last: int, width: int) -> Text:
    left, right, room = _day(first), _day(last), _chart(width)
    if len(left) + len(right) >= room:
        return _line("", (f"      {right:>{room}}", FAINT))
    return _line("", (f"      {left}{right:>{room - len(left)}}", FAINT))


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


# -- shards


def shards(view: View, width: int, rows: int) -> list[Text]:
    """A line for each shard; where there is no room for all, those that are parked, wait, or have most to do."""
    room = rows - 1
    chosen = list(view.shards)
    if len(chosen) > room:
        chosen.sort(key=lambda shard: (shard.state == PARKED, shard.state == "waiting", shard.lag or 0), reverse=True)
        chosen = sorted(chosen[: max(0, room - 1)], key=lambda shard: shard.shard)
    with_due, with_time = any(shard.due is not None for shard in chosen), width >= WIDE
    head = f"{'shard':>5} {'lag':>8} {'outbox':>6} "
    head += (f"{'due':>6} " if with_due else "") + (f"{'log time':<10} " if with_time else "")
    lines = [Text(head + "state", style=LABEL)]
    for shard in chosen:
        numbers = f"{shard.shard:>5} {count(shard.lag):>8} {count(shard.outbox):>6} "
        numbers += f"{count(shard.due):>6} " if with_due else ""
        if with_time:
            numbers += f"{'-' if shard.time is None else when(shard.time, view.time):<10} "
        lines.append(Text.assemble(numbers, (_state(shard, width - len(numbers)), _state_style(shard))))
    if left := len(view.shards) - len(chosen):
        lines.append(Text(f"{'':>5} and {left} more", style=FAINT))
    return lines


def _state(shard: ShardRow, room: int) -> str:
    """Its state, or what it waits for: in as many words as there is room for."""
    if not shard.why or shard.state == "idle":
        return cropped(shard.state, room)
    reason = shard.why.partition(":")[0]
    fitting = (f"{PARKED}: {reason}", PARKED) if shard.state == PARKED else (shard.why, f"waits: {reason}")
    return next((text for text in fitting if len(text) <= room), cropped(reason, room))


def _state_style(shard: ShardRow) -> str:
    if shard.state == PARKED:
        return BAD
    return WARN if shard.why and shard.state != "idle" else ""


def shards_title(view: View) -> str:
    if view.unowned:
        return f"Shards: {len(view.shards)} of {view.partitions} in view"
    return f"Shards {len(view.shards)}"


# -- workers


def workers(view: View, width: int) -> list[Text]:
    """A line for each worker, and one for each thing that is wrong with it, or that holds marketing."""
    lines: list[Text] = []
    name = max((len(worker.name) for worker in view.workers), default=0)
    for worker in view.workers:
        lines += _worker(worker, min(name, width // 2), width)
    lines += [Text(part, style=BAD) for alarm in alarms(view) for part in wrapped(of_alarm(alarm), width, 2)]
    trouble = f"the triggers can't be read: {view.triggers_trouble}" if view.triggers_trouble else ""
    return [*lines, *(Text(line, style=WARN) for line in wrapped(trouble, width, 2))]


def _worker(worker: WorkerRow, name: int, width: int) -> list[Text]:
    lead = (f"{cropped(worker.name, name):<{name}}  ", "")
    if not worker.reachable:
        return [Text.assemble(lead, ("unreachable", BAD)), *_reasons(worker, width)]
    about = [f"{len(worker.shards)} shard{'' if len(worker.shards) == 1 else 's'}", f"{worker.events:,} events"]
    if worker.memory is not None:
        about.append(size(worker.memory))
    line = Text.assemble(
        lead,
        ("ready" if worker.ready else "not ready", GOOD if worker.ready else WARN),
        ", ",
        ("healthy" if worker.healthy else "unhealthy", GOOD if worker.healthy else BAD),
        (f"  {', '.join(about)}", ""),
    )
    return [line, *_reasons(worker, width)]


def _reasons(worker: WorkerRow, width: int) -> list[Text]:
    return [Text(f"  {part}", style=WARN) for why in worker.why for part in wrapped(why, width - 2, 2)]


# -- decisions


def decisions(view: View, width: int, ascii_only: bool) -> list[Text]:
    """What a policy holds moments by, gates and budgets, and what it asks for; none where none decides."""
    lines: list[Text] = []
    if view.held:
        lines.append(_line("held by", _names(view.held)))
    if view.kinds:
        lines.append(_line("kinds", _names(view.kinds), (f"  of the latest {sum(view.kinds.values())}", FAINT)))
    name = max((len(row.name) for row in view.budgets), default=0) + 1
    for row in view.budgets:
        used = f"{cropped(row.name, name):<{name}}{row.reserved:,} of {row.allowed:,} "
        lacked = f" {row.unmet:,} lacked room" if row.unmet else ""
        room = min(BUDGET_BAR, width - NAME - len(used) - len(lacked))
        full = row.reserved / row.allowed if row.allowed else float(row.reserved > 0)
        drawn = bar(min(1.0, full), room, ascii_only) if room > 0 else ""
        lines.append(_line("budget", used, (drawn, WARN if row.unmet else GOOD), (lacked, WARN)))
    return lines


BUDGET_BAR = 30
"""Cells; longer ones say no more."""


def _names(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{as_words(what)} {many:,}" for what, many in counts.items())


# -- triggers


def triggers(view: View, width: int, rows: int) -> list[Text]:
    """The latest triggers, newest first, each on one line or two."""
    if not view.latest:
        return [Text("not known" if view.triggers_trouble else "none yet", style=FAINT)]
    decided = _names(view.decided)
    lines = [Text(cropped(decided, width), style=LABEL)] if decided else []
    newest = list(reversed(view.latest))[:rows]
    times = [when(trigger.time, view.time) for trigger in newest]
    time, name = max(map(len, times)), min(18, max(len(printable(t.customer)) for t in newest))
    for trigger, at in zip(newest, times, strict=True):
        lines += _trigger(trigger, at, time, name, width)
    return lines[:rows]


def _trigger(trigger: TriggerRow, at: str, time: int, name: int, width: int) -> list[Text]:
    by = f" by {trigger.channel}" if trigger.channel and width >= WIDE * 2 else ""
    action = printable(f"{as_words(trigger.action)}{by}")
    risk = "    " if trigger.probability is None else f"{trigger.probability:.2f}"
    lead = f"{at:<{time}} {cropped(printable(trigger.customer), name):<{name}} "
    room = width - len(lead) - len(action) - len(risk) - 2
    first = Text.assemble((f"{at:<{time}} ", FAINT), lead[time + 1 :], (action, LABEL), " ", (risk, BAD), " ")
    reasons = printable("; ".join(trigger.reasons))
    if room < LEAST_REASONS:
        return [first, *(Text(f"  {more}") for more in wrapped(reasons, width - 2, 2))]
    lines = wrapped(reasons, room, 2) or [""]
    return [first.append(lines[0]), *(Text(f"{'':<{width - room}}{more}") for more in lines[1:])]


LEAST_REASONS = 24
"""With less room than this beside a trigger its reasons stand below it."""


def when(time: int, now: int | None) -> str:
    """The time of day for what is of today, the day for everything else. Both in ms, UTC."""
    day, _, of_day = moment(time).partition(" ")
    return of_day.partition(".")[0] if of_day and now is not None and abs(now - time) < DAY_MS else day
