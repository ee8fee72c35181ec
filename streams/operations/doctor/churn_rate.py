"""Check of the observed churn rate against the trigger threshold of the shards."""

from __future__ import annotations

from msgspec import UNSET

from models.learning.base_rate import REMEDY, above_threshold
from streams.errors import StateUnreadable
from streams.learner.model_registry import VersionMissing
from streams.operations.champion import Standing, standing
from streams.operations.choices import NoShard
from streams.operations.doctor.finding import Finding, Status, ok, warning
from streams.operations.doctor.section import error_text
from streams.shard.meta import settings_in_force
from streams.store.redis.connection import Client
from streams.store.redis.store import RedisStore

CHECK = "shards.churn_rate"
IN_USE = (
    "`retention settings apply --set enter=P` changes the threshold; for another horizon build the state anew: "
    "`retention rebuild --into APP2`"
)


async def churn_rate(client: Client, app: str) -> Finding:
    """As of the newest model version. What can't be read is other checks' concern. Raises what the store raises."""
    try:
        return finding(await standing(RedisStore(client, app), app))
    except (NoShard, StateUnreadable, VersionMissing) as error:
        return Finding(CHECK, Status.SKIPPED, f"not checked: {error_text(error)}")


def finding(stands: Standing) -> Finding:
    """Raises StateUnreadable."""
    settings = settings_in_force("0", stands.body)
    quality = stands.version.quality if stands.version is not None else {}
    by_policy = stands.body.state.policy is not UNSET  # its levels count, and what shares of customers they reach
    if not by_policy and (text := above_threshold(quality, settings)) is not None:
        return warning(CHECK, text, f"{REMEDY}. {IN_USE}")
    rate = quality.get("churn_rate")
    if rate is None:
        return ok(CHECK, "no outcome is known yet")
    threshold = "the policy's levels count" if by_policy else f"enter is {settings.enter:g}"
    return ok(CHECK, f"{rate:.2f} over {quality['labels']:,.0f} outcomes, {threshold}")
