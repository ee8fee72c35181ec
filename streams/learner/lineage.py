"""Lineages: which learner made a version, where each keeps its state, and which one is this release's.

The application's first learner works in the namespace `learner`. A release that learns otherwise (another learner
schema, models/learning/schema.py) does not go on from its state: it learns all examples anew in a namespace of its own,
beside what the first left there, which shards still score with until the new one has come as far.
"""

from __future__ import annotations

from typing import NamedTuple

from models.churn import boundary_in, schema_in
from streams.store import Store
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER
from streams.text import moment

FIRST = ""
"""The lineage of the application's first learner."""
NEWEST = b"cut"
"""The name of the last boundary of which a lineage has published a version."""
TRIES = 3
"""For a version to be found that is published while a learner that catches up deletes those before it."""


def namespace_of(lineage: str) -> str:
    """Where the learner of a lineage keeps its state and its versions."""
    return f"{LEARNER}-{lineage}" if lineage else LEARNER


class Own(NamedTuple):
    """Where a learner works. checkpoint: of its namespace, just read. there: whether it has a state already.

    until: beside another's versions, the boundary of the newest of these.
    """

    checkpoint: Checkpoint
    lineage: str
    there: bool
    until: int | None = None


async def own_of(first: Checkpoint, schema: str) -> Own:
    """Where a learner of this schema works.

    first: of the first learner's namespace. A state that can't be read is not taken for another learner's.
    """
    own = first.of_namespace(namespace_of(schema))
    there, meta = await own.read() is not None, await first.read()
    if not there and (meta is None or schema_in(meta.body) in (schema, None)):
        return Own(first, FIRST, meta is not None)
    return Own(own, schema, there, None if meta is None else boundary_in(meta.body))


async def lineage_to_read(store: Store, schema: str) -> tuple[str | None, bool]:
    """The lineage of this schema's versions, as whoever reads them finds it, None while nobody has published any; and
    whether it will stay so.

    Raises what the store raises.
    """
    for _ in range(TRIES):
        [own] = await store.load(namespace_of(schema), [NEWEST])
        if own is not None:
            return schema, True
        [newest] = await store.load(LEARNER, [NEWEST])
        if newest is None:
            return None, False
        [value] = await store.load(LEARNER, [b"v:" + newest])
        if value is not None:
            made_by = schema_in(value)
            return (FIRST, made_by == schema) if made_by in (schema, None) else (schema, False)
    return FIRST, False


class Relearns(NamedTuple):
    """A learner that learns all examples anew beside what another left. at: its newest version; None before the first.
    until: the other's newest version, from which on it takes over. Both are boundaries, in ms."""

    at: int | None
    until: int

    def __str__(self) -> str:
        at = "the beginning" if self.at is None else moment(self.at)
        return f"versions of another model: relearning, at {at} of {moment(self.until)}"


async def relearning(store: Store, schema: str) -> Relearns | None:
    """Whether the learner of this schema is on its way to where the first one's versions end. None: it has come there,
    or is the first one.

    Raises what the store raises.
    """
    lineage, _ = await lineage_to_read(store, schema)
    if lineage in (None, FIRST):
        return None
    [own] = await store.load(namespace_of(schema), [NEWEST])
    [first] = await store.load(LEARNER, [NEWEST])
    at, until = _time(own), _time(first)
    return Relearns(at, until) if until is not None and (at is None or at < until) else None


def _time(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None
