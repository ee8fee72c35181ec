"""Operator's view of champion and challengers, and the choice of a champion.

A choice is a record of the touchpoints log, so that whoever reads the log again decides the same: shard 0 tells it to
the learner (models.engine.decide.choose_champion), and the versions that are published after it bear the chosen name.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from models.churn import Version
from models.churn.registry import named
from models.decisions.choosing.rules import FIRST_COHORT
from models.learning.schema import schema_of
from models.timeline.shard_state import NO_TIME
from models.touchpoints import InvalidTouchpoint, event
from streams.config import Config
from streams.errors import EngineError, ExitCode
from streams.kafka.admin import TopicAdmin
from streams.kafka.errors import kafka_named
from streams.kafka.producer import close_producer, open_producer
from streams.kafka.security import KafkaConnection, kafka_connection
from streams.learner.lineage import FIRST, Relearns, lineage_to_read, relearning
from streams.learner.model_registry import ModelRegistry
from streams.operations.choices import NoShard
from streams.operations.redis_access import store_of
from streams.shard.meta import ShardBody, settings_of, unpack_body
from streams.store import Store

SHARD = 0
"""Whose partition has the choices, so that they are in one order; there is no topic without it."""
DELIVERY_S = 15.0


class ModelUnknown(EngineError):
    """A model was chosen that does not learn here."""

    code = ExitCode.USAGE
    remedy = "name a model that learns: `retention models` lists them; which do is fixed when an application begins"


class ChoiceRefused(EngineError):
    """What is to be kept with a choice can't be."""

    code = ExitCode.USAGE
    remedy = "give what the field named above takes"


class Standing(NamedTuple):
    """body: of shard 0. version: the newest one, None before the first. names: of the models that learn. learning: how
    far this release's learner is, where it learns all anew."""

    body: ShardBody
    version: Version | None
    names: list[str]
    learning: Relearns | None = None


class Choice(NamedTuple):
    """Where a choice stands in the log, and the log time that it bears, in ms."""

    partition: int
    offset: int
    time: int


async def standing(store: Store, app: str) -> Standing:
    """How the contest stands. Raises NoShard, StateUnreadable, VersionMissing, and what the store raises."""
    meta = await store.read_meta(str(SHARD))
    if meta is None:
        raise NoShard(f"app {app!r} has no shards")
    body = unpack_body(str(SHARD), meta.body)
    settings = settings_of(str(SHARD), body.creation)  # that is what the learner learns by
    schema = schema_of(settings)
    relearns = await relearning(store, schema)
    own, _ = await lineage_to_read(store, schema)
    # Until this release's learner has come as far, the versions that it learns are not the newest.
    lineage = FIRST if own is None or relearns is not None else own
    newest = await ModelRegistry(store, schema, lineage, others=True).read_newest()
    return Standing(body, newest, named(settings), relearns)


def choose(connection: KafkaConnection, topic: str, stands: Standing, model: str | None, by: str | None) -> Choice:
    """Write an operator's choice of a champion into the log; it counts from the next model version on.

    Args:
        connection: brokers and security.
        topic: the input topic.
        stands: how the contest stands now.
        model: the champion to be; None: evidence decides again.
        by: who chooses, kept in the record.

    Returns:
        Where the record was written.

    Raises:
        ModelUnknown: no such model learns here.
        ChoiceRefused: the record would be refused, such as for too long a `by`.
        NoShard: a replay has not begun, its log has no time.
        BrokerUnreachable: Kafka does not answer.
        BrokerRefused: Kafka does not take the record.
    """
    if model is not None and model not in stands.names:
        raise ModelUnknown(f"there is no model {model!r}; those that learn are {', '.join(stands.names)}")
    now = int(time.time() * 1000)
    if stands.body.creation.mode == "replay":
        # The log's own time: that of our clock would make all that is to come late.
        now = stands.body.state.time
        if now == NO_TIME:
            raise NoShard("the replay has not begun: its log has no time yet")
    data = {"model": model, **({"by": by} if by else {})}
    name = f"model-chosen-{uuid.uuid4().hex}"
    try:
        value = event("model_chosen", id=name, source="/retention/cli", subject=None, time_ms=now, data=data)
    except InvalidTouchpoint as error:
        raise ChoiceRefused(f"the record of the choice: {error.rejected.reason}") from error
    # Twice the same choice is one, so a retry needs no idempotence.
    producer, _ = open_producer(connection, False, DELIVERY_S, {"linger_ms": 0})
    try:
        with kafka_named(connection, "writing the choice"):
            written = producer.send(topic, value, partition=SHARD, timestamp_ms=now).get(DELIVERY_S)
    finally:
        close_producer(producer)
    return Choice(SHARD, written.offset, written.timestamp)


