"""What the page of decisions says: what became of the moments that asked, and what held the others at what price."""

from __future__ import annotations

from typing import Any, Final

from models.decisions.words import BECAME, told
from streams.console.background import Made
from streams.console.made import told_as_of
from streams.console.svg import bar
from streams.monitoring.top.view import View
from streams.text import as_words, moment

ENDS: Final = ("triggered", "held", "left_alone", "control", "void")


def decisions_page(view: View, made: Made) -> dict[str, Any]:
    """The template's values. made: of the newest decisions."""
    moments = {name: view.decided.get(name, 0) for name in ENDS}
    asked = sum(moments.values())
    most = max(view.held.values(), default=1)
    return {
        "title": "Decisions",
        "headline": f"{moments['triggered']:,} of {asked:,} moments became a message"
        if asked
        else "Nothing was decided yet",
        "lead": "The others were held back or left alone. Counted since the workers' start.",
        "outcomes": [(as_words(name), f"{many:,}", bar(_part(many, asked))) for name, many in moments.items()],
        "held": [(gate, told(gate), f"{many:,}", bar(many / most, "held")) for gate, many in view.held.items()],
        "budgets": [(one.name, f"{one.reserved:,}", f"{one.allowed:,}", f"{one.unmet:,}") for one in view.budgets],
        "as_of": told_as_of(made, "decisions"),
        "waits_for": made.going_on and made.data is None,
        **_newest(made.data),
    }


def _newest(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        return {"newest": "", "prices": [], "waiting": [], "shared": [], "actions": [], "became": [], "others": ""}
    highest = max((one["money"] or 0.0 for one in found["gates"]), default=0.0)
    became = [name for name in BECAME if any(one[name] for one in found["actions"])]
    return {
        "newest": _of_which(found),
        "prices": [_price(one, highest) for one in found["gates"]],
        "others": f"Not had by the draw, which leaves some alone to learn: {found['left_alone_money']:,.2f}; from the "
        f"control group: {found['control_money']:,.2f}.",
        "waiting": [(one["gate"], one["why"], f"{one['began']:,}", f"{one['waiting']:,}") for one in found["waits"]],
        "shared": [(as_words(one["step"]), one["gate"], one["why"], f"{one['many']:,}") for one in found["shared"]],
        "became": [as_words(name) for name in became],
        "actions": [
            (
                as_words(one["action"]),
                "not known" if one["kind"] is None else as_words(one["kind"]) or "-",
                f"{one['triggers']:,}",
                [(as_words(name), f"{one[name]:,}") for name in became],
            )
            for one in found["actions"]
        ],
    }


def _of_which(found: dict[str, Any]) -> str:
    """What was read."""
    unread = f" {found['unread']:,} more are of another release, and not counted." if found["unread"] else ""
    if not found["moments"]:
        return f"No moment was answered in the newest {found['read']:,} records.{unread}"
    since = f"since {moment(found['since'])}" if found["since"] else "since the topic begins"
    return f"{found['moments']:,} moments that were answered {since}: the newest {found['read']:,} records.{unread}"


def _price(one: dict[str, Any], highest: float) -> dict[str, Any]:
    money = one["money"]
    return {
        "gate": one["gate"],
        "why": one["why"],
        "actions": f"{one['candidates']:,}",
        "alone": f"{one['alone']:,}",
        "moments": f"{one['moments']:,}",
        "money": "not known: no action was looked at" if money is None else f"{money:,.2f}",
        "picture": bar(money / highest, "held") if money and highest else "",
    }


def _part(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
