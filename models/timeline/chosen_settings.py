"""Settings that an operator chose through the log: which of a shard's are in force, and which wait for their boundary.

A record holds all settings that can be changed, so what is in force never depends on which records a shard has seen
before; of two the higher number counts, and of two of one number, written by two operators at once, the higher digest.
So a record that comes twice, or after a newer one, changes nothing. A record that names no time comes into force where
it stands: all due items before it are done under the old settings (models/timeline/pieces.py). One that names a time
waits for the first version boundary from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import UNSET
from xxhash import xxh3_64_hexdigest

from models.settings import CHANGEABLE, EngineSettings
from models.timeline.shard_state import ChosenSettings, ShardState
from models.touchpoints.types.reserved import SettingsChosenData

Values = dict[str, int | float]
_encode: Final = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Change:
    """What a record of settings, or the boundary that it waited for, comes to.

    Attributes:
        chosen: the settings.
        before, after: every setting that can be changed, as it was in force and as it is now, or will be.
        waits: they come into force at a boundary to come.
        at_record: it happens at the piece's first record, not before it.
        refused: why the settings are no settings; then nothing changes.
    """

    chosen: ChosenSettings
    before: Values
    after: Values
    waits: bool = False
    at_record: bool = True
    refused: str = ""

    @property
    def differing(self) -> dict[str, tuple[int | float | str, int | float | str]]:
        """The old and the new value of every setting that changes."""
        return {name: (old, self.after[name]) for name, old in self.before.items() if old != self.after[name]}


def in_force(settings: EngineSettings, state: ShardState) -> EngineSettings:
    """What decides now, of a shard that was created with `settings`."""
    return settings if state.settings is UNSET else settings.changed(state.settings.values)


def changeable(settings: EngineSettings) -> Values:
    """The settings that can be changed, by name."""
    return {name: getattr(settings, name) for name in CHANGEABLE}


def chosen_of(data: SettingsChosenData) -> ChosenSettings:
    """The settings of a record."""
    values = {name: getattr(data, name) for name in CHANGEABLE}
    at = data.at or 0
    return ChosenSettings(data.number, xxh3_64_hexdigest(_encode((values, at))), values, at, data.by or "")


def at_record(
    settings: EngineSettings, state: ShardState, data: SettingsChosenData
) -> tuple[ShardState, Change | None]:
    """The state, and what changes, when the line comes to a record of settings.

    Args:
        settings: with which the shard was created.
        state: before the record, every due item before it being done.
        data: of the record.
    """
    chosen = chosen_of(data)
    before = changeable(in_force(settings, state))
    try:
        after = changeable(settings.changed(chosen.values))
    except ValueError as error:
        return state, Change(chosen, before, before, refused=str(error))
    if any(known is not UNSET and rank(chosen) <= rank(known) for known in (state.settings, state.waiting)):
        return state, None
    if chosen.at > state.boundary:
        return msgspec.structs.replace(state, waiting=chosen), Change(chosen, before, after, waits=True)
    return msgspec.structs.replace(state, settings=chosen, waiting=UNSET), Change(chosen, before, after)


def at_boundary(settings: EngineSettings, state: ShardState) -> tuple[ShardState, Change | None]:
    """The same, when a shard's boundary brings its model version into force."""
    chosen = state.waiting
    if chosen is UNSET or chosen.at > state.boundary:
        return state, None
    after = msgspec.structs.replace(state, settings=chosen, waiting=UNSET)
    old, new = changeable(in_force(settings, state)), changeable(in_force(settings, after))
    return after, Change(chosen, old, new, at_record=False)


def newest(state: ShardState) -> ChosenSettings | None:
    """The newest choice that a shard has read: in force, or waiting."""
    if state.waiting is not UNSET:
        return state.waiting
    return None if state.settings is UNSET else state.settings


def rank(chosen: ChosenSettings) -> tuple[int, str]:
    """The higher one counts."""
    return chosen.number, chosen.digest
