"""What a policy would have done, as plain data: totals, triggers, levels, funnel, waits, contacts, classes. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from models.decisions.policy.types import Policy
from models.settings import DAY
from models.simulation.funnel import CONTROL, ENDS, LEFT_ALONE
from models.simulation.policy_tally import Sent, Tally

QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
MONTH: Final = 30 * DAY


def report(tally: Tally, policy: Policy, classes: Mapping[str, str]) -> dict[str, Any]:
    """What came of a rehearsal.

    Args:
        tally: that has heard it.
        policy: that decided.
        classes: by customer the class that they state, "" for none.

    Returns:
        Plain data; docs/cli.md tells each field (`simulate`). Money is rounded to cents, days to tenths.
    """
    return {
        "totals": _totals(tally, len(classes)),
        "triggers": _triggers(tally.sent),
        "actions": _actions(tally, policy),
        "levels": _levels(tally, policy),
        "funnel": _funnel(tally),
        "waits": _waits(tally),
        "contacts": _contacts(tally.sent),
        "classes": _classes(tally.sent, classes),
    }


def difference(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """What one report has more than another: its totals, and triggers by action."""
    counts = [{row["action"]: row["triggers"] for row in found["actions"]} for found in (new, old)]
    names = sorted(counts[0] | counts[1])
    return {
        "totals": {name: round(value - old["totals"][name], 2) for name, value in new["totals"].items()},
        "actions": {name: counts[0].get(name, 0) - counts[1].get(name, 0) for name in names},
    }


def _totals(tally: Tally, customers: int) -> dict[str, Any]:
    ends = Counter[str]()
    for (_, _, end), count in tally.ended.items():
        ends[end] += count
    touched = len({one.customer for one in tally.sent})
    return {
        "customers": customers,
        "episodes": tally.episodes,
        **{end: ends[end] for end in ENDS},
        "not_worth": tally.funnel.not_worth,
        "withdrawn": tally.withdrawn,
        "touched": touched,
        "touched_share": round(touched / customers, 4) if customers else 0.0,
        **_money(tally.sent),
        "left_alone_money": round(tally.funnel.money[LEFT_ALONE], 2),
        "control_money": round(tally.funnel.money[CONTROL], 2),
    }


def _money(sent: Sequence[Sent]) -> dict[str, float]:
    cost, discount = sum(one.cost for one in sent), sum(one.discount for one in sent)
    effect = sum(one.effect for one in sent)
    return {
        "cost": round(cost, 2),
        "discount": round(discount, 2),
        "effect": round(effect, 2),
        "net": round(effect - discount - cost, 2),
    }


def _triggers(sent: Sequence[Sent]) -> list[dict[str, Any]]:
    """By kind, action, moment, channel and level; the most frequent first."""
    rows: defaultdict[tuple[str, ...], list[Sent]] = defaultdict(list)
    for one in sent:
        rows[one.kind, one.action, one.moment, one.channel, one.level].append(one)
    heads = ("kind", "action", "moment", "channel", "level")
    ordered = sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))
    return [dict(zip(heads, key, strict=True)) | {"triggers": len(of)} | _money(of) for key, of in ordered]


def _actions(tally: Tally, policy: Policy) -> list[dict[str, Any]]:
    """Every action of the policy, chosen or not."""
    sent = Counter(one.action for one in tally.sent)
    held: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (action, gate), count in sorted(tally.funnel.held_by.items(), key=lambda item: (-item[1], item[0])):
        held[action][gate] = count
    return [
        {
            "action": name,
            "kind": action.kind,
            "looked_at": tally.funnel.looked_at[name],
            "passed": tally.funnel.passed[name],
            "triggers": sent[name],
            "held_by": held[name],
        }
        for name, action in policy.action.items()
    ]


def _levels(tally: Tally, policy: Policy) -> list[dict[str, Any]]:
    """By moment and level, in the policy's order: how it ended, and how long ago the last purchase was."""
    places = {level.name: place for place, level in enumerate(policy.risk.levels)}
    moments = list(policy.moment)
    silences: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for one in tally.sent:
        if one.silence is not None:
            silences[one.moment, one.level].append(one.silence)
    known = {(moment, level) for moment, level, _ in tally.ended}
    ordered = sorted(known, key=lambda key: (key[0] not in moments, key[0], places.get(key[1], -1), key[1]))
    return [
        {
            "moment": moment,
            "level": level,
            **{end: tally.ended[moment, level, end] for end in ENDS},
            "days_since_purchase": _days(silences[moment, level]),
        }
        for moment, level in ordered
    ]


def _funnel(tally: Tally) -> list[dict[str, Any]]:
    found = [
        {
            "gate": code,
            "candidates": gate.candidates,
            "alone": gate.alone,
            "moments": gate.moments,
            "money": round(gate.money, 2),
        }
        for code, gate in tally.funnel.gates.items()
    ]
    return sorted(found, key=lambda row: (-row["candidates"], -row["moments"], row["gate"]))


def _waits(tally: Tally) -> list[dict[str, Any]]:
    return [
        {"gate": gate, "waits": count, "customers": len(tally.who_waits[gate]), "days": _days(tally.waited(gate))}
        for gate, count in sorted(tally.waits.items(), key=lambda item: (-item[1], item[0]))
    ]


def _contacts(sent: Sequence[Sent]) -> dict[str, Any]:
    """Of the customers who were touched: how many contacts in all, and in their fullest thirty days."""
    times: defaultdict[str, list[int]] = defaultdict(list)
    for one in sent:
        times[one.customer].append(one.time)
    silences = [one.silence for one in sent if one.silence is not None]
    return {
        "per_customer": _quantiles([len(of) for of in times.values()]),
        "most_in_30_days": _quantiles([fullest(of) for of in times.values()]),
        "days_since_purchase": _days(silences),
        "never_bought": len(sent) - len(silences),
    }


def fullest(times: Sequence[int], within: int = MONTH) -> int:
    """The most of these times (ms) that lie within so long (ms, its end not counted) of each other."""
    ordered = np.sort(np.asarray(times, np.int64))
    ends = np.searchsorted(ordered, ordered + within)
    return int(np.max(ends - np.arange(len(ordered)), initial=0))


def _classes(sent: Sequence[Sent], classes: Mapping[str, str]) -> list[dict[str, Any]]:
    """By the class that customers state at the end of the log."""
    of: defaultdict[str, list[Sent]] = defaultdict(list)
    for one in sent:
        of[classes.get(one.customer, "")].append(one)
    return [
        {
            "class": name,
            "customers": count,
            "touched": len({one.customer for one in of[name]}),
            "triggers": len(of[name]),
            **_money(of[name]),
        }
        for name, count in sorted(Counter(classes.values()).items(), key=lambda item: (-item[1], item[0]))
    ]


def _days(times: Sequence[int]) -> dict[str, float]:
    return {name: round(value / DAY, 1) for name, value in _quantiles(times).items()}


def _quantiles(values: Sequence[int]) -> dict[str, float]:
    """Values that occur, by name such as `p50`, and the mean and the highest; of nothing, nothing."""
    if not values:
        return {}
    column = np.asarray(values, np.float64)
    found = np.quantile(column, QUANTILES, method="inverted_cdf")
    named = {f"p{100 * at:g}": float(value) for at, value in zip(QUANTILES, found, strict=True)}
    return named | {"max": float(column.max()), "mean": round(float(column.mean()), 2)}
