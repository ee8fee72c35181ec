"""The churn rate that the model has seen, beside the threshold that the shards were created with."""

from __future__ import annotations

from streams.base_rate import REMEDY, above_threshold
from streams.champion import NoShard, Standing, standing
from streams.doctor.finding import Finding, Status, ok, warning
from streams.doctor.section import words
from streams.errors import StateUnreadable
from streams.model_registry import VersionMissing
from streams.shard_body import settings_of
from streams.store.connection import Client
from streams.store.redis import RedisStore

CHECK = "shards.churn_rate"


async def churn_rate(client: Client, app: str) -> Finding:
    """As of the newest model version. What can't be read is other checks' concern. Raises what the store raises."""
    try:
        return finding(await standing(RedisStore(client, app), app))
    except (NoShard, StateUnreadable, VersionMissing) as error:
        return Finding(CHECK, Status.SKIPPED, f"not checked: {words(error)}")


def finding(stands: Standing) -> Finding:
    """Raises StateUnreadable."""
    settings = settings_of("0", stands.body.birth)
    quality = stands.version.quality if stands.version is not None else {}
    if (told := above_threshold(quality, settings)) is not None:
        return warning(CHECK, told, f"{REMEDY}; both are fixed at creation, so use a new RETENTION_APP")
    rate = quality.get("churn_rate")
    if rate is None:
        return ok(CHECK, "no outcome is known yet")
    return ok(CHECK, f"{rate:.2f} over {quality['labels']:,.0f} outcomes, enter is {settings.enter:g}")
