"""Watches the input topic's id, and ends the process when the topic was deleted and created anew.

Kafka's clients look for new topics every five minutes only, and a worker whose topic is gone owns nothing meanwhile, as
one that stands by does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from kafka.errors import KafkaError

from streams.errors import EngineError, TopicChanged
from streams.kafka.partition_facts import NO_TOPIC_ID, TopicDirectory, TopicIdentity

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
SURE: Final = 2
"""Looks in a row that must say the same: a broker that has just started may not know every topic yet."""


class TopicWatch:
    """Compares the input topic with what it was, every two seconds.

    Args:
        directory: asks Kafka for a topic's id and partitions; closed at the end of `run`.
        topic: the input topic's name.
        known: the topic as it was when this worker started.
        on_changed: ends the process.
        on_trouble: told why nothing can be read, and None when it can be again.
    """

    def __init__(
        self,
        directory: TopicDirectory,
        topic: str,
        known: TopicIdentity,
        on_changed: Callable[[EngineError], None],
        on_trouble: Callable[[str | None], None],
    ) -> None:
        self._directory, self._topic, self._known = directory, topic, known
        self._on_changed, self._on_trouble = on_changed, on_trouble
        self._missing = self._other = 0
        self._in_trouble = False

    async def run(self) -> None:
        """Until cancelled, or the topic is another one."""
        try:
            while True:
                if self.saw(await self._look()):
                    return
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await self._directory.close()

    async def _look(self) -> TopicIdentity | None:
        try:
            return (await self._directory.describe([self._topic])).get(self._topic, TopicIdentity("", 0))
        except (KafkaError, OSError, TimeoutError) as error:
            logger.debug("topic %s: Kafka does not say whether it is the same: %r", self._topic, error)
            return None

    def saw(self, seen: TopicIdentity | None) -> bool:
        """What a look has found; None: Kafka did not answer. True when the process is told to end."""
        if seen is None:
            return False
        self._missing = 0 if seen.partitions else self._missing + 1
        self._other = self._other + 1 if seen.partitions and self._is_another(seen) else 0
        if self._other >= SURE:
            was, now = (f"id {t.topic_id or 'unknown'} with {t.partitions} partitions" for t in (self._known, seen))
            self._on_changed(TopicChanged(f"topic {self._topic} had {was} when this worker started, now it has {now}"))
            return True
        if self._missing >= SURE and not self._in_trouble:
            self._in_trouble = True
            told = f"topic {self._topic} does not exist any more: nothing can be read until it is back"
            logger.error("%s; a topic made anew is another one (exit code 76)", told)
            self._on_trouble(told)
        elif seen.partitions and self._in_trouble:
            self._in_trouble = False
            logger.warning("topic %s is there again", self._topic)
            self._on_trouble(None)
        return False

    def _is_another(self, seen: TopicIdentity) -> bool:
        known = self._known
        told = known.topic_id not in NO_TOPIC_ID and seen.topic_id not in NO_TOPIC_ID
        return seen.partitions != known.partitions or (told and seen.topic_id != known.topic_id)
