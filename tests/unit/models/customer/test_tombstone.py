"""The short form of a record that says no more than an erasure or an objection."""

from __future__ import annotations

import numpy as np
import pytest

from models.customer.bands import Band
from models.customer.block import Block
from models.customer.consent import MARKETING, Statement, pack_register
from models.customer.layout import DUE, ERASED, NEWEST, NO_CONSENT, RISK, SLAB
from models.customer.record import Record, unpack
from models.customer.tail import UnknownRecord
from models.customer.tombstone import TOMBSTONE, shortened
from models.customer.versions import STEPS, written
from models.timeline.order import NEVER
from tests.support.older_records import OLDER, STEP


def erased(customer: bytes = b"anna") -> Record:
    record = Record(customer)
    record.flags, record.band = ERASED, Band.ERASED
    record.times[NEWEST], record.times[DUE] = 1.7e12, 1.8e12 * 8 + 5
    return record


def objecting(customer: bytes = b"bert") -> Record:
    record = Record(customer)
    record.band = Band.LAPSED
    refused = Statement(False, 1_700_000_000_000)
    record.tail.consents = pack_register({(MARKETING, "email"): refused, (MARKETING, "sms"): refused})
    return record


def refusing(customer: bytes = b"bert") -> Record:
    record = Record(customer)
    record.flags, record.band = NO_CONSENT, Band.LAPSED
    record.tail.consents = pack_register({(MARKETING, ""): Statement(False, 1_700_000_000_000)})
    return record


@pytest.mark.parametrize("record", [erased(), objecting(), refusing()])
def test_it_holds_all_that_the_record_says(record: Record) -> None:
    customer = b"anna" if record.flags & ERASED else b"bert"
    value = record.pack()
    assert value[0] == TOMBSTONE
    read = unpack(customer, value)
    assert read.whole() == record.whole()
    assert (read.times[DUE] == NEVER) == (customer == b"bert")


def test_one_without_a_tail_fits_an_allocation_of_48_bytes() -> None:
    # Redis' short string: 16 bytes of object and 4 of header stand before and behind the value.
    assert len(erased().pack()) + 20 <= 48
    assert len(objecting().pack()) + 20 <= 80
    assert len(refusing().pack()) + 20 <= 64


def test_what_would_lose_anything_stays_whole() -> None:
    for change in ("ids", "numbers", "seconds"):
        record = erased()
        getattr(record, change)[RISK if change == "numbers" else 1] = 1
        assert shortened(record.whole()) == record.whole()
        assert len(record.pack()) == SLAB.itemsize


def test_whole_and_short_records_stand_side_by_side() -> None:
    known = Record(b"carl")
    known.remember(7)
    stored = [erased().pack(), known.pack(), None, objecting().pack()]
    block = Block([b"anna", b"carl", b"dora", b"bert"], stored)
    assert block.rows["flags"].tolist() == [ERASED, 0, 0, 0]
    assert block.open(3).tail == objecting().tail
    kept = block.pack(np.array([True, True, False, True]))
    assert list(kept.values()) == [value for value in stored if value is not None]


def test_another_customers_is_refused() -> None:
    for read in (lambda: unpack(b"carl", erased().pack()), lambda: Block([b"carl"], [erased().pack()])):
        with pytest.raises(UnknownRecord, match="another customer's record"):
            read()


def test_a_part_of_one_is_refused() -> None:
    with pytest.raises(UnknownRecord):
        unpack(b"anna", erased().pack()[:20])


def test_it_is_the_same_in_every_version_of_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, OLDER, STEP)
    assert written(erased().pack(), OLDER) == erased().pack()
