"""The topics that name customers, each with its index."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from streams.config import Config
from streams.kafka.partition_facts import TopicDirectory
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.operations.why.index import TopicIndex

TIMEOUT_S = 30.0


class Indices(ExitStack):
    """The topics that name customers, by role, each with its index; a context manager."""

    def __init__(self, config: Config, *roles: str) -> None:
        super().__init__()
        connection = kafka_connection(config)
        readers = {role: self.enter_context(TopicReader(connection, config.topic(role))) for role in roles}
        folder = Path(config.index_dir).expanduser() if config.index_dir else None
        ids = asyncio.run(_topic_ids(config, [config.topic(role) for role in roles])) if folder is not None else {}
        self.partitions = next(iter(readers.values())).partitions
        self.of = {role: TopicIndex(reader, folder, ids.get(reader.topic, "")) for role, reader in readers.items()}

    @property
    def read(self) -> int:
        """Records that were read so far."""
        return sum(index.read for index in self.of.values())


async def _topic_ids(config: Config, names: list[str]) -> dict[str, str]:
    directory = TopicDirectory(kafka_connection(config), "retention-index", TIMEOUT_S)
    try:
        return {name: one.topic_id for name, one in (await directory.describe(names)).items()}
    finally:
        await directory.close()
