"""The checkpoint: owns and writes one namespace of the store (a shard, the learner, a backfill).

The protocol, with the step numbers that docs/design.md and the chaos tests use. Taking over:

 1. read the meta                                                     `read`
 2. commit its next offset to Kafka (streams/consumer/takeover.py)
 3. mint a token: from here on the former owner can write nothing      `mint`
 4. check the log's facts; create the meta of a new shard             `create`
 5. start the publisher: ends the former owner's open transaction and fences it
 6. read the public tails
 7. read the outbox, compare with what is public, publish what is missing
 8. trim                                                               `write`
 9. start the main loop, 10. seek

Committing a piece of the line:

 a. compute; nothing is written                          (`commit.a.computed`)
 b. one compare-and-set write: records, timers, position, outbox (`commit.b.written`)
 c. publish the outbox in transactions                   (`publish.1` to `publish.4`)
 d. the trim rides in the next write                     (`commit.b.written` of that one)

The learner commits the versions that it publishes with its state in one write (`learner.a.learned` before it,
`learner.b.written` after it).

A crash after any of them re-reads from the last commit position; what was written is not applied again, what was
published is not published again. One write is in flight at a time, and its outcome is always known before anything else
happens: a write that is cancelled is finished first.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence

from streams.crash_points import point
from streams.errors import Fenced, MetaMissing, StoreWentBack
from streams.retry import Backoff, Unavailable, ignore
from streams.store import Meta, Outcome, Store, StoreChanges, Write, compared

logger = logging.getLogger(__name__)

NOTHING_ELSE = StoreChanges()
"""A write of the meta's body alone."""


class Checkpoint:
    """Ownership of one namespace in the store. `number` is the commit number as this owner knows it."""

    def __init__(
        self,
        store: Store,
        namespace: str,
        on_rejection: Callable[[str], None] = ignore,
        on_outage: Callable[[str], None] = ignore,
    ) -> None:
        self._store, self._namespace = store, namespace
        self._token = os.urandom(16).hex().encode()
        self._on_rejection, self._on_outage = on_rejection, on_outage
        self._looked = False
        self._seen: bytes | None = None
        self.number = -1

    def of_namespace(self, namespace: str) -> Checkpoint:
        """Another namespace's, in the same store, for the same owner. Nothing of it is read or minted yet."""
        return Checkpoint(self._store, namespace, self._on_rejection, self._on_outage)

    async def read(self) -> Meta | None:
        """Step 1: the meta as it stands."""
        meta = await self._store.read_meta(self._namespace)
        self._looked, self._seen = True, meta.token if meta is not None else None
        return meta

    async def load(self, names: Sequence[bytes]) -> list[bytes | None]:
        """Values of the namespace, by name."""
        return await self._store.load(self._namespace, names)

    async def mint(self) -> Meta | None:
        """Step 3: become the owner. The meta as the former owner left it; None when there is none.

        Raises Fenced, and mints nothing, when somebody else has become the owner since step 1: a worker that was
        stopped inside its takeover must not take the shard from the one that came after it. Without a step 1 it takes
        the namespace from whoever has it.
        """
        if self._looked and self._seen is None:
            if await self._store.read_meta(self._namespace) is not None:
                raise Fenced(f"{self._namespace}: was created by another worker while this one took it over")
            return None
        return await self._mint(self._seen)

    async def _mint(self, seen: bytes | None) -> Meta | None:
        meta = await self._store.mint(self._namespace, self._token, seen)
        if meta is None:
            return None
        if seen is not None and meta.token not in (seen, self._token):
            self._on_rejection("token")
            raise Fenced(f"{self._namespace}: another worker took it over while this one did")
        self.number = meta.number
        return meta

    async def holds(self) -> bool:
        """True while the namespace is ours, as far as the store knows. Asked by a publisher that lost its
        connection."""
        meta = await self._store.read_meta(self._namespace)
        ours = meta is not None and meta.token == self._token
        if not ours:
            self._on_rejection("producer")
        return ours

    async def stands(self) -> bool:
        """Raises what the next write would, when the namespace is not as this owner left it. Between two writes.

        False while the store is away: it has not gone back, as far as anybody knows.
        """
        try:
            meta = await self._store.read_meta(self._namespace)
        except Unavailable as error:
            self._on_outage(f"looking at the meta: {error}")
            return False
        # Below our number, whosever token: another owner counts on from it.
        went_back = meta is not None and meta.number < self.number
        found = Outcome.WENT_BACK if went_back else compared(meta, self._token, self.number)
        self._judge(found, f"is not as commit {self.number - 1} left it")
        return True

    async def create(self, body: bytes) -> Meta:
        """Step 4, for a new namespace: create its meta and mint."""
        await self._store.create(self._namespace, body)
        meta = await self._mint(b"")
        if meta is None:
            raise MetaMissing(f"{self._namespace}: the meta vanished right after it was created")
        return meta

    async def write(self, body: bytes, changes: StoreChanges = NOTHING_ELSE) -> None:
        """Step b. Raises Fenced, StoreWentBack or MetaMissing when the namespace is not ours any more.

        While the store is away the same write, with the same nonce, is tried again. When the caller is cancelled the
        try in flight is finished first; a write that was not answered is then left to the next owner, who reads what
        really stands.
        """
        write = Write(self._token, self.number, os.urandom(8), body, *changes)
        backoff = Backoff()
        while True:
            attempt = asyncio.ensure_future(self._store.commit(self._namespace, write))
            cancelled = await _settle(attempt)
            error = attempt.exception()
            if error is None:
                break
            if not isinstance(error, Unavailable):
                raise error
            if cancelled:
                raise asyncio.CancelledError from error
            logger.warning("%s: commit %d: %s; again in %.2f s", self._namespace, self.number, error, backoff.pause_s)
            self._on_outage(f"commit: {error}")
            await backoff.pause()
        self._judge(attempt.result(), f"commit {self.number} was refused")
        self.number += 1
        point("commit.b.written")
        if cancelled:
            raise asyncio.CancelledError

    def _judge(self, outcome: Outcome, found: str) -> None:
        if outcome.stands:
            return
        self._on_rejection(str(outcome))
        text = f"{self._namespace}: {found} ({outcome})"
        if outcome is Outcome.FENCED:
            raise Fenced(f"{text}: another worker holds the token")
        if outcome is Outcome.MISSING:
            raise MetaMissing(f"{text}: the meta is gone from the store")
        raise StoreWentBack(f"{text}: the stored number is another")


async def _settle(attempt: asyncio.Future[Outcome]) -> bool:
    """Wait until the attempt is over, whatever happens to the caller; True when the caller was cancelled meanwhile."""
    cancelled = False
    while not attempt.done():
        try:
            await asyncio.shield(attempt)
        except asyncio.CancelledError:
            cancelled = True
        except Exception:  # noqa: BLE001 - the outcome is read from the future by the caller
            break
    return cancelled
