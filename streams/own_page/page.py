"""The values of the two pages: what a link alone opens, and what whoever is signed in sees."""

from __future__ import annotations

from typing import Any

from models.customer.layout import ERASED
from models.customer.merged import is_merged
from models.touchpoints.limits import MAX_PER_WEEK
from streams.operations.access.places import Told
from streams.own_page.catalogue import Catalogue
from streams.own_page.erasures import Erasure
from streams.own_page.facts import (
    Times,
    all_off,
    channels,
    facts,
    membership,
    most_a_week,
    points,
    purposes,
    restricted_since,
    sent,
)
from streams.own_page.reading import Known
from streams.own_page.wishes import OFTEN, SILENT_DAYS, Options, Wish

Values = dict[str, Any]


def off_page(options: Options, channel: str, say: Catalogue) -> Values:
    """What can be switched off, and nothing of what is stored. channel: of the link, which comes first."""
    every = dict.fromkeys((*((channel,) if channel else ()), *options.channels))
    return {
        "channels": [(one, say.named("channel", one)) for one in every],
        "topics": [(one, say.named("topic", one)) for one in options.topics],
        "purposes": [(one, say(f"purpose_{one}"), say(f"purpose_{one}_words")) for one in options.purposes],
        "often": [(most, say("most_a_week", most=most)) for most in OFTEN if most],
        "silences": [(days, say(f"silent_{days}")) for days in SILENT_DAYS],
    }


def whole_page(known: Known, waits: Erasure | None, places: list[Told], say: Catalogue) -> Values:
    """What is known, each switch as it is, and what can be asked for."""
    times, tail = Times(say, known.zone), known.tail
    most, options = most_a_week(known), known.options
    since = restricted_since(known)
    rewards = dict.fromkeys((*options.rewards, *tail.rewards))
    quiet = tail.quiet if tail.quiet and tail.quiet[0] != tail.quiet[1] else ()
    return {
        "erased": bool(known.flags & ERASED) and not is_merged(known.flags),
        "merged": is_merged(known.flags),
        "nobody": known.record is None and not known.pending,
        "pending": known.pending,
        "facts": list(facts(known, say, times)),
        "points": points(known, say, times),
        "membership": membership(known, say, times),
        "zone": times.zone_told(),
        "all_off": all_off(known),
        "channels": channels(known, say, times),
        "first": tail.channels[0] if tail.channels else "",
        "purposes": purposes(known, say),
        "topics": [(one, say.named("topic", one), not tail.topics or one in tail.topics) for one in options.topics],
        "often": [(one, _often(one, say), _is_most(one, most)) for one in (MAX_PER_WEEK, *reversed(OFTEN))],
        "silences": [(0, say("silent_0")), *((days, say(f"silent_{days}")) for days in SILENT_DAYS)],
        "silent": say("silent_now", time=times.moment(tail.silent_until)) if tail.silent_until > known.time else "",
        "quiet": quiet,
        "rewards": [(one, say.named("reward", one), one in tail.rewards) for one in rewards],
        "sent": sent(known, say, times),
        "restricted": say("restricted_since", day=times.day(since)) if since else "",
        "erasure": None if waits is None else erasure_told(waits, say, times),
        "places": places,
    }


def erasure_told(waits: Erasure, say: Catalogue, times: Times) -> Values:
    """The notice of an erasure that waits."""
    key = "erasure_now" if waits.claimed else "erasure_waits"
    return {"words": say(key, time=times.moment(waits.due)), "can_be_kept": not waits.claimed}


def confirmed(wish: Wish, say: Catalogue, times: Times) -> str:
    """What was taken down, as a sentence."""
    fields = dict(wish.fields)
    if "time" in fields:
        fields["time"] = times.moment(fields["time"])
    if fields.get("channel"):
        fields["channel"] = say.named("channel", fields["channel"])
    return say(f"done_{wish.message}", **fields)


def _often(most: int, say: Catalogue) -> str:
    return say("most_free") if most == MAX_PER_WEEK else say("most_none") if not most else say("most_a_week", most=most)


def _is_most(one: int, most: int | None) -> bool:
    """Whether it is what they said; a number that is not offered counts as no limit on the page, and stays."""
    offered = most if most in OFTEN else MAX_PER_WEEK
    return one == offered
