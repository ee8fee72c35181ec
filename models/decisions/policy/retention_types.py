"""The table of a policy file that says how long what is said of customers is kept."""

from __future__ import annotations

from msgspec import structs

from models.decisions.policy.parts import Duration, Part, ms_of


class Retention(Part, frozen=True, kw_only=True):
    """How long each topic keeps what it says of customers: the limit after which an id is gone from it, of whoever was
    erased as well. `retention topics retain` brings the topics to it, `doctor` holds them against it, and a customer's
    export tells it. Without a key the topic is kept as the settings say. Records of who left the store are for
    `forget_after_days` to say.

    touchpoints: what customers did. triggers: what was sent. decisions: why, and why not; not shorter than touchpoints,
    since a shard that reads these again needs the decisions of that time; nor are triggers and deadletters. examples:
    what the model learned from, 42 days at least. deadletters: records that could not be read.
    """

    touchpoints: Duration | None = None
    triggers: Duration | None = None
    decisions: Duration | None = None
    examples: Duration | None = None
    deadletters: Duration | None = None


def periods_of(retention: Retention) -> dict[str, int]:
    """By role of a topic, ms; none where the policy says nothing of it."""
    told = structs.asdict(retention)
    return {role: ms_of(period) for role, period in told.items() if period is not None}
