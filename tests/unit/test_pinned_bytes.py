"""What is stored and sent keeps its bytes: a small log through the engine, and the schema that model versions carry.

Moving or renaming code must not change them. A change that is meant to (a new constant of the model, another field on
the wire) changes the pin in the same commit, and has a line in CHANGELOG.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pytest

from models.churn import seal
from models.learning.schema import schema_of
from models.settings import DAY, HOUR, EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from streams.kafka.partition_facts import LogFacts
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from tests.support.logs import START, synthetic

EVALUATION = EngineSettings(
    horizon=28 * DAY,
    anchor=START,
    phase="aligned",
    boundary=7 * DAY,
    version_delay=0,
    lateness=0,
    enter=0.55,
    exit=0.45,
)
LIVE = EngineSettings(
    horizon=28 * DAY,
    anchor=START,
    phase="spread",
    boundary=DAY,
    version_delay=DAY,
    lateness=HOUR,
    enter=0.55,
    exit=0.45,
    challengers="adagrad,forest",
)
SETTINGS = {"evaluation": EVALUATION, "live, with challengers": LIVE}

PINNED = {
    "evaluation": {
        "schema": "41f0b06a539fc24f",
        "records": "b56c2dbd82513ef8",
        "metas": "d8fefb6866742e9c",
        "outputs": "5fa0532f91f9c892",
        "versions": "37c3211763a0cdcf",
    },
    "live, with challengers": {
        "schema": "f8d2b7c52cc59027",
        "records": "559be4ecf049b59f",
        "metas": "9f3fdfc46bdf6730",
        "outputs": "54962b798629812e",
        "versions": "56f97764aade5169",
    },
}


def pinned(world: Rehearsal, settings: EngineSettings) -> dict[str, str]:
    """A digest for each kind of bytes that leaves the engine, in stored or wire format."""
    schema = schema_of(settings)
    bodies = []
    for shard in world.shards:
        facts = LogFacts(0, len(shard.log), "topic-id", len(world.shards), committed=None)
        bodies.append(pack_body(ShardBody(SCHEMA, creation_of(facts, "replay", settings), shard.state)))
    return {
        "schema": schema,
        "records": digest(part for s in world.shards for item in sorted(s.records.items()) for part in item),
        "metas": digest(bodies),
        "outputs": digest(
            f"{o.role} {o.sequence} {o.id} {o.key!r} {o.time} {o.expires_at} ".encode() + (o.value or b"")
            for s in world.shards
            for o in s.outputs
        ),
        "versions": digest(seal(version, schema) for _, version in sorted(world.versions.items())),
    }


def digest(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()[:16]


@pytest.mark.parametrize("variant", SETTINGS)
def test_a_small_rehearsal_gives_the_same_bytes_as_ever(variant: str) -> None:
    settings = SETTINGS[variant]
    world = rehearse(synthetic(2, partitions=3, customers=60, days=180), settings)
    assert len(world.versions) > 10
    assert pinned(world, settings) == PINNED[variant]
