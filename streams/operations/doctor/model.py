"""Check of the learner: whether this release learns all anew, beside versions of another model."""

from __future__ import annotations

from models.learning.schema import schema_of
from models.settings import EngineSettings
from streams.learner.lineage import relearning
from streams.operations.doctor.finding import Finding, ok, warning
from streams.store import Store

CHECK = "shards.model"


async def model(store: Store, settings: EngineSettings) -> Finding:
    """Raises what the store raises."""
    relearns = await relearning(store, schema_of(settings))
    if relearns is None:
        return ok(CHECK, "no versions of another model are ahead of this release's learner")
    return warning(
        CHECK, str(relearns), "live shards go on with the version in force meanwhile; see that a worker learns"
    )
