"""What customers take in Redis, each by itself: the mean hides who takes much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from models.customer.layout import SLAB
from models.customer.record import current
from models.customer.tail import Tail, pack_tail, unpack_tail
from models.customer.worth import split

SAMPLE = 2_000
SEED = 1
MEAN_AIM, P95_AIM = 700, 1_000


class CustomerBytes(NamedTuple):
    """customers: that were looked at. mean, p95: bytes a customer by MEMORY USAGE: key, value, and the place among the
    keys. due: of the due set, a customer, beside that. tail: bytes of the stored tail in the mean, and of its parts."""

    customers: int
    mean: float
    p95: float
    due: float
    tail: float
    parts: dict[str, float]

    def rows(self) -> list[tuple[str, str]]:
        """For a table."""
        parts = ", ".join(f"{name} {size:.1f}" for name, size in self.parts.items() if size >= 0.05)
        return [
            (
                f"bytes a customer in Redis, of {self.customers:,} (aims {MEAN_AIM} and {P95_AIM:,})",
                f"mean {self.mean:.0f}, p95 {self.p95:.0f}, and {self.due:.0f} in the due set",
            ),
            (f"of these the tail (beside a slab of {SLAB.itemsize})", f"mean {self.tail:.1f}: {parts}"),
        ]


def of_customers(client: Any, app: str, most: int = SAMPLE) -> CustomerBytes:
    """Of all customers, or of a sample of them."""
    names = sorted(client.scan_iter(match=f"{{{app}:*}}:c:*", count=10_000))
    rng = np.random.default_rng(SEED)
    looked = [names[n] for n in sorted(rng.choice(len(names), min(most, len(names)), replace=False))]
    sizes: list[int] = []
    values: list[bytes] = []
    for chunk in _chunks(looked):
        with client.pipeline(transaction=False) as asked:
            for name in chunk:
                asked.memory_usage(name)
            sizes += asked.execute()
        values += client.mget(chunk)
    due_sets = list(client.scan_iter(match=f"{{{app}:*}}*", count=10_000, _type="ZSET"))
    due = sum(client.memory_usage(name, samples=0) for name in due_sets)
    parts, tails = Counter[str](), 0
    for name, value in zip(looked, values, strict=True):
        customer = name.split(b":c:", 1)[1]
        stored = split(current(customer, value))[0][SLAB.itemsize :]
        tails += len(stored)
        parts.update(parts_of(unpack_tail(customer, stored)))
    number = len(looked)
    return CustomerBytes(
        number,
        float(np.mean(sizes)),
        float(np.percentile(sizes, 95)),
        due / len(names),
        tails / number,
        {part: size / number for part, size in parts.most_common()},
    )


def parts_of(tail: Tail) -> dict[str, int]:
    """Bytes of each part that is stored: what the tail is shorter without it."""
    whole, empty = len(pack_tail(tail)), Tail()
    found = {}
    for field in msgspec.structs.fields(Tail):
        if getattr(tail, field.name) != getattr(empty, field.name):
            found[field.name] = whole - len(pack_tail(replace(tail, **{field.name: getattr(empty, field.name)})))
    return found


def _chunks(names: Sequence[bytes]) -> list[list[bytes]]:
    every = iter(names)
    return list(iter(lambda: list(islice(every, 500)), []))
