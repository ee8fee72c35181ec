"""The meta's body: what it was created with, what differs now, and a message that says which and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from models.decisions.policy.vocabulary import policy_read
from models.settings import CHANGEABLE, DAY, EngineSettings
from models.timeline.shard_state import (
    UNKNOWN_STAGES,
    ChosenSettings,
    PolicyName,
    ShardState,
    Stages,
    WaitingPolicy,
)
from streams import errors
from streams.errors import (
    EngineError,
    ExitCode,
    LearningFailed,
    LogTruncated,
    NewerRelease,
    SettingsChanged,
    StateUnreadable,
    TopicChanged,
    VersionUnreadable,
)
from streams.kafka.partition_facts import LogFacts
from streams.shard.meta import (
    SCHEMA,
    STAGES_COUNTED,
    ShardBody,
    born_with,
    check_log,
    check_settings,
    creation_of,
    pack_body,
    settings_of,
    unpack_body,
    with_read_to,
)

FACTS = LogFacts(start=10, end=90, topic_id="abc", partitions=4, committed=None)
SETTINGS = EngineSettings()
BIRTH = creation_of(FACTS, "live", SETTINGS)
BODY = ShardBody(SCHEMA, BIRTH, ShardState(2, 4, 10, sequences={"triggers": 3}, bands=(1, 2, 3, 4)))


def test_a_body_comes_back_as_it_was() -> None:
    assert unpack_body("2", pack_body(BODY)) == BODY


@pytest.mark.parametrize("read", [UNSET, (1, 637), STAGES_COUNTED])
@pytest.mark.parametrize("stages", [UNSET, (0, 1, 2, 3, 4, 5, 6)])
def test_who_is_at_which_stage_is_not_known_where_a_release_wrote_last_that_counts_nobody(
    read: tuple[int, int] | UnsetType, stages: Stages | UnsetType
) -> None:
    under = msgspec.structs.replace(BODY.state, policy=PolicyName(1, "0" * 64), stages=stages)
    counts = read == STAGES_COUNTED
    found = unpack_body("2", pack_body(ShardBody(SCHEMA, BIRTH, under, policy_read=read)))
    assert found.state == (under if counts else msgspec.structs.replace(under, stages=UNKNOWN_STAGES))
    again = unpack_body("2", pack_body(msgspec.structs.replace(found, policy_read=policy_read())))
    assert again.state == found.state


def test_without_a_policy_nobody_is_at_a_stage_whoever_wrote_last() -> None:
    assert unpack_body("2", pack_body(BODY)).state.stages is UNSET


@pytest.mark.parametrize(("schema", "error"), [(0, StateUnreadable), (SCHEMA + 1, NewerRelease), (99, NewerRelease)])
def test_a_body_of_another_schema_is_refused_by_its_number_whatever_its_fields(
    schema: int, error: type[EngineError]
) -> None:
    for value in (
        pack_body(BODY).replace(b'"schema":1', b'"schema":%d' % schema),
        msgspec.json.encode({"schema": schema, "cut": [1, 2, 3]}),
    ):
        with pytest.raises(
            error, match=f"meta of shard 2 has schema {schema}; this release reads 1 to {SCHEMA}"
        ) as told:
            unpack_body("2", value)
        assert type(told.value) is error


def test_a_body_is_stored_in_the_oldest_schema_that_holds_it() -> None:
    assert pack_body(BODY).startswith(b'{"schema":1,')
    chosen = ChosenSettings(7, "digest", {"enter": 0.5, "trigger_life": 11})
    for name in ("settings", "waiting"):
        state = msgspec.structs.replace(BODY.state, **{name: chosen})
        body = msgspec.structs.replace(BODY, state=state, policy_read=STAGES_COUNTED)
        assert pack_body(body).startswith(b'{"schema":2,')
        assert unpack_body("2", pack_body(body)) == body
        named = msgspec.structs.replace(body.state, policy=PolicyName(8, "0" * 64))
        body = msgspec.structs.replace(body, state=named)
        assert pack_body(body).startswith(b'{"schema":3,')
        assert unpack_body("2", pack_body(body)) == body
        waits = msgspec.structs.replace(body.state, policy_waiting=WaitingPolicy(9, "1" * 64, 5_000, "ada"))
        body = msgspec.structs.replace(body, state=waits)
        assert pack_body(body).startswith(b'{"schema":4,')
        assert unpack_body("2", pack_body(body)) == body


@given(st.one_of(st.binary(), st.integers(0, len(pack_body(BODY)) - 1).map(lambda n: pack_body(BODY)[:n])))
def test_bytes_that_are_no_body_are_refused_by_name(value: bytes) -> None:
    with pytest.raises(StateUnreadable, match=r"(?s)meta of shard 7.*remedy: "):
        unpack_body("7", value)


@pytest.mark.parametrize(
    ("next_offset", "facts", "error", "said"),
    [
        (10, FACTS, None, ""),
        (90, FACTS, None, ""),
        (50, FACTS._replace(topic_id="xyz"), TopicChanged, "topic id is xyz, at creation it was abc"),
        (50, FACTS._replace(topic_id=""), TopicChanged, "topic id is , at creation it was abc"),
        (50, FACTS._replace(partitions=6), TopicChanged, "has 6 partitions, at creation 4"),
        (50, FACTS._replace(partitions=0), TopicChanged, "has 0 partitions, at creation 4"),
        (9, FACTS, LogTruncated, "log starts at 10, the next offset is 9: 1 are gone"),
        (91, FACTS, LogTruncated, "log ends at 90, the next offset is 91"),
    ],
)
def test_the_log_is_checked_against_the_birth_and_the_fence(
    next_offset: int, facts: LogFacts, error: type[EngineError] | None, said: str
) -> None:
    if error is None:
        check_log("2", at(next_offset), facts)
        return
    with pytest.raises(error, match=rf"shard 2: .*{said}.*remedy: ") as raised:
        check_log("2", at(next_offset), facts)
    assert type(raised.value) is error


def test_a_broker_that_told_no_topic_id_at_creation_is_not_held_to_one() -> None:
    creation = creation_of(FACTS._replace(topic_id=""), "live", SETTINGS)
    check_log("2", msgspec.structs.replace(at(50), creation=creation), FACTS)


def at(next_offset: int, read_to: int = 0) -> ShardBody:
    state = msgspec.structs.replace(BODY.state, next_offset=next_offset)
    return with_read_to(msgspec.structs.replace(BODY, state=state), read_to)


@pytest.mark.parametrize(("next_offset", "read_to"), [(5, 10), (5, 90), (20, 40), (10, 9)])
def test_markers_of_transactions_that_were_read_may_be_gone(next_offset: int, read_to: int) -> None:
    check_log("2", at(next_offset, read_to), FACTS)
    assert unpack_body("2", pack_body(at(next_offset, read_to))) == at(next_offset, read_to)


@pytest.mark.parametrize(("read_to", "known"), [(9, 9), (91, 5)], ids=["not all of them", "of a log that ended later"])
def test_what_was_not_read_and_is_gone_is_never_taken_for_a_marker(read_to: int, known: int) -> None:
    with pytest.raises(LogTruncated, match=rf"starts at 10, the next offset is {known}: {10 - known} are gone"):
        check_log("2", at(5, read_to), FACTS)


CHANGED: dict[str, Any] = {
    "alive": "contract",
    "challengers": "",
    "horizon": 30 * DAY,
    "tick": 14 * DAY,
    "anchor": 5,
    "phase": "aligned",
    "lateness": 7,
    "boundary": 7 * DAY,
    "version_delay": 9,
    "enter": 0.9,
    "exit": 0.3,
    "trigger_life": 11,
}


def test_every_setting_that_decides_has_a_changed_value_here() -> None:
    assert set(CHANGED) == set(SETTINGS.deciding())


@pytest.mark.parametrize("name", sorted(CHANGED.keys() - set(CHANGEABLE)))
def test_a_setting_that_is_fixed_may_not_change(name: str) -> None:
    told = replace(SETTINGS, **{name: CHANGED[name]})
    with pytest.raises(SettingsChanged) as raised:
        check_settings("2", BIRTH, "live", told)
    stored = SETTINGS.deciding()[name]
    assert str(raised.value).startswith(f"shard 2: {name} is {CHANGED[name]!r}, at creation {stored!r} | remedy: ")


@pytest.mark.parametrize("name", CHANGEABLE)
def test_a_setting_that_an_operator_may_change_is_as_it_was_at_creation_whatever_is_configured(name: str) -> None:
    told = replace(SETTINGS, **{name: CHANGED.get(name, 5)}, piece_items=3)
    check_settings("2", BIRTH, "live", told)
    assert born_with("2", BIRTH, told) == replace(SETTINGS, piece_items=3)
    with pytest.raises(SettingsChanged, match=f"{name} is"):
        check_settings("2", BIRTH, "live", told, changeable=True)


def test_a_shard_of_a_newer_release_is_refused_by_the_setting_that_this_one_has_not() -> None:
    newer = msgspec.structs.replace(BIRTH, settings={**BIRTH.settings, "control_share": 0.1})
    told = r"^shard 2 was created with settings that this release has not: control_share = 0\.1 \| remedy: run the new"
    for asked in (lambda: check_settings("2", newer, "live", SETTINGS), lambda: settings_of("2", newer)):
        with pytest.raises(NewerRelease, match=told):
            asked()


def test_a_meta_that_lacks_a_setting_of_every_release_is_damaged() -> None:
    damaged = msgspec.structs.replace(BIRTH, settings={n: v for n, v in BIRTH.settings.items() if n != "tick"})
    with pytest.raises(StateUnreadable, match="settings of shard 2: tick is not stored"):
        check_settings("2", damaged, "live", SETTINGS)


def test_the_mode_may_not_change_and_all_differences_are_told_at_once() -> None:
    with pytest.raises(SettingsChanged, match=r"mode is 'replay', at creation 'live'; horizon is 9, at creation"):
        check_settings("2", BIRTH, "replay", replace(SETTINGS, horizon=9))


def test_what_decides_nothing_may_change_and_stored_settings_compare_equal() -> None:
    stored = unpack_body("2", pack_body(BODY)).creation
    check_settings("2", stored, "live", replace(SETTINGS, piece_items=3))


def test_every_named_error_has_a_remedy_and_an_exit_code_of_its_own() -> None:
    named = [
        e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, EngineError) and e is not EngineError
    ]
    for error in named:
        told = str(error("shard 2: field x is 1"))
        assert told == f"shard 2: field x is 1 | remedy: {error.remedy}"
        assert error.remedy != EngineError.remedy
        assert error.__doc__
    special = (NewerRelease, VersionUnreadable, LearningFailed)  # cases of another
    codes = [error.code for error in named if error not in special]
    assert len(set(codes)) == len(codes)
    assert ExitCode.OK not in codes
