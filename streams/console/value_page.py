"""What the page of value says: the pyramid, what is at risk in it, what was spent, and how customers speak of us."""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup

from streams.console.made import told_of_records
from streams.console.sources import ValueSource
from streams.console.svg import as_table, rect, svg, text
from streams.text import as_words

WIDTH, LEFT, RIGHT, STEP = 600, 90, 400, 34
LEAST_HEARD: Final = 20
"""Customers with a known mood, before one is told."""


def value_page(found: ValueSource) -> dict[str, Any]:
    """The template's values."""
    classes = [] if found.pyramid is None else [one for one in found.pyramid["classes"].items() if one[1]["customers"]]
    held = {} if found.held.data is None else found.held.data["classes"]
    return {
        "title": "Value",
        "headline": _headline(classes, held),
        "lead": _lead(found),
        "valued": found.pyramid is not None,
        "classes": [_class(name, one["tiers"], held.get(name, {})) for name, one in classes],
        "spent": [_spent(name, tiers) for name, tiers in held.items()],
        "stages": _stages({} if found.held.data is None else found.held.data.get("stages", {})),
        "moods": [_mood(name, tiers) for name, tiers in held.items()],
        "as_of": told_of_records(found.held),
        "waits": found.held.going_on and found.held.data is None,
    }


def _headline(classes: list[tuple[str, Any]], held: dict[str, Any]) -> str:
    tiers = [tier for _, one in classes for tier in one["tiers"]]
    total = sum(tier["value"] for tier in tiers)
    if not tiers:
        return "What customers are worth is not known yet"
    if not total:
        return "Nobody's value is known yet: the first is learned once a horizon is over"
    said = f"{sum(tier['customers'] for tier in tiers):,} customers are expected to bring {total:,.0f}"
    at_risk = sum(one["at_risk"] for of in held.values() for one in of.values())
    return said + (f"; {at_risk:,.0f} more are at risk" if at_risk else "")


def _lead(found: ValueSource) -> str:
    if found.pyramid is None:
        return found.trouble
    return (
        f"Margin within {found.pyramid['horizon_days']:g} days, by policy {found.pyramid['policy']}. "
        "At risk: what those would bring who are expected to leave, if they stayed."
    )


def _class(name: str, tiers: list[dict[str, Any]], held: dict[str, Any]) -> dict[str, Any]:
    total = sum(tier["value"] for tier in tiers)
    rows = []
    for tier in tiers:
        known = held.get(tier["tier"])
        rows.append(
            {
                "tier": as_words(tier["tier"]),
                "customers": f"{tier['customers']:,}",
                "from": "-" if tier["from_value"] is None else f"{tier['from_value']:,.2f}",
                "value": f"{tier['value']:,.0f}",
                "of_all": f"{tier['value'] / total:.0%}" if total else "-",
                "at_risk": f"{known['at_risk']:,.0f}" if known else "-",
                "leave": f"{known['leave'] / known['customers']:.0%}" if known else "-",
                "spent": f"{known['spent']:,.0f}" if known else "-",
            }
        )
    return {
        "name": as_words(name),
        "customers": f"{sum(tier['customers'] for tier in tiers):,}",
        "rows": rows,
        "chart": _chart(name, tiers, held),
    }


def _chart(name: str, tiers: list[dict[str, Any]], held: dict[str, Any]) -> Markup:
    """A bar for each tier: what is expected of it, and beyond that what is at risk."""
    rows = [(tier, held.get(tier["tier"], {}).get("at_risk", 0.0)) for tier in tiers]
    most = max((tier["value"] + lost for tier, lost in rows), default=0.0)
    if not most:
        return Markup("")
    parts = []
    for number, (tier, lost) in enumerate(rows):
        y, wide, risk = 8 + STEP * number, *((RIGHT - LEFT) * one / most for one in (tier["value"], lost))
        parts += [
            text(LEFT - 10, y + 16, as_words(tier["tier"]), "end", "strong"),
            rect(LEFT, y, max(wide, 1.0), 22, "dot"),
            rect(LEFT + wide, y, risk, 22, "risk"),
            text(LEFT + wide + risk + 8, y + 16, f"{tier['value']:,.0f}" + (f", {lost:,.0f} at risk" if lost else "")),
        ]
    drawn = svg(WIDTH, 12 + STEP * len(tiers), f"Value by tier, class {as_words(name)}", parts)
    return drawn + as_table(
        ("tier", "value", "at risk"),
        [
            (
                as_words(tier["tier"]),
                f"{tier['value']:,.0f}",
                f"{held[tier['tier']]['at_risk']:,.0f}" if tier["tier"] in held else "-",
            )
            for tier in tiers
        ],
    )


def _spent(name: str, tiers: dict[str, Any]) -> tuple[str, str, str, str]:
    customers, spent = (sum(one[what] for one in tiers.values()) for what in ("customers", "spent"))
    each = f"{spent / customers:,.2f}" if customers else "-"
    return as_words(name), f"{customers:,}", f"{spent:,.0f}", each


def _mood(name: str, tiers: dict[str, Any]) -> tuple[str, str, str, str]:
    """Of a class: how many spoke with a sentiment that was told, their mean, and whose is below zero."""
    heard, unhappy = (sum(one[what] for one in tiers.values()) for what in ("heard", "unhappy"))
    if heard < LEAST_HEARD:
        return as_words(name), f"{heard:,}", "too few to tell", "-"
    mood = sum(one["mood"] * one["heard"] for one in tiers.values()) / heard
    return as_words(name), f"{heard:,}", f"{mood:+.2f}", f"{unhappy:,} ({unhappy / heard:.0%})"


def _stages(stages: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Of the loyalty loop: how many customers stand where, their mean index, and how often they spoke well of us."""
    total = sum(one["customers"] for one in stages.values())
    return [
        (
            as_words(stage),
            f"{one['customers']:,}",
            f"{one['customers'] / total:.0%}" if total else "-",
            "-" if one["index"] is None else f"{one['index']:+z.1f}",
            f"{one['spoke_well']:,}",
        )
        for stage, one in stages.items()
    ]
