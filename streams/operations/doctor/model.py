"""Check of the learner: whether this release learns all anew, beside versions of another model."""

from __future__ import annotations

from models.learning.schema import schema_of
from models.settings import EngineSettings
from streams.errors import StateUnreadable
from streams.learner.lineage import relearning
from streams.operations.doctor.finding import Finding, ok, warning
from streams.shard.meta import born_with, unpack_body
from streams.store import Store

CHECK = "shards.model"


async def model(store: Store, settings: EngineSettings) -> Finding:
    """settings: as configured, for what is new. Raises what the store raises."""
    relearns = await relearning(store, schema_of(await _born_with(store, settings)))
    if relearns is None:
        return ok(CHECK, "no versions of another model are ahead of this release's learner")
    return warning(
        CHECK, str(relearns), "live shards go on with the version in force meanwhile; see that a worker learns"
    )


async def _born_with(store: Store, settings: EngineSettings) -> EngineSettings:
    """What the learner learns by: the settings that shard 0 was created with. What can't be read others tell."""
    meta = await store.read_meta("0")
    try:
        return settings if meta is None else born_with("0", unpack_body("0", meta.body).creation, settings)
    except StateUnreadable:
        return settings
