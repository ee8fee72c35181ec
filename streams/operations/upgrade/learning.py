"""What this release makes of the stored model: the versions in force, and the learner's state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from models.churn import Scorer, SnapshotRefused, Version, schema_in, scorer_of, unseal
from models.engine.step import InForce
from models.learning.adoption import VersionName, in_force_in
from models.learning.learner import Learning, LearningState, initial_version
from models.learning.schema import schema_of
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED, version_for
from streams.errors import BESIDE, LearnerStateRefused, LogTruncated, VersionUnreadable
from streams.learner.lineage import FIRST, Own, Relearns, lineage_to_read, namespace_of, own_of
from streams.learner.model_registry import ModelRegistry
from streams.learner.starts import start_before
from streams.learner.versions import Versions, unheard
from streams.operations.upgrade.line import Line, ok, refused, relearns
from streams.operations.upgrade.stored import StoredShard, shards_text
from streams.store import Store
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER
from streams.text import moment

MEANWHILE = {
    "live": "none needed: live shards go on with the version in force, and take the new one once it has come as far",
    "replay": "none needed: the shards of a replay wait until it has come as far",
}
AT_ONCE = "none needed: what is learned comes into force as soon as it is there"
"""Where the version in force can't be scored with, live."""


class Examples(NamedTuple):
    """Of an examples partition: the first offset that is still there, and the next one."""

    start: int
    end: int


class Looked(NamedTuple):
    """The newest version in force.

    name: its name. scorer: None where this release can't score with it. why: then. differs: whether a learner of
    another schema has made it. threshold: in force in its shard.
    """

    name: VersionName
    scorer: Scorer | None
    why: str
    differs: bool
    shard: int


class RelearnFrom(NamedTuple):
    """From where versions can be learned again. kept_start: of this release's own learner, the boundary of the newest
    one. whole: whether every example that there ever was is still in the topic."""

    kept_start: int | None
    examples: dict[int, int]
    whole: bool


async def version_in_force(
    store: Store, there: Mapping[int, StoredShard], engine: EngineSettings, mode: str
) -> tuple[Line, Looked | None]:
    """Whether this release can score with the version in force of each shard, and the newest of them."""
    check, schema = "version_in_force", schema_of(engine)
    looked: list[Looked] = []
    for shard, stored in there.items():
        name = in_force_in(stored.body.state)
        found, why, made_by = await _found(store, schema, engine, name, stored.copy)
        differs = made_by is not None and made_by != schema
        looked.append(Looked(name, None if found is None else found.scorer, why, differs, shard))
    if not looked:
        return ok(check, "no shard has worked yet"), None
    newest = max(looked, key=lambda one: one.name.boundary)
    if not (lost := [one for one in looked if one.scorer is None]):
        return ok(check, f"{_named(newest.name)}: scored by this release"), newest
    text = f"{shards_text([one.shard for one in lost])}: model version {lost[0].name.boundary}: {lost[0].why}"
    own, _ = await lineage_to_read(store, schema)
    if mode != "live" and any(one.name.lineage != (FIRST if own is None else own) for one in lost):
        return refused(check, VersionUnreadable(text)), newest
    instead = await _instead(store, engine, there[lost[0].shard], lost[0].name)
    told = f"{text}; {instead} comes into force until this release has learned a newer one"
    return relearns(check, told, f"to spare that, {BESIDE}"), newest


async def _found(
    store: Store, schema: str, engine: EngineSettings, name: VersionName, copy: bytes | None
) -> tuple[InForce | None, str, str | None]:
    """As a shard that resumes looks: the version, why not, and the schema of the learner that made it."""
    made_by = None if copy is None or name.boundary == UNTRAINED else schema_in(copy)
    registry, why = ModelRegistry(store, schema, name.lineage, others=True), "it is no longer stored"
    try:
        if name.boundary == UNTRAINED:
            return _in_force(initial_version(engine), engine), "", None
        if copy is not None:
            return _in_force(registry.unsealed(copy, name.boundary), engine), "", made_by
    except SnapshotRefused as error:
        why = str(error)
    try:
        stored = await registry.read(name.boundary)
        if stored.version is None:
            return None, why, made_by
        return _in_force(stored.version, engine), "", schema_in(stored.sealed)
    except SnapshotRefused as error:
        return None, str(error), made_by


