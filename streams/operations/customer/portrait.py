"""A customer's record for people: as plain data (`profile_view`) and as text (`lines`).

Times are ISO 8601, UTC; None where unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, expm1
from typing import TYPE_CHECKING, Any

from models.customer.bands import Band
from models.customer.consent import unpack_register
from models.customer.layout import (
    AMOUNT_EWMA,
    DAY_AMOUNT,
    DUE,
    EPISODE,
    ERASED,
    FIRST_PURCHASE,
    FIRST_TOUCH,
    GAP_EWMA,
    HALF_LIVES_TOUCH,
    LAST_PURCHASE,
    NEWEST,
    PENDING_CHURNED,
    PENDING_RISK,
    PURCHASE_DAYS,
    RATING_EWMA,
    RETURNED,
    RISK,
    SENTIMENT_EWMA,
    SPENT,
    TOUCH_DECAYS,
)
from models.customer.merged import is_merged
from models.customer.record import Record, hash_of
from models.customer.schedule import phase_of, tick_time
from models.decisions.policy.in_force import PolicyInForce
from models.engine.compiled_rules import rules_of
from models.settings import DAY, EngineSettings
from models.timeline.order import NEVER, Stage, stage_of, time_of
from streams.operations.customer.membership import membership_view
from streams.operations.customer.person import iso, person_view
from streams.operations.customer.points import points_view

if TYPE_CHECKING:
    from streams.operations.customer.forecast import CustomerForecast

COUNTED = (
    "complaints",
    "failed_payments",
    "unsubscribes",
    "visits",
    "opened_messages",
    "times_online",
    "returns",
    "campaigns",
)
"""The counted kinds of touchpoints, in the record's order."""

DUE_FOR = {
    Stage.LABELS: "the label of a pending example",
    Stage.WATERMARK: "a watermark",
    Stage.VERSION: "a model version",
    Stage.SCORES: "the next estimate of risk",
    Stage.LEAVING: "the record leaves the store",
}


def profile_view(
    customer: str,
    partition: int,
    record: Record,
    settings: EngineSettings | None,
    foreseen: CustomerForecast | None = None,
    decisions: dict[str, Any] | None = None,
    policy: PolicyInForce | None = None,
    now: int = 0,
) -> dict[str, Any]:
    """Everything a person may want to know of a record, as plain data.

    Args:
        customer: the id.
        partition: that the customer belongs to.
        record: decoded.
        settings: those that the shard was created with; None where not known.
        foreseen: the forecast; None where there is none.
        decisions: how we stand with them (`streams.operations.customer.standing`); None: no policy is in force.
        policy: in force; None: it is not known. now: log time, ms.

    Returns:
        JSON types only.
    """
    return {
        "customer": customer,
        "partition": partition,
        "kept": _kept(record),
        "profile": person_view(record),
        "behaviour": _behaviour(record),
        "risk": _risk(record),
        "points": points_view(record, policy),
        "membership": membership_view(record, policy, now),
        "decisions": decisions,
        "if_silent": _if_silent(foreseen),
        "learning": _learning(customer, record, settings),
        "next_due": _due(record),
    }


def _kept(record: Record) -> str:
    """How much of the customer there is."""
    if is_merged(record.flags):
        return f"that it is another id of {record.tail.merged}, where all is that was known of it"
    if record.flags & ERASED:
        since = iso(record.times[NEWEST])
        return "that they were erased" + (f", on {since}" if since else "")
    tail = record.tail
    objects = any(not said.granted for said in unpack_register(tail.consents).values()) or tail.restrictions
    if objects and not record.times[NEWEST] and not any(record.ids):
        return "their objection alone: they were silent for so long that all else has left the store"
    return "everything"