async def chosen(config: Config, model: str | None, by: str | None) -> Choice:
    """Look, and write an operator's choice. Raises as `standing` and `choose`, and TopicMissing."""
    async with store_of(config) as store:
        stands = await standing(store, config.app)
    connection, topic = kafka_connection(config), config.topic("touchpoints")

    def written() -> Choice:
        with TopicAdmin(connection) as admin:
            admin.topic(topic)  # a producer would create a missing one on some brokers, with the wrong settings
        return choose(connection, topic, stands, model, by)

    return await asyncio.to_thread(written)


def as_data(app: str, stands: Standing) -> dict[str, Any]:
    """Everything there is to tell. Before the first version: who will begin."""
    version = stands.version
    quality: Mapping[str, Any] = version.quality if version is not None else {}
    return {
        "app": app,
        "version": version.boundary if version is not None else None,
        "learned": version.learned if version is not None else 0,
        "champion": version.model["name"] if version is not None else stands.names[0],
        "pinned": quality.get("pinned", False),
        "promotions": quality.get("promotions", 0),
        "promotion": msgspec.to_builtins(version.promotion) if version is not None else None,
        "relearning": None if stands.learning is None else {**stands.learning._asdict(), "text": str(stands.learning)},
        "actions": actions_in(version),
        "choice": choice_in(version),
        "models": quality.get("models", {name: {"champion": name == stands.names[0]} for name in stands.names}),
    }


def actions_in(version: Version | None) -> list[dict[str, Any]]:
    """What a version knows of each action of the learned choice, the one with most contacts first."""
    stated = version.choice if version is not None and isinstance(version.choice, dict) else {}
    names = {arm: action for action, arm in stated.get("named", {}).items()}
    evidence = stated.get("watched", {}).get("arms", {})
    found = []
    for arm, action in names.items():
        if (known := stated.get("arms", {}).get(arm)) is None:
            continue
        effect, sd = known["effect"][0], known["covariance"][0] ** 0.5
        found.append(
            {
                "action": action,
                "arm": arm,
                "effect": effect,
                "sd": sd,
                "opened": known["opened"],
                "matured": known["matured"],
                "learned": round(known.get("learned", 0.0)),
                "stopped": known.get("stopped", False),
                "harm": evidence.get(arm, 0.0),
            }
        )
    return sorted(found, key=lambda one: (-one["opened"], one["action"]))


def choice_in(version: Version | None) -> dict[str, Any] | None:
    """What a version knows of the learned choice as a whole; None: nothing is learned of any action."""
    stated = version.choice if version is not None and isinstance(version.choice, dict) else {}
    if not stated:
        return None
    watched = stated.get("watched", {})
    return {
        "unproven_share": watched.get("unproven"),
        "unproven_price": stated["unproven_price"],
        "settled": stated["settled"],
        "cohort": stated["cohort"],
        "launched": stated["cohort"] >= FIRST_COHORT,
        "budgets": [
            {"budget": name, "price": price, "wanted": watched.get("budgets", {}).get(name)}
            for name, price in sorted(stated.get("prices", {}).items())
        ],
        "contact": watched.get("contact"),
    }
