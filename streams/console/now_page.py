"""What the pages say of the running engine: now, what is decided, and its workers and shards."""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup

from streams.console.background import Made
from streams.console.sources import ValueSource
from streams.console.svg import bar, spark
from streams.monitoring.top.plain import at_stages, quantiles
from streams.monitoring.top.view import TriggerRow, View
from streams.text import as_words, count, moment, quality

BANDS: Final = ("safe", "watch", "at_risk", "lapsed")
COLOURS: Final = {"safe": "safe", "watch": "watch", "at_risk": "risk", "lapsed": "lapsed"}
MOST_LATEST: Final = 20


def now_page(view: View, customers: bool = True) -> dict[str, Any]:
    """The template's values. customers: whether they are named."""
    at_risk = view.bands.get("at_risk", 0)
    return {
        "title": "Now",
        "headline": f"{at_risk:,} of {view.customers:,} customers are at risk; {view.triggers:,} triggers so far",
        "lead": lead(view),
        "alarms": [
            f"Marketing waits in shard {', '.join(map(str, shards))}: {as_words(name)}"
            for name, shards in view.alarms.items()
        ],
        "tiles": [
            (
                "Touchpoints a second",
                count(view.rate),
                spark(view.rates, "touchpoints a second"),
                f"lag {count(view.lag)} records",
            ),
            (
                "Customers at risk",
                f"{at_risk:,}",
                Markup(""),
                f"{_share(at_risk, view.customers)} of {view.customers:,}",
            ),
            (
                "Triggers",
                f"{view.triggers:,}",
                Markup(""),
                ", ".join(f"{as_words(k)} {n}" for k, n in view.kinds.items()) or "none yet",
            ),
            ("Held back", f"{sum(view.held.values()):,}", Markup(""), _most_held(view)),
        ],
        "bands": [
            (
                as_words(band),
                f"{view.bands.get(band, 0):,}",
                bar(_part(view.bands.get(band, 0), view.customers), COLOURS[band], as_words(band)),
            )
            for band in BANDS
        ],
        "stages": [
            (as_words(stage), f"{many:,}", bar(_part(many, sum(view.stages.values())), "safe", as_words(stage)))
            for stage, many in view.stages.items()
        ],
        "uncounted": at_stages(view) if view.uncounted else "",
        "latest": [_row(row, customers) for row in reversed(view.latest[-MOST_LATEST:])],
        "trouble": view.triggers_trouble,
    }


def lead(view: View) -> str:
    """How fast, and how well."""
    reached = f"Log time {moment(view.time)}. " if view.time is not None else "Not all shards have begun. "
    told = f"{quantiles(view.latency)} from touchpoint to trigger. " if view.latency is not None else ""
    return f"{reached}{told}Model: {quality(view.quality)}."


def tiers(found: ValueSource) -> list[tuple[str, str, str, Markup]]:
    """Customers by class and tier of value; none where nobody's value is known."""
    classes = {} if found.pyramid is None else found.pyramid["classes"]
    every = sum(one["customers"] for one in classes.values())
    return [
        (as_words(name), as_words(tier["tier"]), f"{tier['customers']:,}", bar(_part(tier["customers"], every)))
        for name, one in classes.items()
        if one["customers"]
        for tier in one["tiers"]
    ]


def levels(read: Made) -> list[tuple[str, str, Markup]]:
    """Customers by level of risk, the highest first, and who is at none; nothing before the records were read, or where
    no policy is in force."""
    if read.data is None or not read.data["levels"]:
        return []
    found = [*reversed(read.data["levels"].items()), ("below all levels", read.data["below_levels"])]
    every = sum(many for _, many in found)
    return [
        (as_words(name), f"{many:,}", bar(_part(many, every), "safe" if place == len(found) - 1 else "risk"))
        for place, (name, many) in enumerate(found)
    ]


def system_page(view: View) -> dict[str, Any]:
    """Workers and shards."""
    ill = [worker for worker in view.workers if not worker.well]
    return {
        "title": "System",
        "headline": f"{len(ill)} of {len(view.workers)} workers are not well" if ill else _well(len(view.workers)),
        "lead": "; ".join(f"{worker.name}: {', '.join(worker.why) or 'does not answer'}" for worker in ill)
        or _owned(view),
        "workers": [
            (
                one.name,
                "well" if one.well else "not well",
                ", ".join(one.why),
                f"{one.events:,}",
                ", ".join(map(str, one.shards)),
            )
            for one in view.workers
        ],
        "shards": [
            (
                one.shard,
                one.state,
                one.why,
                count(one.lag),
                count(one.outbox),
                count(one.due),
                moment(one.time) if one.time else "-",
            )
            for one in view.shards
        ],
        "dead": f"{view.dead:,}",
        "duplicates": f"{view.duplicates:,}",
        "unowned": view.unowned,
    }


def _owned(view: View) -> str:
    shards = "1 shard is" if len(view.shards) == 1 else f"{len(view.shards)} shards are"
    outbox = "" if view.outbox is None else f", {count(view.outbox)} entries in the outboxes"
    lag = "" if view.lag is None else f", {count(view.lag)} records behind"
    return f"{shards} owned{lag}{outbox}."


def _well(workers: int) -> str:
    return "The worker is well" if workers == 1 else f"All {workers} workers are well"


def _row(row: TriggerRow, customers: bool) -> dict[str, str]:
    risk = "" if row.probability is None else f"{row.probability:.0%}"
    what = f"{as_words(row.action)} by {row.channel}" if row.channel else as_words(row.action)
    return {
        "time": moment(row.time) if row.time else "-",
        "customer": row.customer if customers else "",
        "what": what,
        "why": "; ".join(row.reasons),
        "risk": risk,
    }


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _part(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _most_held(view: View) -> str:
    gate, many = next(iter(view.held.items()), ("", 0))
    return f"most by {gate}: {many:,}" if gate else "nothing yet"