def _in_force(version: Version, engine: EngineSettings) -> InForce:
    return InForce(version, scorer_of(version, engine))


async def _instead(store: Store, engine: EngineSettings, stored: StoredShard, name: VersionName) -> str:
    most = version_for(engine, stored.body.state.boundary)
    found = await Versions(store, engine).newest(most, unheard, name.lineage)
    return "the untrained model" if found is None else f"the version of {moment(found.version.boundary)}"


async def learner(
    store: Store, engine: EngineSettings, mode: str, examples: Mapping[int, Examples], scored: bool
) -> tuple[Line, RelearnFrom]:
    """Whether the learner goes on from its state, or learns anew, and from where.

    Args:
        store: the application's.
        engine: the settings that the shards were created with.
        mode: of the workers.
        examples: what the topic holds, by shard.
        scored: whether this release can score with the versions in force.
    """
    schema = schema_of(engine)
    own = await own_of(Checkpoint(store, LEARNER), schema)
    start = await start_before(store, schema, 1 << 62)
    starts = {shard: one.start for shard, one in sorted(examples.items())}
    source = RelearnFrom(None if start is None else start.boundary, starts, not any(starts.values()))
    meanwhile = MEANWHILE[mode] if scored or mode != "live" else AT_ONCE
    if own.there:
        return await _goes_on(store, engine, own, meanwhile, examples), source
    return _begins(own, meanwhile, examples, source), source


async def _goes_on(
    store: Store, engine: EngineSettings, own: Own, meanwhile: str, examples: Mapping[int, Examples]
) -> Line:
    check = "learner"
    meta = await store.read_meta(namespace_of(own.lineage))
    try:
        if meta is None:
            raise SnapshotRefused("it was deleted while this looked; look again")
        state = unseal(meta.body, schema_of(engine), LearningState)
        Learning(engine, len(examples), state)
    except Exception as error:  # noqa: BLE001 - whatever a model makes of it, as its owner judges it
        why = str(error) if isinstance(error, SnapshotRefused) else repr(error)
        return refused(check, LearnerStateRefused(f"the learner's state: {why}"))
    begins = own.lineage != FIRST and state.boundary is None
    for shard, one in examples.items():
        if one.start > state.shards[shard].offset and not begins:
            stands = state.shards[shard].offset
            return refused(
                check, LogTruncated(f"examples of shard {shard} start at {one.start}, learning stands at {stands}")
            )
    if own.until is not None and (state.boundary is None or state.boundary < own.until):
        return relearns(check, str(Relearns(state.boundary, own.until)), meanwhile)
    at = "the beginning" if state.boundary is None else moment(state.boundary)
    return ok(check, f"goes on from its state, at {at}")


def _begins(own: Own, meanwhile: str, examples: Mapping[int, Examples], source: RelearnFrom) -> Line:
    check = "learner"
    messages = sum(one.end - one.start for one in examples.values())
    if own.lineage == FIRST and not source.whole:
        error = LogTruncated(f"there is no state of the learner, and the examples start at {source.examples}, not at 0")
        return refused(check, error)
    if own.lineage == FIRST:
        if not messages:
            return ok(check, "nothing has been learned yet")
        return relearns(check, f"it has no state: it learns all {messages:,} messages of the examples", meanwhile)
    whole = "from the first on" if source.whole else "from what is left: those before are gone from Kafka"
    until = "" if own.until is None else f", up to {moment(own.until)}"
    text = f"this release learns otherwise: it learns {messages:,} messages of the examples anew, {whole}{until}"
    return relearns(check, text, meanwhile)


def _named(name: VersionName) -> str:
    if name.boundary == UNTRAINED:
        return "the untrained model"
    return f"the version of {moment(name.boundary)}" + (f" of lineage {name.lineage}" if name.lineage else "")
