"""What the page of proof says: whether more customers stay because of what was sent, how sure that is, and what else it
takes to know."""

from __future__ import annotations

from typing import Any, Final

from streams.console.background import Made
from streams.console.made import told_as_of
from streams.console.proof_chart import course_chart, drawn_interval, reach
from streams.text import as_words, moment

HARM_WORDS: Final = {"complaint": "complained", "unsubscribed": "refused marketing", "bad_mention": "spoke ill of us"}
YEAR_WEEKS: Final = 52
PER: Final = 1_000
"""Shares are told of so many customers."""


def proof_page(made: Made) -> dict[str, Any]:
    """The template's values."""
    found = made.data or {}
    programmes = found.get("programme", [])
    last = programmes[-1] if programmes else None
    headline, lead = _news(made, last)
    return {
        "title": "Proof",
        "headline": headline,
        "lead": lead,
        "as_of": told_as_of(made, "topics"),
        "waits": made.going_on and made.data is None,
        "until": moment(found["until"]) if found.get("until") else "",
        "programme": None if last is None else _programme(last, found),
        "earlier": [_news(made, one)[0] + f" (salt {one['salt']})" for one in programmes[:-1]],
        "draws": _draws(found["draws"]) if found else None,
        "renewals": _renewals(found["renewals"]) if found else [],
        "held": [_held(one) for one in found.get("held", ())],
        "notes": list(_notes(found)),
        "terms": _terms(found),
    }


def _news(made: Made, one: dict[str, Any] | None) -> tuple[str, str]:
    """The sentence, and what it means."""
    if made.data is None:
        told = "The log is read from its beginning, beside the pages: load this one again in a while."
        return ("What was saved is being computed", told) if not made.trouble else ("What was saved is not known", "")
    if one is None:
        return "There is nothing to compare with yet", "No marketing was decided under a policy with a control group."
    if not one["shown"]:
        group = f"{one['control']:,} customers where {one['control_expected']:,.0f} were expected"
        return "The comparison is broken", (
            f"The control group has {group}: something drops customers of one arm. Nothing is shown until a new salt "
            "begins a new comparison."
        )
    first = one["ages"][0]
    if not first["matured"]:
        return "Nobody is old enough to be compared yet", (
            f"The first comparison comes {first['days']:g} days after a customer's first marketing decision."
        )
    lift = first["kept"]
    interval = lift["interval"]
    if interval is None:
        return "There is too little yet to tell", f"{first['matured']:,} customers are old enough to be compared."
    sure = f"Between {_of(interval['low'])} and {_of(interval['high'])} of 1,000, at 97.5 %"
    looks = "and you may look as often as you like: it holds at every look. It compares customers who may hear from us "
    looks += "with a group, drawn once and kept, who do not."
    if interval["low"] > 0.0:
        return f"{_of(lift['lift'])} of 1,000 more customers stayed because of us", f"{sure}, {looks}"
    if interval["high"] < 0.0:
        return f"{_of(-lift['lift'])} of 1,000 fewer customers stayed because of us", f"{sure}, {looks}"
    visible = lift["smallest_visible"]
    seen = "" if visible is None else f" From {_of(visible)} of 1,000 on a difference would be seen by now."
    return "Nobody can tell yet whether more customers stay because of us", f"{sure}, {looks}{seen}"


def _of(share: float) -> str:
    return f"{PER * share:,.0f}"


