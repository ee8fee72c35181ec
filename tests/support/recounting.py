"""What a shard's records say of the counts that its state keeps of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec import UNSET

from models.customer.bands import Band
from models.customer.record import unpack
from models.customer.restrictions import TEST, unpack_restrictions
from models.customer.worth import Worth
from models.engine.compiled_rules import CLASSES
from models.loyalty.loop import STAGES, unpack_loop
from models.timeline.shard_state import ShardState


def recounted(records: dict[bytes, bytes]) -> dict[str, Any]:
    """Customers by band, by class and bucket of value, and by stage of the loyalty loop, as in a shard's state."""
    bands, stages = Counter[int](), Counter[int]()
    values: dict[str, Counter[int]] = {}
    for customer, stored in records.items():
        record = unpack(customer, stored)
        bands[record.band] += 1
        worth: Worth = record.worth
        if worth.bucket:
            values.setdefault(CLASSES[worth.counted], Counter())[worth.bucket - 1] += 1
        tries = bool(record.tail.restrictions) and TEST in unpack_restrictions(record.tail.restrictions)
        stages[0 if tries else unpack_loop(record.tail.loyalty).stage] += 1
    at_each = tuple(stages[number] for number in range(1, len(STAGES) + 1))
    return {
        "bands": tuple(bands[band] for band in Band),
        "values": {name: dict(counts) for name, counts in values.items()} or UNSET,
        "stages": at_each if any(at_each) else UNSET,
    }


def counted(state: ShardState) -> dict[str, Any]:
    """The same, as the state has it."""
    return {"bands": state.bands, "values": state.values, "stages": state.stages}
