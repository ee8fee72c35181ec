"""Where a customer is in the loyalty loop, for people: stage, index, and how they spoke of us."""

from __future__ import annotations

from typing import Any

from models.decisions.person import Person
from models.loyalty.experiences import VOICES
from models.touchpoints.kinds import Kind
from streams.operations.customer.person import iso


def loyalty_view(person: Person, now: int) -> dict[str, Any] | None:
    """JSON types only; None: the policy keeps no loop, or nothing is learned from them. now: log time, ms."""
    stage = person.stage(now)
    if stage is None:
        return None
    loop, index = person.loop, person.loyalty_index(now)
    ways = {Kind(kind).type: often for kind, often in zip(VOICES, loop.praise, strict=True) if often}
    return {
        "stage": stage,
        "index": None if index is None else round(index, 2) + 0.0,
        "last_experience": iso(loop.at),
        "won_back": iso(loop.back),
        "spoke_well": loop.praised,
        "spoke_well_by": ways,
        "spoke_well_last": iso(loop.spoke),
        "spoke_ill": loop.blame,
    }
