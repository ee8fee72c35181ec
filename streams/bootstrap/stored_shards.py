"""What the shards that exist were created with: asked before a worker joins its group and takes them from others.

A worker with a wrong setting, or of an older release than the shards, would end at its first takeover; by then the
group has taken those shards from workers that could go on.
"""

from __future__ import annotations

import logging

from models.settings import EngineSettings
from streams.errors import NewerRelease, StateUnreadable
from streams.shard.meta import born_with, check_settings, unpack_body
from streams.store import Store

logger = logging.getLogger(__name__)


async def check_stored_shards(store: Store, partitions: int, mode: str, settings: EngineSettings) -> EngineSettings:
    """Look at every shard. One whose state can't be read for another reason is its owner's to deal with.

    Args:
        store: has their metas.
        partitions: how many shards there may be.
        mode: of the worker.
        settings: as configured.

    Returns:
        The settings that the shards were created with: what an operator may change (`models.settings.CHANGEABLE`) may
        be configured otherwise by now. As configured where there is no shard.

    Raises:
        SettingsChanged: they were created with other settings.
        NewerRelease: a newer release wrote one.
    """
    born: EngineSettings | None = None
    for shard in map(str, range(partitions)):
        meta = await store.read_meta(shard)
        if meta is None:
            continue
        try:
            creation = unpack_body(shard, meta.body).creation
            check_settings(shard, creation, mode, settings)
            born = born or born_with(shard, creation, settings)
        except NewerRelease:
            raise
        except StateUnreadable as error:
            logger.warning("%s", error)
    return born or settings
