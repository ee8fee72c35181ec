"""Owner of the learner's partition: learns from all examples and publishes a model version per boundary.

Whoever owns the one partition of the learner topic runs it. State, offsets and new versions are one compare-and-set
write, so a crash re-reads from the last one and makes the same versions again.

A learner that can't go on (a damaged state, examples that are gone or not ours, a model that raises an error) stands
still, says so and tries again. It does not end the process: the next owner would end the same way, one worker after the
other, while the shards can still work.

What it learns it learns in a thread (streams/learner/portion.py): the shards of its worker share the event loop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from faust.types import TP

from models.churn import SnapshotRefused, Version, seal, unseal
from models.learning.learner import Learning, LearningState
from streams.crash_points import point
from streams.errors import (
    LearnerStateRefused,
    LearningFailed,
    LogTruncated,
    MetaMissing,
    SettingsChanged,
    StateUnreadable,
)
from streams.kafka.access import BrokerRefused
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.partition_facts import LogFacts
from streams.learner.example_reader import ExamplesReader, LearnerSettings, NewConsumer, kafka_consumer
from streams.learner.lineage import FIRST, Relearns, own_of
from streams.learner.off_loop import off_loop
from streams.learner.portion import Portion, portion_of
from streams.learner.starts import STARTS, Starts
from streams.retry import Backoff, Unavailable
from streams.store.checkpoint import Checkpoint

__all__ = ["LearnerOwner", "LearnerSettings"]

logger = logging.getLogger(__name__)

FIRST_AGAIN_S, TROUBLE_EVERY_S = 2.0, 60.0
"""A learner that stands still tries again, and says so again: the first pause, and the longest."""

Trouble = LearnerStateRefused | LearningFailed | LogTruncated | StateUnreadable
"""What ends the learner's role alone. Everything else (Fenced, StoreWentBack, MetaMissing) ends the process."""


async def _fits() -> None:
    """Default of `fits`, where no shards are at hand."""


