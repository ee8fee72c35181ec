"""The schema of a version's numbers for the choice: of what else, this release does not choose by them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
import xxhash

from models.decisions.choosing.described import DESCRIBED
from models.decisions.choosing.numbers import Numbers

CHOOSING: Final = 2
"""To be raised where the code that chooses reads stored numbers otherwise, or describes customers otherwise."""


@cache
def choice_schema() -> str:
    """Names what a version's numbers are chosen by."""
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode([CHOOSING, DESCRIBED]))


def schema_number() -> int:
    """32 bits of it, as windows and outcomes have it: of which release's description their features are."""
    return int(choice_schema()[:8], 16)


def numbers_in(stated: Any) -> Numbers | None:
    """Of what a version says of its actions; None: it says nothing, or another release's. Raises SnapshotRefused."""
    if not isinstance(stated, dict) or stated.get("scorer") != choice_schema():
        return None
    return Numbers.of(stated)