def _programme(one: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    ages = [age for age in one["ages"] if age["matured"]]
    span = reach(age["kept"] for age in ages)
    share = one["control"] / one["indexed"] if one["indexed"] else 0.0
    meant = one["control_expected"] / one["indexed"] if one["indexed"] else 0.0
    return {
        "salt": one["salt"],
        "shown": one["shown"],
        "chart": course_chart(one["course"]) if one["course"] else "",
        "indexed": f"{one['indexed']:,}",
        "control": f"{one['control']:,}",
        "fair": "no" if not one["shown"] else "look closer" if one["ratio_evidence"] >= 20 else "yes",
        "fair_note": f"{share:.2%} in control, {meant:.2%} meant",
        "alike": _check(one["alike"]),
        "before": _check(one["before"]),
        "ages": [
            {
                "days": f"{age['days']:g} days",
                "customers": f"{age['matured']:,}",
                "treated": f"{age['treated']['kept']:.1%}",
                "control": f"{age['control']['kept']:.1%}",
                "picture": drawn_interval(age["kept"], span, PER),
                "kept": _lift(age["kept"], PER, 0),
                "money": f"{age['treated']['money']:,.2f}, control {age['control']['money']:,.2f}",
                "lift_money": _lift(age["money"], 1, 2),
                "harms": [(HARM_WORDS[name], _lift(harm, PER, 0)) for name, harm in age["harms"].items()],
                "capped": f"{age['capped']:.0%}" if age["capped"] >= 0.01 else "",
            }
            for age in ages
        ],
        "to_see": [_to_see(row, one, found) for row in one["to_see"]] if one["shown"] else [],
    }


def _check(lift: dict[str, Any]) -> str:
    interval = lift["interval"]
    if interval is None:
        return "too little yet"
    fits = interval["low"] <= 0.0 <= interval["high"]
    return f"{'about zero' if fits else 'NOT zero'}: {_lift(lift, PER, 0)} of 1,000"


def _lift(lift: dict[str, Any], scale: float, digits: int) -> str:
    interval = lift["interval"]
    if interval is None:
        return "too little yet"
    low, high = (f"{scale * interval[side]:+,.{digits}f}" for side in ("low", "high"))
    return f"{scale * lift['lift']:+,.{digits}f} ({low} to {high})"


def _to_see(row: dict[str, Any], one: dict[str, Any], found: dict[str, Any]) -> tuple[str, str, str]:
    matured = one["ages"][0]["matured"] if one["ages"] else 0
    lift, units = f"{PER * row['lift']:g} of 1,000", row["units"]
    if units is None:
        return lift, "not to be told", ""
    to_go = units - matured
    if to_go <= 0:
        return lift, f"{units:,}", "would be seen by now"
    pace = one["a_week"]
    if not pace:
        return lift, f"{units:,}", f"{to_go:,} to go, and nobody comes to it at present"
    weeks = to_go / pace
    lasts = f"{weeks:,.0f} weeks" if weeks <= 2 * YEAR_WEEKS else f"{weeks / YEAR_WEEKS:,.0f} years"
    return lift, f"{units:,}", f"{to_go:,} to go: {lasts} at {pace:,.0f} a week"


def _draws(draws: dict[str, Any]) -> dict[str, Any]:
    named = [("the policy", draws["policy"]), *draws["actions"].items()]
    span = reach(one["kept"] for _, one in named)
    return {
        "matured": f"{draws['matured']:,}",
        "open": f"{draws['open']:,}",
        "any": bool(draws["matured"]),
        "rows": [_draw(name, one, span) for name, one in named],
        "levels": [_draw(name, one, span) for name, one in draws["levels"].items()] if len(draws["levels"]) > 1 else [],
    }


def _draw(name: str, one: dict[str, Any], span: tuple[float, float]) -> dict[str, Any]:
    return {
        "name": as_words(name),
        "given": f"{one['given']:,}",
        "picture": drawn_interval(one["kept"], span, PER),
        "kept": _lift(one["kept"], PER, 0),
        "money": _lift(one["money"], 1, 2),
    }


def _renewals(told: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (
            name,
            f"{one['renewals']:,}",
            "not told" if one["without_use"] is None else f"{one['without_use']:,}",
            f"{one['cancelled']:,}",
        )
        for name, one in told["arms"].items()
    ]


def _held(one: dict[str, Any]) -> str:
    until = f"until {moment(one['until'])}" if one["until"] else "until now"
    return f"{one['what']}, from {moment(one['from'])} {until}"


def _notes(found: dict[str, Any]) -> Any:
    for what, words in (
        ("exempt", "customers were exempt from control when they first came, and are in no table"),
        ("decisions_without_policy", "decisions are of policies that the log no longer has, and in no table"),
        ("unread", "records could not be read"),
    ):
        if found.get(what):
            yield f"{found[what]:,} {words}"


def _terms(found: dict[str, Any]) -> str:
    if not found:
        return ""
    earned = "net spend" if found["margin"] == 1.0 else f"{found['margin']:.0%} of net spend"
    return f"Money is {earned} less contacts and discounts, of a customer {found['cap']:g} at most."
