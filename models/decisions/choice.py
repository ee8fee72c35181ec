"""The choice of an action for a customer whose episode has just opened.

The default policy: whoever has taken back consent is left alone, and whoever refuses every channel we know of them;
whoever has an open service case is cared for before anything is sold; everybody else is invited back, on the channel
they put first.
"""

from __future__ import annotations

from typing import NamedTuple

from models.customer.layout import NO_CONSENT
from models.customer.profile import Profile

DEFAULT_CHANNEL = "email"


class Choice(NamedTuple):
    """`action` ``leave_alone`` sends nothing; `reason` says why, for the decisions topic."""

    action: str
    channel: str
    reason: str


def choose(record: Profile) -> Choice:
    """What would help this customer most, as far as the record knows."""
    if record.flags & NO_CONSENT:
        return Choice("leave_alone", "", "no consent to be contacted")
    channel = record.tail.channels[0] if record.tail.channels else DEFAULT_CHANNEL
    if channel in record.tail.refused:
        return Choice("leave_alone", "", f"wants nothing by {channel}, and no other channel is known")
    if record.tail.cases:
        return Choice("care", channel, "an open service case comes before selling")
    return Choice("win_back", channel, "risk reached the entry threshold")
