"""What the page of stops says: what is stopped, where it is in force, and what could be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from models.decisions.policy.parts import KINDS
from models.timeline.stop_types import Stop
from streams.console.sources import StopsSource
from streams.operations.stops import Where

PURPOSES = ("legal", "contract", "care", "marketing")


def stop_page(found: StopsSource) -> dict[str, Any]:
    """The template's values."""
    many = sum(not one.ended for one in found.stops)
    headline = f"{many} {'stop is' if many == 1 else 'stops are'} in force" if many else "Nothing is stopped"
    return {
        "title": "Stop",
        "headline": "What is stopped is not known" if found.trouble and not found.stops else headline,
        "lead": "A stop holds what goes out at once: in the outboxes, as moments that wait, and at the senders.",
        "trouble": found.trouble,
        "stops": [_stop(one) for one in found.stops],
        "actions": found.actions,
        "purposes": PURPOSES,
        "kinds": KINDS,
    }


def confirm_page(wanted: Stop) -> dict[str, Any]:
    """What a stop would stop, in words, with what its form sends once more."""
    sent = {"purpose": wanted.purposes, "action": wanted.actions, "country": wanted.countries, "kind": wanted.kinds}
    some = [(name, one) for name, given in sent.items() for one in given]
    words = wanted.words if some else "everything that goes out, legal notices too"
    return {
        "title": "Stop",
        "headline": f"Stop {words}?",
        "lead": "What fits all of that is held at once, until somebody ends the stop.",
        "sent": [("what", "chosen" if some else "everything"), *some, ("why", wanted.why), ("confirmed", wanted.words)],
        "why": wanted.why,
    }


def _stop(one: Where) -> dict[str, Any]:
    since = datetime.fromtimestamp(one.stop.number / 1000, UTC)
    where = "publishers and senders" if one.flag else "NOT publishers: stop the same once more"
    if one.ended:
        where = "ended, and still held by some shards: end it once more"
    return {
        "number": one.stop.number,
        "words": one.stop.words,
        "since": f"{since:%Y-%m-%d %H:%M:%S}",
        "by": one.stop.by,
        "why": one.stop.why,
        "where": f"{where}; {len(one.shards)} {'shard decides' if len(one.shards) == 1 else 'shards decide'} by it",
        "not_yet": ", ".join(map(str, one.not_yet)),
    }
