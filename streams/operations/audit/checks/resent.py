"""Whether what is sent again, since an operator had stopped it, is what was given back."""

from __future__ import annotations

from collections.abc import Iterator

from models.outputs import Trigger
from streams.operations.audit.breaches import Finding
from streams.operations.audit.dialogue import Sent


def of_resent(trigger: Trigger, before: Sent | None) -> Iterator[Finding]:
    """before: the last trigger of the same decision, as far as the customer had one."""
    if before is None:
        yield Finding("resent", f"decision {trigger.decision} has made a trigger before", "it has made none")
    elif not before.given_back or before.withdrawn:
        yield Finding("resent", f"{before.id} was given back, and not taken back by us", "it was sent again")
    elif before.action != trigger.action or before.moment != trigger.moment:
        yield Finding("resent", f"{before.action} for {before.moment}", f"{trigger.action} for {trigger.moment}")