def _behaviour(record: Record) -> dict[str, Any]:
    times, numbers = record.times, record.numbers
    days = round(numbers[PURCHASE_DAYS])
    first = record.seconds[FIRST_PURCHASE] * 1_000
    owned = times[LAST_PURCHASE] // DAY - first // DAY
    return {
        "first_touch": iso(record.seconds[FIRST_TOUCH] * 1_000),
        "last_touch": None if record.flags & ERASED else iso(times[NEWEST]),
        "first_purchase": iso(first),
        "last_purchase": iso(times[LAST_PURCHASE]),
        "purchase_days": days,
        "days_between_purchases": round(owned / (days - 1), 1) if days > 1 else None,
        "usual_days_between_purchases_lately": round(exp(numbers[GAP_EWMA]), 1) if days > 1 else None,
        "spent": round(numbers[SPENT], 2),
        "returned": round(numbers[RETURNED], 2),
        "last_purchase_day_amount": round(numbers[DAY_AMOUNT], 2) if days else None,
        "usual_purchase_day_amount": round(expm1(numbers[AMOUNT_EWMA]), 2) if days > 1 else None,
        "rating": round(numbers[RATING_EWMA], 2) if record.ratings else None,
        "sentiment": round(numbers[SENTIMENT_EWMA], 2) if record.sentiments else None,
        "lately_as_of_last_touch": {
            f"{name}_with_half_life_{half_life:g}_days": round(count, 2)
            for name, half_life, count in zip(COUNTED, HALF_LIVES_TOUCH, numbers[TOUCH_DECAYS:], strict=False)
            if count >= 0.005
        },
    }


def _risk(record: Record) -> dict[str, Any]:
    opened = record.times[EPISODE]
    tail = record.tail
    episode = {"opened": iso(opened), "opened_by": tail.opener, "triggers": tail.step, "trigger": tail.trigger.hex()}
    return {
        "band": "merged" if is_merged(record.flags) else Band(record.band).name.lower(),
        "probability": round(record.numbers[RISK], 4),
        "episode": episode if opened else None,
    }


def _if_silent(foreseen: CustomerForecast | None) -> dict[str, Any] | None:
    """The probability as of the shard's time, younger than the record's estimate, and what will come of it."""
    if foreseen is None:
        return None
    outlook = foreseen.forecast
    sure = None if foreseen.low is None or foreseen.high is None else [round(foreseen.low, 4), round(foreseen.high, 4)]
    return {
        "as_of": iso(foreseen.at),
        "probability": round(outlook.now, 4),
        "probability_90_percent_interval": sure,
        "outlook": _outlook(foreseen),
        "crosses_threshold": iso(outlook.crosses or 0),
        "lapsed_from": iso(outlook.until),
        "course": {str(iso(at)): round(risk, 3) for at, risk in outlook.course[1:]},
    }


def _outlook(foreseen: CustomerForecast) -> str:
    outlook, enter = foreseen.forecast, f"{foreseen.enter:g}"
    if outlook.crosses is None:
        return f"stays below {enter} until they are lapsed"
    if outlook.crosses <= foreseen.at:
        return f"at or above {enter} already"
    return f"crosses {enter} in {(outlook.crosses - foreseen.at) / DAY:.1f} days"


def _learning(customer: str, record: Record, settings: EngineSettings | None) -> dict[str, Any] | None:
    if not record.pending_ticks[PENDING_CHURNED]:
        return None
    observed_at = 0
    if settings is not None:
        observed_at = tick_time(
            rules_of(settings), phase_of(settings, hash_of(customer.encode())), record.pending_ticks[PENDING_CHURNED]
        )
    return {"observed_at": iso(observed_at), "predicted_then": round(record.numbers[PENDING_RISK], 4)}


def _due(record: Record) -> dict[str, Any] | None:
    due = record.times[DUE]
    if not due or due == NEVER:
        return None
    return {"at": iso(time_of(due)), "for": DUE_FOR[Stage(stage_of(due))]}


def lines(data: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Plain data as indented text; what is unknown is left out."""
    for name, value in data.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            if value:
                yield f"{indent}{label}:"
                yield from lines(value, indent + "  ")
        elif isinstance(value, list):
            if value:
                yield f"{indent}{label}: {', '.join(map(str, value))}"
        elif value is not None:
            shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
            yield f"{indent}{label}: {shown}"
