"""What one customer's page says: the news as a sentence, what follows from it, and each decision with its reason."""

from __future__ import annotations

import re
from typing import Any, Final

from models.decisions.shared_moments import PROPOSED, RESERVED, SHARED_MOMENTS
from models.settings import DAY
from streams.console.sources import Story
from streams.console.story_chart import outcome, story_chart, time_of
from streams.operations.customer.shared import shared_text
from streams.text import as_words

_TIME: Final = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z$")
_TIMES: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*Z")
MOST_TOLD: Final = 40
"""Decisions that the page lists, the newest first."""
_TOLD: Final = frozenset({"decided", "waits", *SHARED_MOMENTS})
_SHARED: Final = {
    PROPOSED: "To be offered to the other one of a conversation, too.",
    RESERVED: "To be offered to both of a conversation.",
    "decided": "Offered to the other one of a conversation, too.",
}


def story_page(story: Story) -> dict[str, Any]:
    """The template's values."""
    risk, behaviour = story.course, story.profile["behaviour"]
    told = [one for one in story.past if one["what"] in _TOLD and (one["moment"] or one["group"])]
    return {
        "title": story.customer,
        "headline": _headline(story, behaviour),
        "lead": _lead(story),
        "chips": list(_chips(story)),
        "chart": story_chart(story),
        "entries": [_entry(one) for one in reversed(told[-MOST_TOLD:])],
        "left_out": max(0, len(told) - MOST_TOLD),
        "waits": [] if story.standing is None else story.standing["waits"],
        "profile": list(_facts(story.profile["profile"])),
        "behaviour": list(_facts(behaviour)),
        "trouble": story.trouble,
        "unread": story.unread,
        "risk": None if risk is None else f"{risk.now:.0%}",
    }


def _headline(story: Story, behaviour: dict[str, Any]) -> str:
    usual, last = behaviour.get("days_between_purchases"), behaviour.get("last_purchase")
    silent = (story.as_of - time_of(last)) / DAY if last else None
    level = story.standing["level"] if story.standing is not None else None
    band = story.profile["risk"].get("band", "") if isinstance(story.profile.get("risk"), dict) else ""
    state = f"is {as_words(level)}" if level else f"is {as_words(band)}" if band else "is known"
    parts = []
    if silent is not None:
        parts.append(f"silent for {silent:.0f} days")
    if usual is not None:
        parts.append(f"usually buys every {usual:g}")
    return f"{story.customer} {state}" + (f": {', '.join(parts)}" if parts else "")


def _lead(story: Story) -> str:
    standing = story.standing
    if story.profile["kept"] != "everything":
        return f"What is kept: {story.profile['kept']}."
    if standing is None:
        return "No policy is in force in this shard."
    said = []
    if standing["control_group"]:
        said.append("Of the control group: no marketing of ours, so that it can be seen what marketing does.")
    if standing["episode_since"]:
        said.append(f"In an episode since {standing['episode_since'][:10]}.")
    for wait in standing["waits"]:
        until = f" until {wait['until'][:16].replace('T', ' ')}" if wait["until"] else ""
        said.append(f"Moment {as_words(wait['moment'])} waits{until}: {wait['why']}")
    said += [_TIMES.sub(r"\1 \2", f"Shared: {as_words(shared_text(one))}.") for one in standing["shared"]]
    return " ".join(said) or "Nothing waits, and nothing is planned."


def _chips(story: Story) -> list[tuple[str, str]]:
    """(class, words) each."""
    found = []
    if story.course is not None:
        levels = [at for _, at in story.levels]
        css = (
            "risk"
            if levels and story.course.now >= levels[-1]
            else "watch"
            if levels and story.course.now >= levels[0]
            else "safe"
        )
        interval = ""
        if story.course.low is not None and story.course.high is not None:
            interval = f", {story.course.low:.0%} to {story.course.high:.0%} at 90 %"
        found.append((css, f"risk {story.course.now:.0%}{interval}"))
    if points := story.profile.get("points"):
        found.append(("", f"points: {points['balance']:,}, {points['pending']:,} pending"))
    if (standing := story.standing) is not None and (loyalty := standing.get("loyalty")) is not None:
        index = "" if loyalty["index"] is None else f", loyalty {loyalty['index']:+z.0f}"
        found.append(("", f"{as_words(loyalty['stage'])}{index}"))
    if member := story.profile.get("membership"):
        level = f"membership: {member['level'] or 'no level'}"
        found.append(("", f"{level}, {member['paid']} is paid for" if member["paid"] else level))
        if member["lost_at"]:
            found.append(("watch", f"level ends on {member['lost_at'][:10]}"))
    profile = story.profile["profile"]
    for name in ("class", "country", "language", "programme"):
        if profile.get(name):
            found.append(("", f"{as_words(name)}: {profile[name]}"))
    return found


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    what = outcome(entry)
    action = as_words(entry["action"] or "")
    why = entry["why"] or entry["reason"] or (_SHARED.get(entry["what"], "") if entry["group"] else "")
    if entry["gate"]:
        why = f"{entry['gate']}: {why}"
    return {
        "time": entry["time"][:16].replace("T", " "),
        "outcome": what,
        "css": "safe" if what == "sent" else "",
        "asked": f"{as_words(entry['moment'])} {as_words(entry['level'] or '')}".strip(),
        "action": f"{action} by {entry['channel']}" if entry["channel"] else action,
        "why": why,
        "price": _price(entry["candidates"]) if entry["what"] == "decided" else "",
        "became": "; ".join(as_words(one["what"]) for one in entry["became"]),
        "risk": "" if entry["risk"] is None else f"{entry['risk']:.0%}",
        "candidates": [
            (as_words(one["action"]), ", ".join(held["gate"] for held in one["gates"]) or "free", one["score"])
            for one in entry["candidates"]
        ],
    }


def _price(candidates: list[dict[str, Any]]) -> str:
    """By how much the best of what gates held was expected to bring more than the best of the others; empty: no more,
    or no action was looked at."""
    best = max((0.0, *(one["score"] for one in candidates if not one["gates"])))
    held = max((0.0, *(one["score"] for one in candidates if one["gates"])))
    return f"{held - best:,.2f}" if held > best else ""


def _facts(values: dict[str, Any]) -> list[tuple[str, str]]:
    return [(as_words(name), _shown(value)) for name, value in values.items() if value not in (None, "", [], {})]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(
            f"{as_words(str(name))}: {_shown(one)}" for name, one in value.items() if one not in (None, "", [], {})
        )
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return _TIME.sub(r"\1 \2", str(value))
