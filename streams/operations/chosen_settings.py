"""Operator's view of the settings in force in every shard, and the change of those that may be changed.

A change is a record of the touchpoints log, in every partition, so that whoever reads the log again decides the same.
It holds all changeable settings; a shard that has it passes it over, so a change that was cut short is repeated.
Settings are called here as the configuration calls them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec import UNSET, UnsetType

from models.settings import DAY, SECOND, EngineSettings
from models.timeline.chosen_settings import Values, changeable, newest, rank
from models.timeline.shard_state import ChosenSettings
from models.touchpoints import InvalidTouchpoint, event
from streams.errors import EngineError, ExitCode
from streams.kafka.security import KafkaConnection
from streams.operations.choices import NoShard, read_within, write_choice
from streams.shard.meta import ShardBody, settings_in_force, unpack_body
from streams.store import Store

UNITS: Final[Mapping[str, tuple[str, int]]] = {
    "enter": ("enter", 1),
    "exit": ("exit", 1),
    "trigger_life_s": ("trigger_life", SECOND),
    "duplicate_window_days": ("duplicate_window", DAY),
}
"""Settings that can be changed, by their configured name: the engine's, and how many of its units one is."""

FIXED: Final[Mapping[str, str]] = {
    "mode": "live and replayed logs are not one log",
    "alive": "every stored count, label and model was made by what counts as staying",
    "challengers": "the learner's state holds them from its first example on",
    "horizon_days": "labels that wait, and the model, are of this horizon",
    "tick_days": "every stored tick and example lies on its grid",
    "tick_anchor": "every stored tick and example lies on its grid",
    "tick_phase": "every stored tick and example lies on its grid",
    "lateness_s": "it is part of the time at which stored examples get their label",
    "forget_after_days": "stored timers, at which records leave the store, were set by it",
    "version_every_s": "model versions are named by its boundaries",
    "version_delay_s": "which version was in force where follows from it",
}
"""Settings that no record changes, and why."""


BY_POLICY: Final = ("enter", "exit", "trigger_life_s")
"""Settings in whose place a policy has its own: its levels, and how long an action is worth sending."""


class SettingFixed(EngineError):
    """A setting that can't be changed, or is none."""

    code = ExitCode.USAGE
    remedy = (
        f"change {', '.join(UNITS)}; for another value of the others build the state anew beside the present one: "
        "`retention rebuild --into APP2`, then switch (docs/upgrading.md)"
    )


class SettingsUnfit(EngineError):
    """Settings that make no sense together, or a record of them that can't be written."""

    code = ExitCode.USAGE
    remedy = "give what the message asks for"


class ShardSettingsNow(NamedTuple):
    """A shard's metadata, and the settings that are in force in it."""

    body: ShardBody
    settings: EngineSettings

    @property
    def newest(self) -> ChosenSettings | None:
        """The newest choice that the shard has read: in force, or waiting for its boundary."""
        return newest(self.body.state)


class Plan(NamedTuple):
    """A change to be written. before: the newest settings that any shard knows of. data: of the record.

    repeats: it was chosen before, and not every shard has it.
    """

    before: Values
    chosen: ChosenSettings
    repeats: bool


async def shards_now(store: Store, app: str, partitions: int) -> dict[int, ShardSettingsNow]:
    """Every shard that there is. Raises NoShard where there is none, StateUnreadable, and what the store raises."""
    found = {}
    for shard in range(partitions):
        meta = await store.read_meta(str(shard))
        if meta is not None:
            body = unpack_body(str(shard), meta.body)
            found[shard] = ShardSettingsNow(body, settings_in_force(str(shard), body))
    if not found:
        raise NoShard(f"app {app!r} has no shards")
    return found


