"""Whether topics are kept as long as the policy in force says."""

from __future__ import annotations

from collections.abc import Mapping

from streams.config import Config
from streams.kafka.admin import TopicFacts
from streams.operations.access.limits import limits
from streams.operations.doctor.finding import Finding, ok, warning

CHECK = "shards.retention"
RETAIN = "`retention topics retain` sets the topics to what is said; or say otherwise in `[retention]` of the policy"


def retention(config: Config, found: Mapping[str, TopicFacts], periods: Mapping[str, int]) -> Finding:
    """periods: by role of a topic, ms, as the policy in force says."""
    told = limits(config, found, periods)
    if short := [one for one in told if one.too_short]:
        named = ", ".join(f"retention.{one.role}" for one in short)
        text = f"{named} of the policy: less than twice recovery_days ({2 * config.recovery_days:g} days)"
        remedy = "raise it in the policy, or lower RETENTION_RECOVERY_DAYS: a shard whose backup is restored reads them"
        return warning(CHECK, text, remedy)
    if other := [one for one in told if one.differs]:
        return warning(CHECK, "; ".join(one.told() for one in other), RETAIN)
    if not told:
        return ok(CHECK, "a replay's topics are history, and kept for ever")
    return ok(CHECK, "; ".join(one.told() for one in told))
