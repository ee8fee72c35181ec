"""A contact by others is noted in the bytes of how we stand, where nothing else comes of it.

A campaign of somebody else reaches many at a time. To add it takes a fraction of what a decision takes.
"""

from __future__ import annotations

from typing import Final

from models.customer.restrictions import MARKETING
from models.decisions.contact import due_at
from models.decisions.given import Touched
from models.decisions.idle import idle_until
from models.decisions.inert import only_reports
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.reports import by_others
from models.decisions.standing_stored import with_one_out
from models.touchpoints.kinds import Kind

_CAMPAIGN: Final = int(Kind.CAMPAIGN_RECEIVED)


def with_contact(policy: PolicyInForce, stored: bytes, touch: Touched, now: int, contract: bool) -> bytes | None:
    """What is stored after a touchpoint that tells of a contact by others; None: it does not, or takes a whole look, as
    for a promotion, where something is due, or where there is no room.

    Args:
        stored: how we stand with the customer.
        now: log time, ms.
        contract: they have had one.
    """
    if touch.kind != _CAMPAIGN or not only_reports(policy, touch):
        return None
    data = touch.data
    if data.trigger_id is not None or data.purpose != MARKETING or now >= idle_until(policy, stored, contract):
        return None
    entry = by_others(data, touch.time)
    if entry.until or due_at(entry) <= now:
        return None
    return with_one_out(stored, entry)
