"""The live view without a terminal: a snapshot as lines, progress as a line per poll, and both as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from streams.monitoring.top.exposition import ALWAYS_SHOWN, STOP
from streams.monitoring.top.view import BudgetRow, Quantiles, ShardRow, TriggerRow, View, WorkerRow
from streams.text import as_words, count, duration, json_text, moment, quality, size

TRIGGERS = 10
NAME = 11


def progress(view: View) -> str:
    """One line: log time, events and their rate, lag, latency, customers by band, model quality."""
    reached = moment(view.time) if view.time is not None else "starting"
    return (
        f"{reached:<10}  {view.events:>7,} events {count(view.rate):>7}/s  lag {count(view.lag)}  "
        f"{quantiles(view.latency)}  | {bands(view.bands)} | {quality(view.quality)}"
    )


def lines(view: View, before: View | None, most: int = TRIGGERS) -> list[str]:
    """What is new since `before`: progress, at most `most` of the new triggers, and troubles that were not told yet."""
    shown = [progress(view)]
    fresh = view.latest[-view.fresh :] if view.fresh else ()
    shown += [f"    trigger  {trigger(row)}" for row in fresh[-most:]]
    known = _troubles(before) if before is not None else []
    return shown + [f"    {trouble}" for trouble in _troubles(view) if trouble not in known]


def at_stages(view: View) -> str:
    """How many customers are at each stage of the loyalty loop, or why nobody can say."""
    if view.uncounted:
        shards = ", ".join(map(str, view.uncounted))
        return f"not known: shards that kept the loyalty loop before its customers were counted: {shards}"
    return by_name({stage: many for stage, many in view.stages.items() if many})


def snapshot(view: View, before: View | None = None) -> list[str]:
    """Everything, as lines that begin with what they are about; the same whatever was before."""
    reached = moment(view.time) if view.time is not None else "not all shards have begun"
    named = [
        ("log time", reached),
        ("events", f"{view.events:,} at {count(view.rate)}/s"),
        ("lag", f"{count(view.lag)} records"),
        ("outbox", f"{count(view.outbox)} entries"),
        ("due", f"{count(view.due)} items"),
        ("latency", f"{quantiles(view.latency)} from touchpoint to trigger"),
        ("commit", quantiles(view.commits)),
        ("customers", f"{view.customers:,}: {bands(view.bands)}"),
        *([("stages", at_stages(view))] if view.stages or view.uncounted else []),
        ("model", quality(view.quality) + _version(view)),
        ("triggers", f"{view.triggers:,} decided"),
        *([("decided", by_name(view.decided))] if view.decided else []),
        *([("held by", by_name(view.held))] if view.held else []),
        *([("kinds", f"{by_name(view.kinds)} of the latest triggers")] if view.kinds else []),
        *(("budget", budget(row)) for row in view.budgets),
        *(("alarm", line) for line in alarms(view)),
        *((f"shard {row.shard}", shard(row)) for row in view.shards),
        *(("worker", worker(row)) for row in view.workers),
        *(("trigger", trigger(row)) for row in view.latest[-TRIGGERS:]),
    ]
    if view.triggers_trouble:
        named.append(("trouble", f"triggers can't be read: {view.triggers_trouble}"))
    return [f"{name:<{NAME}}{text}" for name, text in named]


def by_name(counts: Mapping[str, int]) -> str:
    """What policies decided, by what came of it or what held it."""
    return ", ".join(f"{as_words(what)} {many:,}" for what, many in counts.items())


def budget(row: BudgetRow) -> str:
    """Units of the running period; what shards have not been handed yet is in none of them."""
    lacked = f", {row.unmet:,} lacked room" if row.unmet else ""
    return f"{row.name}  {row.reserved:,} used of {row.allowed:,} allowed{lacked}"


def alarms(view: View) -> list[str]:
    """A line for each that holds, and for each stop."""
    return [
        f"{as_words(what)}: {waits(what)} in shard {', '.join(map(str, which))}" for what, which in view.alarms.items()
    ]


def waits(what: str) -> str:
    """What an alarm, or a stop, holds."""
    return "what it is of waits" if what.startswith(STOP) else "marketing waits"


def of_alarm(line: str) -> str:
    """A line of `alarms` by itself."""
    return line if line.startswith(STOP) else f"alarm of {line}"


def _version(view: View) -> str:
    if view.version is None:
        return ""
    champion = f", {view.champion} decides" if view.champion else ""
    return f", version {moment(view.version)}{champion}{', pinned' if view.pinned else ''}"


def bands(customers: Mapping[str, int]) -> str:
    """Customers by risk band; prospects and erased ones only where there are any."""
    return "  ".join(f"{as_words(name)} {n:,}" for name, n in customers.items() if n or name in ALWAYS_SHOWN)


def quantiles(found: Quantiles | None) -> str:
    if found is None:
        return "p50 -  p99 -"
    return f"p50 {duration(found.p50_s, found.top_s)}  p99 {duration(found.p99_s, found.top_s)}"


def shard(row: ShardRow) -> str:
    why = f": {row.why}" if row.why else ""
    reached = f", log time {moment(row.time)}" if row.time is not None else ""
    return f"lag {count(row.lag)}, outbox {count(row.outbox)}, due {count(row.due)}{reached}, {row.state}{why}"


def worker(row: WorkerRow) -> str:
    if not row.reachable:
        return f"{row.name}  unreachable: {'; '.join(row.why)}"
    parts = [
        "ready" if row.ready else "not ready",
        "healthy" if row.healthy else "unhealthy",
        f"shards {', '.join(map(str, row.shards)) or 'none'}",
        f"{row.events:,} events",
        *([size(row.memory)] if row.memory is not None else []),
    ]
    return f"{row.name}  {', '.join(parts)}" + "".join(f"; {why}" for why in row.why)


def trigger(row: TriggerRow) -> str:
    if not row.time:
        return f"{row.action}: {'; '.join(row.reasons)}"
    by = f" by {row.channel}" if row.channel else ""
    risk = "" if row.probability is None else f"  p={row.probability:.2f}"
    until = f"  until {moment(row.until)}" if row.until else ""
    return f"{moment(row.time)}  {row.customer}  {row.action}{by}{risk}  '{'; '.join(row.reasons)}'{until}"


def _troubles(view: View) -> list[str]:
    found = [f"worker {row.name}: {why}" for row in view.workers for why in row.why]
    found += [of_alarm(line) for line in alarms(view)]
    return found + ([f"triggers can't be read: {view.triggers_trouble}"] if view.triggers_trouble else [])


def objects(view: View, before: View | None = None) -> list[str]:
    """One line of JSON, whatever was before."""
    return [as_json(view)]


def as_json(view: View) -> str:
    """One JSON object. Times are ms since the epoch, durations seconds; null is what no worker tells.

    `triggers` are those that are new since the object before.
    """
    fresh = view.latest[-view.fresh :] if view.fresh else ()
    shown: dict[str, Any] = {
        "at": view.at,
        "log_time": view.time,
        "mode": view.mode or None,
        "events": view.events,
        "events_per_s": None if view.rate is None else round(view.rate, 1),
        "duplicates": view.duplicates,
        "dead_letters": view.dead,
        "redelivered": view.redelivered,
        "lag": view.lag,
        "outbox": view.outbox,
        "due_backlog": view.due,
        "trigger_latency": _quantiles(view.latency),
        "commit": _quantiles(view.commits),
        "customers": dict(view.bands),
        "stages": None if view.uncounted else dict(view.stages),
        "model": _model(view),
        "triggers_decided": view.triggers,
        "decided": dict(view.decided),
        "held": dict(view.held),
        "kinds": view.kinds,
        "budgets": [
            {"budget": row.name, "allowed": row.allowed, "reserved": row.reserved, "unmet": row.unmet}
            for row in view.budgets
        ],
        "alarms": [{"what": what, "shards": list(which)} for what, which in view.alarms.items()],
        "triggers": [_trigger(row) for row in fresh],
        "triggers_trouble": view.triggers_trouble or None,
        "partitions": view.partitions,
        "shards": [_shard(row) for row in view.shards],
        "workers": [_worker(row) for row in view.workers],
    }
    return json_text(json.dumps(shown, ensure_ascii=False, allow_nan=False))


def _model(view: View) -> dict[str, Any]:
    quality: dict[str, Any] = dict(view.quality)
    if "labels" in quality:
        quality["labels"] = int(quality["labels"])
    champion = {"champion": view.champion, "pinned": view.pinned} if view.champion else {}
    return {"version": view.version, **champion, **quality}


def _quantiles(found: Quantiles | None) -> dict[str, Any] | None:
    """A quantile above the histogram's last bound is null: it is not known better than that."""
    if found is None:
        return None
    p50, p99 = (round(value, 6) if math.isfinite(value) else None for value in (found.p50_s, found.p99_s))
    return {"p50_s": p50, "p99_s": p99, "count": found.count, "window_s": found.window_s and round(found.window_s, 1)}


def _shard(row: ShardRow) -> dict[str, Any]:
    return {
        "shard": row.shard,
        "lag": row.lag,
        "outbox": row.outbox,
        "due_backlog": row.due,
        "log_time": row.time,
        "state": row.state or None,
        "why": row.why or None,
    }


def _worker(row: WorkerRow) -> dict[str, Any]:
    return {
        "worker": row.name,
        "reachable": row.reachable,
        "ready": row.ready,
        "healthy": row.healthy,
        "why": list(row.why),
        "shards": list(row.shards),
        "events": row.events,
        "memory_bytes": row.memory,
    }


def _trigger(row: TriggerRow) -> dict[str, Any]:
    return {
        "time": row.time,
        "until": row.until,
        "customer": row.customer,
        "action": row.action,
        "kind": row.kind or None,
        "channel": row.channel,
        "probability": row.probability,
        "reasons": list(row.reasons),
    }
