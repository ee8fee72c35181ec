"""Which model versions a shard may decide with: the rule once more, tried against what shards wrote down.

The rule: at a boundary, and live at the first record of a batch, comes into force the newest version that is published
by then and is at least D (`version_delay`) older than the last boundary. In lockstep that is one version, which is
waited for. Live it may be an older one or none, and nothing ever gives way to an older one. Nothing here is taken from
the code that decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from models.outputs import Decision
from models.settings import EngineSettings
from models.timeline.shard_state import ShardState

NONE = -1
"""The name of the untrained model, and of the version of a learner that has published none."""


def newest_allowed(settings: EngineSettings, boundary: int) -> int:
    """The last boundary at least D before a boundary."""
    moment = boundary - settings.version_delay
    return moment - (moment - settings.anchor) % settings.boundary


@dataclass(frozen=True)
class Adoption:
    """A change of the version in force, as a decision tells it. crossed: the last boundary before it."""

    version: int
    crossed: int
    late: bool
    offset: int

    @classmethod
    def of(cls, told: Decision) -> Adoption:
        assert told.model_version is not None
        late = told.late is not None
        return cls(told.model_version, told.time if told.late is None else told.late, late, told.at.offset)


def adoptions_of(decisions: Iterable[Decision]) -> list[Adoption]:
    """The changes of the version in force among a shard's decisions, in order."""
    return [Adoption.of(told) for told in decisions if told.what == "version_in_force"]


def check_allowed(settings: EngineSettings, adoptions: Sequence[Adoption], origin: int, live_from: float = 0) -> None:
    """Each change is one that the rule allows.

    Args:
        settings: the engine's.
        adoptions: of one shard, in order.
        origin: boundary of the learner's first version; before it the untrained model is in force.
        live_from: log time from which on the shard does not wait for versions; inf in a replay.
    """
    in_force = NONE
    for one in adoptions:
        allowed = newest_allowed(settings, one.crossed)
        assert (one.crossed - settings.anchor) % settings.boundary == 0, f"{one} is not at a boundary"
        if one.crossed < live_from:
            assert not one.late, f"in lockstep no version is late: {one}"
            assert one.version == (allowed if allowed >= origin else NONE), f"{one}, by the rule {allowed}"
        else:
            assert one.version <= allowed, f"{one}, by the rule at most {allowed}"
            assert one.version > in_force, f"{one} came after {in_force}"
        in_force = one.version


@dataclass
class Journal:
    """What the learner had published when shards asked for a version, commit by commit, and what they then took."""

    settings: EngineSettings
    wrong: list[str] = field(default_factory=list)
    _seen: dict[int, tuple[ShardState | None, int]] = field(default_factory=dict)
    """By shard, its state and the newest published version as of its last commit: before it asked again."""

    def taken_over(self, shard: int) -> None:
        """Nothing is known of what its next commit saw."""
        self._seen.pop(shard, None)

    def committed(self, state: ShardState, published: int, public: Mapping[str, int]) -> None:
        """A shard's commit stands. At the boundary that it crossed it took the newest version that it might.

        published: boundary of the learner's newest version now. public: how many of the shard's outputs are, by role; a
        shard that is behind them went back, and goes by its records.
        """
        before, by_then = self._seen.get(state.partition, (None, NONE))
        self._seen[state.partition] = state, published
        if before is None or state.adopted <= before.adopted:
            return
        if any(before.sequences.get(role, 0) < number for role, number in public.items()):
            return
        due = min(by_then, newest_allowed(self.settings, state.adopted))
        if state.version < due:
            self.wrong.append(
                f"shard {state.partition} decides with {state.version} from boundary {state.adopted} on, though "
                f"{by_then} was published and {newest_allowed(self.settings, state.adopted)} allowed"
            )


@dataclass(frozen=True)
class Dated:
    """A change of the version in force between the moments (wall clock, ms) before which it was not and after which it
    was."""

    change: Adoption
    asked: int
    public: int


def check_newest(settings: EngineSettings, changes: Sequence[Dated]) -> None:
    """No shard took an older version while a newer one, which it might have taken, was in force elsewhere."""
    for one in changes:
        allowed = newest_allowed(settings, one.change.crossed)
        others = [other.change.version for other in changes if other.public < one.asked]
        missed = [version for version in others if one.change.version < version <= allowed]
        assert not missed, f"{one} though {missed} were published"