class LearnerOwner:
    """The owner of the learner's partition.

    Args:
        tp: the partition.
        generation: the rebalance count at takeover.
        settings: of the learner.
        checkpoint: of the first learner's namespace.
        on_version: told the newest version, at the start and whenever one is published.
        new_consumer: makes the consumer of the examples.
        on_trouble: told why the learner stands still; None when this owner is no longer the one that does.
        on_repeated: told how many examples came that it had learned already.
        on_wait: told for what it waits, (reason, detail) as a shard's; None when it waits no more.
        fits: asked before another learner is begun beside the first: raises SettingsChanged where this worker's
        settings are not those of the shards, so that a wrong setting begins none.
    """

    reads = False
    busy = False
    next_offset = 0

    def __init__(
        self,
        tp: TP,
        generation: int,
        settings: LearnerSettings,
        checkpoint: Checkpoint,
        on_version: Callable[[Version], None] = lambda version: None,
        new_consumer: NewConsumer = kafka_consumer,
        on_trouble: Callable[[str | None], None] = lambda text: None,
        on_repeated: Callable[[int], None] = lambda sequence: None,
        on_wait: Callable[[tuple[str, str] | None], None] = lambda wait: None,
        fits: Callable[[], Awaitable[object]] = _fits,
        on_relearning: Callable[[str | None], None] = lambda text: None,
    ) -> None:
        self.tp, self.generation = tp, generation
        self._settings, self._first, self._on_version = settings, checkpoint, on_version
        self._checkpoint, self.lineage = checkpoint, FIRST
        self._until: int | None = None
        self._noted = -inf
        self._new_consumer, self._on_trouble, self._on_repeated = new_consumer, on_trouble, on_repeated
        self._on_wait, self._fits, self._on_relearning = on_wait, fits, on_relearning
        self._learning: Learning | None = None
        self._trouble: Trouble | None = None
        self._told: str | None = None
        self._starts = Starts()
        self._reader: ExamplesReader | None = None

    # -- takeover: the same steps as a shard's; there is no outbox to recover

    async def peek(self) -> bool:
        """Where another learner's state stands this one begins beside it (streams/learner/lineage.py)."""
        self._trouble = None
        self._checkpoint, self.lineage, there, self._until = await own_of(self._first, self._settings.schema)
        if self.lineage != FIRST:
            try:
                await self._fits()
            except (SettingsChanged, StateUnreadable) as error:
                self._trouble = LearnerStateRefused(f"the learner's state is of other settings: {error}")
        return there

    async def mint(self) -> None:
        if self._trouble is not None:
            return
        meta = await self._checkpoint.mint()
        if meta is None:
            return
        self._restore(meta.body)
        self._starts = Starts.of((await self._checkpoint.load([STARTS]))[0])

    def _restore(self, body: bytes) -> None:
        try:
            state = unseal(body, self._settings.schema, LearningState)
            self._learning = Learning(self._settings.engine, self._settings.partitions, state, self.lineage)
            if (left := self._learning.left) is not None:
                logger.warning("what was learned of the actions is of %s: another release's; it is learned anew", left)
        except SnapshotRefused as error:
            self._trouble = LearnerStateRefused(f"the learner's state: {error}")
        except Exception as error:  # noqa: BLE001 - whatever a model makes of it: the shards have no part in it
            self._trouble = LearnerStateRefused(f"the learner's state: {error!r}")

    async def check(self, facts: LogFacts) -> None:
        """A learner that never was starts from the earliest example; it may, since that gives the same model."""
        if self._learning is not None or self._trouble is not None:
            return
        learning = Learning(self._settings.engine, self._settings.partitions, lineage=self.lineage)
        await self._checkpoint.create(self._sealed(learning))
        self._learning = learning

    async def recover(self) -> None:
        """Open the consumer where the state stands.

        Trouble is told only by `run`, after the shards' own checks: a changed setting or partition count is what makes
        a state foreign, and that error ends the process and has the better remedy.
        """
        if self._trouble is not None:
            return
        begins = self.lineage != FIRST and self.learning.boundary is None
        reader = ExamplesReader(self._settings, self.learning, self._new_consumer, self._on_repeated, begins=begins)
        try:
            await reader.open()
        except LogTruncated as error:
            self._trouble = error
        else:
            self._reader = reader

    def has_read(self, offset: int) -> None: ...

    def hand_over(self, records: list[Any]) -> None:
        raise ValueError(f"{len(records)} records on the learner's partition; nobody may write to it")

    # -- work

    @property
    def learning(self) -> Learning:
        if self._learning is None:
            raise MetaMissing("the learner has not been taken over")
        return self._learning

    async def run(self) -> None:
        """Learn until the partition is lost. In trouble stand still, and try again from the stored state."""
        again = Backoff(min(FIRST_AGAIN_S, TROUBLE_EVERY_S), TROUBLE_EVERY_S)
        try:
            while True:
                if self._trouble is None:
                    self._trouble = await self._learn(again)
                self._tell(self._trouble)
                await again.pause()
                await self._begin_again()
        finally:
            self._tell(None)

    async def _learn(self, again: Backoff) -> Trouble:
        """Until there is trouble, which is returned: what the models raise, too."""
        if self._reader is None:
            raise MetaMissing("the learner has not been taken over")
        self._report_newest()
        backoff = Backoff()
        while True:
            try:
                fetched = await self._reader.read()
                backoff.reset()
                while (portion := await self._next_portion()) is not None:
                    await self._commit(portion)
            except (KafkaUnavailable, BrokerRefused) as error:
                logger.warning("reading examples: %s; again in %.2f s", error, backoff.pause_s)
                self._on_wait(("kafka", f"reading examples: {error}"))
                await backoff.pause()
                continue
            except (LearningFailed, LogTruncated, StateUnreadable) as error:
                return error
            stands = True
            if not fetched:
                # A store that went back lacks versions that were published, and all shards may be waiting for one of
                # them: then nobody says anything, and there is no next write that would notice.
                stands = await self._checkpoint.stands()
            if stands:
                self._on_wait(None)
            self._tell(None)
            again.reset()

    async def _begin_again(self) -> None:
        """From the stored state, where it is still as this owner left it. Raises Fenced and StoreWentBack."""
        if self._checkpoint.number < 0:
            return  # nothing was minted: these are not our settings
        try:
            meta = await self._checkpoint.read() if await self._checkpoint.stands() else None
        except (MetaMissing, Unavailable):
            return
        if meta is None:
            return
        if self._reader is not None:
            await self._reader.close()
            self._reader = None
        trouble, self._trouble = self._trouble, None
        self._restore(meta.body)
        try:
            self._starts = Starts.of((await self._checkpoint.load([STARTS]))[0])
            await self.recover()
        except (Unavailable, KafkaUnavailable, BrokerRefused) as error:
            logger.warning("opening the examples again: %s", error)
            self._trouble = trouble

    def _tell(self, trouble: Trouble | None) -> None:
        """Say it once to those who watch, and again and again to the log."""
        text = None if trouble is None else f"{type(trouble).__name__}: {trouble}"
        if text != self._told:
            self._told = text
            self._on_trouble(text)
        if text is not None:
            logger.error("the learner stands still, live shards go on with the version in force: %s", text)

    def _report_newest(self) -> None:
        """The version that the state stands at: the next one may be an hour away."""
        if self.learning.boundary is not None:
            self._on_version(self.learning.version())
        self._report_relearning()

    def _report_relearning(self) -> None:
        """While another learner's versions are ahead."""
        at, until = self.learning.boundary, self._until
        if until is None or (at is not None and at >= until):
            self._on_relearning(None)
            return
        text = str(Relearns(at, until))
        self._on_relearning(text)
        if time.monotonic() - self._noted > TROUBLE_EVERY_S:
            self._noted = time.monotonic()
            logger.warning(text)

    async def ended(self) -> None:
        self._on_wait(None)
        self._on_relearning(None)
        if self._reader is not None:
            await self._reader.close()

    async def _next_portion(self) -> Portion | None:
        """The next versions and the state behind them, learned beside the loop. Raises LearningFailed."""
        learning, settings, starts = self.learning, self._settings, self._starts
        if learning.next_boundary() is None:
            return None
        try:
            return await off_loop(lambda: portion_of(learning, settings, starts))
        except Exception as error:
            logger.exception("learning raised an error")
            raise LearningFailed(f"learning up to {learning.next_boundary()}: {error!r}") from error

    async def _commit(self, portion: Portion) -> None:
        """Versions, state and offsets in one write; versions that no shard can need any more leave."""
        point("learner.a.learned")
        await self._checkpoint.write(portion.body, portion.changes)
        point("learner.b.written")
        self._starts = portion.starts
        self._on_version(portion.newest)
        self._report_relearning()

    def _sealed(self, learning: Learning) -> bytes:
        return seal(learning.state(), self._settings.schema)
