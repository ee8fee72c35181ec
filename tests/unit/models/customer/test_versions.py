"""A record of an older version is migrated where it is read; one of a newer release is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from models.customer import layout, versions
from models.customer.block import Block
from models.customer.layout import PREVIOUS, RISK, VERSION
from models.customer.record import Record, unpack
from models.customer.tail import UnknownRecord
from models.customer.versions import STEPS, NewerRecord, Step, upgraded, version_to_write, written
from tests.support.older_records import OLDER, OLDEST, STEP

NAMES = [b"anna", b"bert", b"carl", b"dora"]


def records() -> list[bytes]:
    made = []
    for n, name in enumerate(NAMES):
        record = Record(name)
        record.numbers[RISK] = (n + 1) / 8
        record.tail.programme = "gold" * n
        made.append(record.pack())
    return made


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, OLDER, STEP)


@pytest.mark.usefixtures("older")
def test_records_of_both_versions_stand_side_by_side_and_are_written_in_the_newer() -> None:
    stored: list[bytes | None] = list(records())
    stored[1], stored[3] = written(records()[1], OLDER), None
    mixed, alone = Block(NAMES, stored), Block(NAMES, [*records()[:3], None])
    assert mixed.rows.tobytes() == alone.rows.tobytes()
    assert mixed.open(1).tail == alone.open(1).tail
    all_of_them = np.ones(len(NAMES), dtype=np.bool_)
    assert mixed.pack(all_of_them) == alone.pack(all_of_them)
    assert {value[0] for value in mixed.pack(all_of_them).values()} == {VERSION}


@pytest.mark.usefixtures("older")
def test_an_older_record_is_opened_as_the_newer_one_is() -> None:
    value = records()[2]
    assert written(value, OLDER) != value
    assert unpack(b"carl", written(value, OLDER)).pack() == value
    assert upgraded(b"carl", written(value, OLDER)) == value


def test_several_steps_lead_from_the_oldest_to_the_newest_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, OLDER, STEP)
    suffix = b"of the version before that"
    monkeypatch.setitem(
        STEPS,
        OLDER - 1,
        Step(
            lambda value: bytes((OLDER,)) + value[1 : -len(suffix)],
            lambda value: bytes((OLDER - 1,)) + value[1:] + suffix,
        ),
    )
    value = records()[1]
    oldest = written(value, OLDER - 1)
    assert (oldest[0], oldest[-len(suffix) :]) == (OLDER - 1, suffix)
    assert Block([b"bert"], [oldest]).pack(np.ones(1, dtype=np.bool_)) == {b"bert": value}


@pytest.mark.usefixtures("older")
def test_a_damaged_or_foreign_older_record_is_refused_like_a_newer_one() -> None:
    with pytest.raises(UnknownRecord, match="another customer's record"):
        Block([b"anna"], [written(records()[1], OLDER)])


def test_a_version_to_which_no_step_leads_is_refused_by_its_number() -> None:
    value = bytes((OLDER,)) + records()[0][1:]
    with pytest.raises(
        UnknownRecord, match=f"schema version {OLDER}; this release reads {OLDEST} to {VERSION}"
    ) as refused:
        Block([b"anna"], [value])
    assert type(refused.value) is UnknownRecord


@pytest.mark.usefixtures("older")
def test_a_newer_version_is_refused_as_what_it_is() -> None:
    value = bytes((VERSION + 1,)) + records()[0][1:]
    told = f"schema version {VERSION + 1}; this release reads {OLDER} to {VERSION}"
    for read in (lambda: Block([b"anna"], [value]), lambda: unpack(b"anna", value)):
        with pytest.raises(NewerRecord, match=told):
            read()


def test_what_the_release_before_reads_is_written_until_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert layout.PREVIOUS in (VERSION, VERSION - 1)
    assert version_to_write(newest=True) == VERSION
    assert version_to_write(newest=False) == PREVIOUS
    monkeypatch.setattr(versions, "PREVIOUS", OLDER)
    assert version_to_write(newest=False) == OLDER
