"""Check of the learner: whether this release learns all anew, beside versions of another model."""

from __future__ import annotations

from collections.abc import Mapping

from models.learning.schema import schema_of
from streams.config import Config
from streams.errors import StateUnreadable
from streams.learner.lineage import relearning
from streams.operations.doctor.finding import Finding, Status, ok, warning
from streams.operations.doctor.section import error_text
from streams.operations.doctor.shards import StoredShard
from streams.shard.meta import ShardBody, born_with
from streams.store import Store

CHECK = "shards.model"


async def model(store: Store, config: Config, stored: Mapping[int, StoredShard]) -> Finding:
    """By the settings that the shards were created with, as the learner learns. Raises what the store raises."""
    settings = config.engine()
    bodies = {shard: found.body for shard, found in stored.items() if isinstance(found.body, ShardBody)}
    try:
        for shard, body in bodies.items():
            settings = born_with(str(shard), body.creation, settings)
            break
    except StateUnreadable as error:
        return Finding(CHECK, Status.SKIPPED, f"not checked: {error_text(error)}")
    relearns = await relearning(store, schema_of(settings))
    if relearns is None:
        return ok(CHECK, "no versions of another model are ahead of this release's learner")
    return warning(
        CHECK, str(relearns), "live shards go on with the version in force meanwhile; see that a worker learns"
    )
