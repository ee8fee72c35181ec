"""Records of version 4: the stricter reading on the way up, and the way back."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.bands import Band
from models.customer.block import Block
from models.customer.consent import (
    MARKETING,
    PURPOSES,
    Answer,
    Statement,
    answer,
    pack_register,
    state,
    unpack_register,
)
from models.customer.flags import flags_of
from models.customer.kept import kept_of
from models.customer.layout import ERASED, NEWEST, NO_CONSENT, SLAB, UNLEARNED, VERSION
from models.customer.record import Record, unpack
from models.customer.restrictions import REASONS, Restriction, pack_restrictions, purposes_of, unpack_restrictions
from models.customer.tail import UnknownRecord
from models.customer.tombstone import TOMBSTONE
from models.customer.version_four import FOUR, down, up
from models.customer.versions import upgraded, written
from models.decisions import choose
from tests.support.logs import START

WHO = b"anna"
LATER = START + 1


def former(flags: int = 0, **tail: Any) -> bytes:
    """A record as the release before wrote it, whose newest touchpoint is of START."""
    record = Record(WHO)
    record.remember(7)
    record.flags, record.times[NEWEST] = flags, START
    packed = msgspec.msgpack.encode(tail) if tail else b""
    slab = bytearray(record.whole()[: SLAB.itemsize])
    slab[0] = FOUR
    slab[-2:] = len(packed).to_bytes(2, "little")
    return bytes(slab) + packed


def granted(value: bytes, channel: str, at: int) -> Answer:
    record = unpack(WHO, value)
    register = unpack_register(record.tail.consents)
    state(register, MARKETING, (channel,), Statement(True, at))
    return answer(register, MARKETING, channel, at)


def test_what_knows_nothing_of_consent_changes_its_number_alone() -> None:
    for value in (former(), former(c=["sms"], p="gold", m=3)):
        assert up(value) == bytes((VERSION,)) + value[1:]
        assert down(up(value)) == value
    assert choose(unpack(WHO, former()), LATER).channel == "email"
    assert unpack(WHO, former()).tail.max_per_week == -1


@pytest.mark.parametrize("value", [former(u=["email"]), former(u=["email"], a=5), former(NO_CONSENT, a=START - 9)])
def test_what_was_refused_stays_so_until_a_grant_newer_than_all_the_record_has_seen(value: bytes) -> None:
    assert choose(unpack(WHO, value), LATER).action == "leave_alone"
    assert granted(value, "email", START) == Answer.REFUSED
    assert granted(value, "email", LATER) == Answer.GRANTED


def test_a_withdrawal_stays_one_for_all_channels() -> None:
    record = unpack(WHO, former(NO_CONSENT, a=START, u=["sms"]))
    assert record.flags == NO_CONSENT
    assert answer(unpack_register(record.tail.consents), MARKETING, "whatever", LATER) == Answer.REFUSED


def test_a_grant_is_not_carried_over_since_nobody_knows_for_which_channels_it_was() -> None:
    record = unpack(WHO, former(a=START, c=["sms"]))
    assert record.tail.consents == b""
    assert choose(record, LATER) == ("win_back", "sms", "risk reached the entry threshold")


def test_a_tombstone_of_the_release_before_is_read() -> None:
    record = Record(WHO)
    record.flags, record.band, record.times[NEWEST] = ERASED | NO_CONSENT, Band.ERASED, START
    record.tail.consents = pack_register({(MARKETING, ""): Statement(False, 5)})
    short = record.pack()
    assert (short[0], short[3:4]) == (TOMBSTONE, bytes((ERASED | NO_CONSENT,)))
    assert msgspec.msgpack.decode(short[24:]) == {"a": 5}
    told = short[:24] + msgspec.msgpack.encode({"a": 5, "u": ["sms", "email"]})
    assert upgraded(WHO, told) == record.whole()


registers = st.dictionaries(
    st.tuples(st.sampled_from(PURPOSES), st.sampled_from(("", "email", "sms", "v", "a", "xu"))),
    st.builds(
        Statement,
        granted=st.booleans(),
        time=st.integers(START - 3, START + 3),
        expires=st.just(0),
        basis=st.just("consent"),
        confirmed=st.booleans(),
        reference=st.integers(0, 2),
    ),
    max_size=6,
)
restrictions = st.dictionaries(st.sampled_from(REASONS), st.just(START), max_size=2).map(
    lambda said: {why: Restriction(purposes_of((), why), at) for why, at in said.items()}
)


@st.composite
def known(draw: st.DrawFn) -> Record:
    record = Record(WHO)
    if draw(st.booleans()):
        record.remember(7)
        record.times[NEWEST] = START
        record.tail.channels = draw(st.sampled_from(((), ("sms",), ("v", "W"))))
        record.tail.max_per_week = draw(st.sampled_from((-1, 0, 2)))
    record.tail.consents = pack_register(draw(registers))
    record.tail.restrictions = pack_restrictions(draw(restrictions))
    if not any(record.ids):
        record.tail = kept_of(record.tail, erased=draw(st.booleans()))
    record.flags = flags_of(record.tail)
    return record


@given(known())
def test_what_goes_down_comes_up_as_it_was(record: Record) -> None:
    value = record.pack()
    older = written(value, FOUR)
    assert older[0] in (FOUR, TOMBSTONE)
    assert older[3] & (UNLEARNED | 128) == 0
    assert upgraded(WHO, older) == record.whole()
    block = Block([WHO], [older])
    assert block.pack(np.ones(1, dtype=np.bool_)) == {WHO: value}


@given(known())
def test_to_the_release_before_no_refusal_is_lost(record: Record) -> None:
    older = written(record.pack(), FOUR)
    tail = msgspec.msgpack.decode(older[24 if older[0] == TOMBSTONE else SLAB.itemsize :] or b"\x80")
    for (purpose, channel), said in unpack_register(record.tail.consents).items():
        if purpose == MARKETING and not said.granted:
            assert older[3] & NO_CONSENT or channel in tail["u"]
    if set(unpack_restrictions(record.tail.restrictions)) - {"test"}:
        assert older[3] & NO_CONSENT


def test_a_damaged_tail_is_refused_by_name() -> None:
    value = bytearray(former(NO_CONSENT, u=["email"]))
    value[SLAB.itemsize] = 0xC1
    for read in (lambda: unpack(WHO, bytes(value)), lambda: Block([WHO], [bytes(value)])):
        with pytest.raises(UnknownRecord, match="damaged"):
            read()
