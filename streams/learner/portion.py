"""One commit's worth of learning: some versions, the state behind them, and what the write changes.

Made in a thread (streams/learner/off_loop.py), bytes included: a state is some megabytes.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from models.churn import Version, seal
from models.learning.learner import Learning
from streams.learner.example_reader import LearnerSettings
from streams.learner.model_registry import ModelRegistry, lasting, name_of
from streams.learner.starts import STARTS, Starts, name_of_start
from streams.store import StoreChanges

IN_ONE_WRITE = 64
"""Versions in one commit."""
LONGEST_S = 5.0
"""After this long a commit is due, however few versions there are."""


class Portion(NamedTuple):
    """body: the learner's state, sealed. newest: the last version of it. starts: as the write leaves them."""

    body: bytes
    changes: StoreChanges
    newest: Version
    starts: Starts


def portion_of(learning: Learning, settings: LearnerSettings, before: Starts) -> Portion | None:
    """Learn up to the next boundaries. Raises what the models raise; `learning` is then of no use any more.

    before: the starts that stand.
    """
    versions: list[Version] = []
    started, starts = time.monotonic(), before.copy()
    added: dict[int, bytes] = {}
    left: list[int] = []
    while len(versions) < IN_ONE_WRITE and (version := learning.next_version()) is not None:
        versions.append(version)
        if starts.wanted(version.boundary):
            added[version.boundary] = seal(learning.state(), settings.schema)
            left += starts.add(version.boundary, len(added[version.boundary]))
        if time.monotonic() - started > LONGEST_S:
            break
    if not versions:
        return None
    gone = [version.boundary - lasting(settings.engine) for version in versions]
    # A learner that catches up makes and outlives a version in one write; the store removes before it sets.
    kept = [version for version in versions if version.boundary not in gone]
    values = ModelRegistry.values_to_write(kept, settings.schema, learning.origin, versions[-1].boundary)
    values += [(name_of_start(boundary), state) for boundary, state in added.items() if boundary not in left]
    if added:
        values.append((STARTS, starts.packed()))
    removed = [name_of(boundary) for boundary in gone] + [name_of_start(boundary) for boundary in left]
    return Portion(seal(learning.state(), settings.schema), StoreChanges(values, removed), versions[-1], starts)
