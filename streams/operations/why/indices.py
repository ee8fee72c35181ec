"""The topics that name customers, each with its index."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from streams.config import Config
from streams.kafka.partition_facts import TopicDirectory
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.operations.why.index import Extent, TopicIndex

TIMEOUT_S = 30.0
NOTHING = Extent(0, 0)


class Indices(ExitStack):
    """The topics that name customers, by role, each with its index; a context manager. former: of the same topics,
    closed; what it knows is gone on from where a topic is still the same. verified: as of `TopicReader`."""

    def __init__(self, config: Config, *roles: str, former: Indices | None = None, verified: bool = True) -> None:
        super().__init__()
        connection = kafka_connection(config)
        readers = {
            role: self.enter_context(TopicReader(connection, config.topic(role), verified=verified)) for role in roles
        }
        folder = Path(config.index_dir).expanduser() if config.index_dir else None
        ids = asyncio.run(_topic_ids(config, [config.topic(role) for role in roles])) if folder is not None else {}
        self.partitions = next(iter(readers.values())).partitions
        self.of = {role: TopicIndex(reader, folder, ids.get(reader.topic, "")) for role, reader in readers.items()}

        for role, index in self.of.items():
            if former is not None and role in former.of:
                index.go_on_from(former.of[role])

    @property
    def read(self) -> int:
        """Records that were read so far."""
        return sum(index.read for index in self.of.values())

    @property
    def kept(self) -> bool:
        """Whether what was read is written down."""
        return all(index.kept for index in self.of.values())

    def extents(self) -> dict[int, Extent]:
        """Of each partition, over the topics. Raises as `streams.operations.why.index.TopicIndex.of_customer`."""
        found = [index.extents() for index in self.of.values()]
        return {
            partition: Extent(*(sum(of.get(partition, NOTHING)[n] for of in found) for n in (0, 1)))
            for partition in range(self.partitions)
        }


def index_topics(config: Config, *roles: str) -> dict[str, int]:
    """Bring the files of all partitions up to date; how many records were read for it.

    Raises as `streams.kafka.topic_reader.TopicReader`."""
    with Indices(config, *roles, verified=False) as found:
        for index in found.of.values():
            for partition in range(found.partitions):
                index.catch_up(partition)
        return {"read": found.read}


async def _topic_ids(config: Config, names: list[str]) -> dict[str, str]:
    directory = TopicDirectory(kafka_connection(config), "retention-index", TIMEOUT_S)
    try:
        return {name: one.topic_id for name, one in (await directory.describe(names)).items()}
    finally:
        await directory.close()