def planned(
    shards: Mapping[int, ShardSettingsNow], wanted: Mapping[str, str], at: int, by: str, now: int
) -> Plan | None:
    """The change that is to be written, or None where everything is as wanted.

    Args:
        shards: as they are now.
        wanted: values by name, as text.
        at: log time (ms) from whose boundary on it counts; 0: at once.
        by: who chooses.
        now: this machine's time, ms; a change gets a higher number than all before it.

    Raises:
        SettingFixed: a name is none that can be changed.
        SettingsUnfit: the values are none, or do not fit together.
    """
    known = [choice for shard in shards.values() if (choice := shard.newest) is not None]
    last = max(known, key=rank, default=None)
    settings = next(iter(shards.values())).settings
    before = changeable(settings) if last is None else {**changeable(settings), **last.values}
    values = {**before, **dict(_value(name, text) for name, text in wanted.items())}
    try:
        settings.changed(values)
    except ValueError as error:
        raise SettingsUnfit(str(error)) from error
    if last is None:
        return None if values == before else Plan(before, ChosenSettings(now, "", values, at, by), repeats=False)
    if values == before and (at == last.at or not at or not last.at):
        lacking = [shard for shard in shards.values() if shard.newest is None or rank(shard.newest) < rank(last)]
        return Plan(before, last, repeats=True) if lacking else None
    return Plan(before, ChosenSettings(max(now, last.number + 1), "", values, at, by), repeats=False)


def in_units(values: Mapping[str, int | float]) -> dict[str, float]:
    """Values by the configuration's names, in its units."""
    return {name: values[engine] / unit for name, (engine, unit) in UNITS.items()}


def _value(name: str, text: str) -> tuple[str, int | float]:
    """The engine's name of a setting, and the value in its units."""
    if name not in UNITS:
        why = FIXED.get(name, "it is no setting that decides about customers")
        raise SettingFixed(f"{name} can't be changed here: {why}")
    engine, unit = UNITS[name]
    try:
        value = float(text)
    except ValueError as error:
        raise SettingsUnfit(f"{name} is {text!r}; give a number") from error
    return engine, value if unit == 1 else round(value * unit)


def write(
    connection: KafkaConnection, topic: str, partitions: int, shards: Mapping[int, ShardSettingsNow], plan: Plan
) -> list[int]:
    """Write the change into every partition, acknowledged one by one; the offsets.

    In a replay each record bears its shard's own time; one that has not begun has none.

    Args:
        connection: brokers and security.
        topic: the input topic.
        partitions: of it.
        shards: as they are now.
        plan: what to write.

    Raises:
        SettingsUnfit: the record would be refused, such as for too long a `by`.
        NoShard: a replay has not begun in every partition.
        BrokerUnreachable: Kafka does not answer.
        BrokerRefused: Kafka does not take the record.
    """
    bodies = {shard: now.body for shard, now in shards.items()}
    return write_choice(connection, topic, partitions, bodies, "settings", lambda at: _record(plan.chosen, at))


def _record(chosen: ChosenSettings, at: int) -> bytes:
    data: dict[str, Any] = {"number": chosen.number, **chosen.values}
    data |= ({"at": chosen.at} if chosen.at else {}) | ({"by": chosen.by} if chosen.by else {})
    name = f"settings-chosen-{uuid.uuid4().hex}"
    try:
        return event("settings_chosen", id=name, source="/retention/cli", subject=None, time_ms=at, data=data)
    except InvalidTouchpoint as error:
        raise SettingsUnfit(f"the record of the settings: {error.rejected.reason}") from error


async def read_by(
    store: Store, app: str, partitions: int, number: int, within_s: float
) -> tuple[Sequence[int], Sequence[int]]:
    """The shards that have read a change within a time, and those that have not."""

    async def readers() -> list[int]:
        shards = await shards_now(store, app, partitions)
        return [n for n, shard in shards.items() if shard.newest is not None and shard.newest.number >= number]

    return await read_within(readers, partitions, within_s)


def overruled(shards: Mapping[int, ShardSettingsNow]) -> list[int]:
    """The shards in which a policy is in force, so that `BY_POLICY` decide nothing."""
    return [shard for shard, now in shards.items() if now.body.state.policy is not UNSET]


def told(now: ShardSettingsNow) -> dict[str, Any]:
    """An operator's choices in a shard, `chosen` and `waiting`, as plain data; None where there is none."""

    def data(choice: ChosenSettings | UnsetType) -> dict[str, Any] | None:
        if choice is UNSET:
            return None
        return {"number": choice.number, "at": choice.at, "by": choice.by, "values": in_units(choice.values)}

    return {"chosen": data(now.body.state.settings), "waiting": data(now.body.state.waiting)}
