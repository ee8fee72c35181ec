"""What the pages of the policy say: what is in force, what is proposed and what it would change, who changed what."""

from __future__ import annotations

from typing import Any

from models.decisions.policy.wording import shown
from streams.console.model_charts import thresholds_chart
from streams.console.sources import PolicyPage
from streams.operations.policy.changing import Changed, Proposed
from streams.text import as_words, moment


def policy_page(found: PolicyPage) -> dict[str, Any]:
    """The template's values."""
    story = found.model.data or {}
    champion = story.get("standing", {}).get("champion", "")
    curve = story.get("thresholds", {}).get(champion, [])
    return {
        "title": "Policy",
        "policy": found,
        "waits": moment(found.waiting[1]) if found.waiting[0] else "",
        "history": [_applied(one) for one in found.history],
        "proposals": [_proposal(one) for one in found.proposals],
        "thresholds": thresholds_chart(curve, found.levels),
        "champion": champion,
    }


def _applied(one: dict[str, Any]) -> dict[str, Any]:
    about = [f"made from {one['base']}"] if one["base"] else []
    about += [f"proposed by {one['proposer']}"] if one["proposer"] else []
    about += [f"approved by {', '.join(one['approvers'])}"] if one["approvers"] else []
    return {
        "name": one["name"],
        "number": one["number"],
        "time": moment(one["time"]) if one["time"] else "-",
        "by": one["by"] or "-",
        "reason": one["reason"] or "-",
        "about": "; ".join(about),
    }


def _proposal(one: dict[str, Any]) -> dict[str, Any]:
    state = "something else was applied since: propose it again" if one["outdated"] else "; ".join(one["lacks"])
    return {
        "name": one["name"],
        "by": one["by"],
        "reason": one["reason"] or "-",
        "sections": ", ".join(one["sections"]) or "no key",
        "approvers": ", ".join(one["approvers"]) or "nobody yet",
        "state": state or "may be applied",
        "outdated": one["outdated"],
    }


def change_page(text: str, looked: Changed | None, rolls_back: int) -> dict[str, Any]:
    """The form with a text, and what it would change where it was looked at."""
    values: dict[str, Any] = {"title": "Change the policy", "text": text, "rolls_back": rolls_back, "looked": None}
    if looked is None:
        return values | {"headline": "Change the policy", "lead": "Nothing comes into force by this page."}
    if looked.problems:
        many = len(looked.problems)
        return values | {
            "headline": f"It is no policy yet: {many} {'fault' if many == 1 else 'faults'}",
            "lead": "Each line names the key, its value and what it takes.",
            "looked": {"problems": looked.problems},
        }
    return values | {
        "headline": _headline(len(looked.changed)),
        "lead": touched_words(looked.touched),
        "looked": {
            "problems": (),
            "remarks": looked.remarks,
            "base": looked.base,
            "changes": changes_of(looked.changed),
            "touched": looked.touched,
        },
    }


def _headline(keys: int) -> str:
    return f"It changes {keys} {'key' if keys == 1 else 'keys'}" if keys else "It changes no key"


def proposal_page(found: Proposed) -> dict[str, Any]:
    """One proposal."""
    one = _proposal(found.told)
    return {
        "title": f"Proposal {one['name']}",
        "headline": f"{one['by']} proposes to change {one['sections']}: {one['reason']}",
        "lead": touched_words(found.touched),
        "proposal": one,
        "changes": changes_of(found.changed),
        "touched": found.touched,
        "ready": not found.told["lacks"] and not found.told["outdated"],
        "text": found.text,
    }


def changes_of(changed: dict[str, list[Any]]) -> list[tuple[str, str, str]]:
    """Key, old and new value."""
    return [(key, _shown(old), _shown(new)) for key, (old, new) in changed.items()]


def _shown(value: Any) -> str:
    return "-" if value is None else shown(value)


def touched_words(touched: dict[str, Any]) -> str:
    """Whom it would touch at its start, as a sentence."""
    near = f" (± {touched['day_error']:,})" if touched["day_error"] else ""
    said = (
        f"It would touch {touched['hour']:,} customers in the first hour and {touched['day']:,}{near} in the first day"
    )
    kinds = ", ".join(f"{as_words(name)} {many:,}" for name, many in touched["by_kind"].items())
    above = f"{touched['above']:,} are above a level that has not asked"
    return f"{said}. {above}{f': {kinds}' if kinds else ''}."
