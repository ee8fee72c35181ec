"""How often, and after which rest, marketing may go out: what a policy says of that in its several tables."""

from __future__ import annotations

from typing import NamedTuple

from models.decisions.policy.contact_types import Cap, Contact
from models.decisions.policy.types import Policy


class ChannelRest(NamedTuple):
    """Rest of marketing on a channel after an offer was declined there. countries: of customers; empty: all. It is also
    for those whose country is not known."""

    lasts: str
    countries: tuple[str, ...] = ()


def caps_of(contact: Contact) -> dict[str, Cap]:
    """The caps, and those that rows of hours state for each of their channels; by the key in the file."""
    found = {f"contact.caps[{n}]": cap for n, cap in enumerate(contact.caps)}
    for n, row in enumerate(contact.hours):
        if row.most is None or row.within is None:
            continue
        for channel in dict.fromkeys(row.channels):
            cap = Cap(most=row.most, within=row.within, channel=channel, countries=row.countries)
            found[f"contact.hours[{n}]" + (f" ({channel})" if len(row.channels) > 1 else "")] = cap
    return found


def rests_of(policy: Policy) -> dict[str, tuple[ChannelRest, ...]]:
    """By channel that has any, its own rest and those that rows of hours state."""
    found = {name: [ChannelRest(one.rest)] for name, one in policy.channel.items() if one.rest is not None}
    for row in policy.contact.hours:
        if row.rest is not None:
            for channel in dict.fromkeys(row.channels):
                found.setdefault(channel, []).append(ChannelRest(row.rest, row.countries))
    return {channel: tuple(rests) for channel, rests in found.items()}
