"""Model registry: versions stored by the learner, read by the shards.

Each lineage of learners has its own (streams/learner/lineage.py). `v:<boundary>` is a version. `origin` and
`last_published` are the first boundary and the last of which there ever was a version. All are written in the learner's
own commits; a backfill writes them once, before the first learner.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from models.churn import SnapshotRefused, Version, schema_in, seal, unseal, unseal_to_score
from models.learning.schema import scorer_schema
from models.settings import EngineSettings
from streams.errors import EngineError, ExitCode, StateUnreadable
from streams.learner.lineage import FIRST, NEWEST, namespace_of
from streams.store import Store

ORIGIN = b"origin"
BEGUN = b"begun"
"""In the learner's namespace of an application that took over from another one: its state as it was then."""
TRIES = 20
"""For the newest version: a learner that catches up may publish and delete many between two reads."""


class VersionMissing(EngineError):
    """The learner names the version it has published last, and that one is not stored."""

    code = ExitCode.STATE_UNREADABLE
    remedy = (
        "wait for the learner's next version and look again; if none comes restore the learner's keys from the backup, "
        "or delete them to relearn from the examples topic"
    )


def name_of(boundary: int) -> bytes:
    """The name under which a version is stored."""
    return b"v:%d" % boundary


def sealed_by(version: Version, schema: str) -> bytes:
    """A version as the learner of this schema stores it. schema: the learner schema."""
    return seal(version, schema, scorer_schema(str(version.model.get("kind"))))


def number_of(value: bytes, name: bytes) -> int:
    """The time (ms) that the learner keeps under `name`. Raises SnapshotRefused."""
    try:
        return int(value)
    except ValueError as error:
        raise SnapshotRefused(f"the learner's {name.decode()} is {value!r}, not a time in ms") from error


def lasting(settings: EngineSettings) -> int:
    """Minimum age (ms), counted from the newest version, at which a version may be deleted: a shard whose watermark is
    b may still ask for the version of the last boundary <= b - D."""
    return (-(-settings.version_delay // settings.boundary) + 2) * settings.boundary


@dataclass(frozen=True, slots=True)
class Stored:
    """What one look at the registry found. version: of the boundary that was asked for, if it is stored; sealed: its
    bytes.

    The bounds are read only where they are asked for: a version that is there counts whatever they hold.
    """

    version: Version | None
    _origin: bytes | None
    _newest: bytes | None
    sealed: bytes = b""

    @property
    def origin(self) -> int | None:
        """The first boundary (ms); None before the first version. Raises SnapshotRefused."""
        return None if self._origin is None else number_of(self._origin, ORIGIN)

    @property
    def newest(self) -> int | None:
        """The last boundary (ms); None before the first version. Raises SnapshotRefused."""
        return None if self._newest is None else number_of(self._newest, NEWEST)


class ModelRegistry:
    """Reads the versions in one lineage's registry, and names the values to write. Every read raises what the store
    raises.

    schema: the learner schema of this release (models.learning.schema.schema_of). lineage: whose versions are read.
    others: whether versions of other learner schemas are read too, if this release can score with them.
    """

    def __init__(self, store: Store, schema: str, lineage: str = FIRST, others: bool = False) -> None:
        self._store, self._schema, self._lineage, self._others = store, schema, lineage, others
        self._namespace = namespace_of(lineage)

    async def read(self, boundary: int) -> Stored:
        """The version of a boundary, and the bounds. Raises SnapshotRefused for one that is corrupted or foreign."""
        value, origin, newest = await self._store.load(self._namespace, [name_of(boundary), ORIGIN, NEWEST])
        return Stored(None if value is None else self.unsealed(value, boundary), origin, newest, value or b"")

    def unsealed(self, value: bytes, boundary: int) -> Version:
        """A version of this lineage from its bytes. Raises SnapshotRefused."""
        if self._others and schema_in(value) != self._schema:
            version = unseal_to_score(value, scorer_schema)
        else:
            version = unseal(value, self._schema, Version)
        if version.boundary != boundary:
            raise SnapshotRefused(f"what is stored under {name_of(boundary)!r} is the version of {version.boundary}")
        return replace(version, lineage=self._lineage) if self._lineage else version

    async def bounds(self) -> Stored:
        """The bounds alone."""
        origin, newest = await self._store.load(self._namespace, [ORIGIN, NEWEST])
        return Stored(None, origin, newest)

    async def read_newest(self) -> Version | None:
        """The newest version; None before the first. Raises StateUnreadable, VersionMissing."""
        looked_for = b""
        for _ in range(TRIES):
            [newest] = await self._store.load(self._namespace, [NEWEST])
            if newest is None:
                return None
            if newest == looked_for:  # it was not there, and no newer one has taken its place
                break
            looked_for = newest
            try:
                boundary = number_of(newest, NEWEST)
                [value] = await self._store.load(self._namespace, [name_of(boundary)])
                if value is not None:
                    return self.unsealed(value, boundary)
            except SnapshotRefused as error:
                raise StateUnreadable(f"model version {newest.decode(errors='replace')}: {error}") from error
        raise VersionMissing(f"the newest model version is {looked_for.decode()}, and the store does not hold it")

    @staticmethod
    def values_to_write(
        versions: Iterable[Version], schema: str, origin: int | None, newest: int | None
    ) -> list[tuple[bytes, bytes]]:
        """The values of a commit of the learner that publishes these versions. origin, newest: the bounds after it."""
        values = [(name_of(version.boundary), sealed_by(version, schema)) for version in versions]
        return [*values, (ORIGIN, str(origin).encode()), (NEWEST, str(newest).encode())]
