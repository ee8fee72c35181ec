"""Whether what a policy says of contact makes sense: caps, hours, on what it rests, rests and freezes, channels."""

from __future__ import annotations

from models.decisions.policy.conditions import TOUCHPOINTS
from models.decisions.policy.contact_types import Hours
from models.decisions.policy.faults import Faults, among, known, positive, twice
from models.decisions.policy.parts import SELLING, ms_of
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown
from models.decisions.standing import LONGEST_WINDOW
from models.decisions.zones import moment_told, zone_of
from models.settings import DAY


def faults_of_contact(policy: Policy) -> Faults:
    """What is wrong with channels, limits of contact, and who is left alone when."""
    yield from _channels(policy)
    yield from _limits(policy)
    yield from _times_of_rest(policy)


def _limits(policy: Policy) -> Faults:
    for n, cap in enumerate(policy.contact.caps):
        key = f"contact.caps[{n}]"
        yield from _counted(f"{key}.within", cap.within)
        yield from known(f"{key}.channel", [cap.channel] if cap.channel else [], policy)
        yield from twice(f"{key}.countries", cap.countries)
        if cap.reserve and cap.reserve >= cap.most:
            takes = f"give less than `most` ({cap.most}): nothing of less priority would ever go out"
            yield Problem(f"{key}.reserve", str(cap.reserve), takes)
        if cap.kind in SELLING and cap.purpose == "care":
            takes = 'give purpose "marketing": nothing of this kind is care'
            yield Problem(f"{key}.purpose", '"care"', takes)
    for n, hours in enumerate(policy.contact.hours):
        key = f"contact.hours[{n}]"
        yield from among(f"{key}.channels", hours.channels, policy.channel, "the policy's channels")
        yield from twice(f"{key}.days", hours.days)
        if not hours.days:
            yield Problem(f"{key}.days", "empty", "name days, 1 (Monday) to 7 (Sunday), or leave it out")
        for m, span in enumerate(hours.spans):
            if span.start == span.end:
                yield Problem(f"{key}.spans[{m}].end", shown(span.end), "give another time than `start`")
        yield from _how_often(key, hours)
    for n, row in enumerate(policy.basis):
        key = f"basis[{n}]"
        yield from among(f"{key}.channels", row.channels, policy.channel, "the policy's channels")
        yield from positive(f"{key}.lasts", row.lasts)
        if row.lasts is not None and row.needs != "existing_customer":
            yield Problem(f"{key}.lasts", shown(row.lasts), 'leave it out, or give needs = "existing_customer"')


def _counted(key: str, within: str | None) -> Faults:
    """A rolling time in which contacts are counted."""
    yield from positive(key, within)
    if within is not None and ms_of(within) > LONGEST_WINDOW:
        takes = f"give at most {LONGEST_WINDOW // DAY}d: a customer's record counts no further back"
        yield Problem(key, shown(within), takes)


def _how_often(key: str, row: Hours) -> Faults:
    """What a row of hours says of how often, and of rest, it says of channels that it names."""
    yield from _counted(f"{key}.within", row.within)
    yield from positive(f"{key}.rest", row.rest)
    if row.most is not None and row.within is None:
        yield Problem(f"{key}.within", "", f'give the time in which there may be {row.most} contacts, such as "30d"')
    if row.most is None and row.within is not None:
        yield Problem(f"{key}.within", shown(row.within), "leave it out, or give `most`")
    for name, elsewhere in (("most", "contact.caps"), ("rest", "contact.rest.declined")):
        told = getattr(row, name)
        if told is not None and not row.channels:
            takes = f"give the row `channels`, each of which it is for; {elsewhere} is for all together"
            yield Problem(f"{key}.{name}", shown(told), takes)


def _times_of_rest(policy: Policy) -> Faults:
    """Who is left alone, and when."""
    talk = policy.conversation
    if talk is not None:
        yield from among("conversation.touchpoints", talk.touchpoints, TOUCHPOINTS, "the types of touchpoints")
        yield from positive("conversation.lasts", talk.lasts)
    best = policy.best_hour
    if best is not None:
        yield from among("best_hour.moments", best.moments, policy.moment, "the policy's moments")
        yield from twice("best_hour.moments", best.moments)
        if not any(best.population):
            yield Problem("best_hour.population", "nothing but 0", "give at least one part of the day more than 0")
    for n, row in enumerate(policy.freeze):
        key, times = f"freeze[{n}]", (row.from_, row.until)
        zone = row.zone or policy.zone
        for name, at in zip(("from", "until"), times, strict=True):
            if at.tzinfo is None and zone is None:
                yield Problem(f"{key}.{name}", shown(at), "give a `zone`, or the time with its offset")
        if row.zone is not None and zone_of(row.zone) is None:
            continue  # told with the zone
        if all(at.tzinfo is not None or zone for at in times):
            starts, ends = (moment_told(at, zone or "UTC") for at in times)
            if ends <= starts:
                yield Problem(f"{key}.until", shown(row.until), f"give a time after `from` ({shown(row.from_)})")


def _channels(policy: Policy) -> Faults:
    for name, channel in policy.channel.items():
        yield from positive(f"channel.{name}.rest", channel.rest)
        key = f"channel.{name}.presence_expires"
        yield from positive(key, channel.presence_expires)
        if channel.presence_expires is not None and not channel.presence:
            yield Problem(key, shown(channel.presence_expires), "leave it out, or give presence = true")
