"""The record keeps what it is given, in a size that is known."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.bands import Band
from models.customer.block import Block
from models.customer.consent import MARKETING, MAX_STATEMENTS, Statement, pack_register
from models.customer.contract import Contract, pack_contract
from models.customer.interests import MAX_INTERESTS, pack_interests
from models.customer.layout import BASIS, DUE, IDS, MOST_BYTES, NUMBERS, RISK, SLAB, TIMES, VERSION
from models.customer.record import Record, hash_of, unpack
from models.customer.restrictions import ACTION_PURPOSES, REASONS, Restriction, pack_restrictions
from models.customer.tail import (
    MAX_CASE_BYTES,
    MAX_LIST,
    MAX_MORE_CASES,
    MAX_OPEN_CASES,
    Tail,
    UnknownRecord,
    pack_tail,
    unpack_for_lanes,
)
from models.customer.version_four import FOUR
from models.customer.versions import written
from models.decisions.running import MAX_RUNNING, Running
from models.decisions.standing import (
    MAX_COUNTS,
    MAX_DATED,
    MAX_ONCE,
    MAX_OUTSTANDING,
    MAX_UNREACHABLE,
    MAX_WAITING,
    Dated,
    DayCount,
    Outstanding,
    Spent,
    Stage,
    Standing,
    Waiting,
)
from models.decisions.standing_stored import pack_standing
from models.decisions.unsent import MAX_UNSENT, Unsent
from models.loyalty.account import MAX_EARNED, MAX_LOTS, MAX_PARTS, MAX_SPENT, Account, Drawn, Earned
from models.loyalty.membership import MAX_STRETCHES, Membership
from models.loyalty.membership_stored import pack_membership
from models.loyalty.stored import pack_account
from models.settings import DAY, EngineSettings
from models.touchpoints import limits
from tests.support.bench import Silence, run_alone
from tests.support.logs import DATA, START, Data, log_of, told

WHO = "Zoë-1".encode()
float32 = st.floats(width=32, allow_nan=False)
names = st.text(max_size=40)
tails = st.builds(
    Tail,
    channels=st.lists(names, max_size=MAX_LIST).map(tuple),
    topics=st.lists(names, max_size=MAX_LIST).map(tuple),
    max_per_week=st.integers(-1, 100),
    quiet=st.sampled_from([(), ("22:00", "07:30")]),
    time_zone=names,
    rewards=st.lists(names, max_size=MAX_LIST).map(tuple),
    customer_class=names,
    programme=names,
    cases=st.dictionaries(names, st.integers(0, 2**53), max_size=MAX_OPEN_CASES),
    presence=names,
    opener=names,
    trigger=st.binary(max_size=16),
    step=st.integers(0, 1000),
    consents=st.binary(max_size=99),
    restrictions=st.binary(max_size=99),
    silent_until=st.integers(0, 2**53),
    language=names,
    country=names,
    account=names,
    role=names,
    presence_at=st.integers(0, 2**53),
    interests=st.binary(max_size=99),
    contract=st.binary(max_size=99),
    more_cases=st.integers(0, MAX_MORE_CASES),
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    record = Record(WHO)
    record.ring = draw(st.integers(0, IDS - 1))
    record.band = draw(st.integers(0, 5))
    record.flags = draw(st.integers(0, 63))
    for i, time in enumerate(draw(st.lists(st.floats(allow_nan=False), min_size=TIMES, max_size=TIMES))):
        record.times[i] = time
    for i, seen in enumerate(draw(st.lists(st.integers(1, 2**64 - 1), min_size=IDS, max_size=IDS))):
        record.ids[i] = seen
    for i, number in enumerate(draw(st.lists(float32, min_size=NUMBERS, max_size=NUMBERS))):
        record.numbers[i] = number
    for snapshot in record.pending_bases:
        for i, bits in enumerate(draw(st.lists(st.integers(0, 2**16 - 1), min_size=BASIS, max_size=BASIS))):
            snapshot[i] = bits
    for seconds in (record.seconds, record.pending_ticks):
        for i in range(len(seconds)):
            seconds[i] = draw(st.integers(0, 2**32 - 1))
    record.feedback, record.open_cases = draw(st.integers(0, 255)), draw(st.integers(0, MAX_OPEN_CASES))
    record.tail = draw(tails)
    return record


@pytest.mark.slow
@settings(max_examples=50)
@given(records())
def test_a_record_comes_back_as_it_was_stored(record: Record) -> None:
    value = record.pack()
    back = unpack(WHO, value)
    for name in Record.__slots__:
        assert getattr(back, name) == getattr(record, name), name
    assert back.pack() == value


@settings(max_examples=50)
@given(records())
def test_numpy_reads_the_same_numbers_as_a_record_does(record: Record) -> None:
    value = record.whole()
    row = np.frombuffer(value[: SLAB.itemsize], dtype=SLAB)[0]
    assert (row["version"], row["ring"], row["band"], row["flags"]) == (VERSION, record.ring, record.band, record.flags)
    assert row["check"] == hash_of(WHO) & 0xFFFFFFFF
    assert row["times"].tobytes() == record.times.tobytes()
    assert row["ids"].tobytes() == record.ids.tobytes()
    assert row["numbers"].tobytes() == record.numbers.tobytes()
    assert row["pending_bases"].tobytes() == b"".join(snapshot.tobytes() for snapshot in record.pending_bases)
    assert row["seconds"].tobytes() == record.seconds.tobytes()
    assert row["pending_ticks"].tobytes() == record.pending_ticks.tobytes()
    assert (row["feedback"], row["open_cases"]) == (record.feedback, record.open_cases)
    assert len(value) == SLAB.itemsize + int(row["tail_length"])


def test_a_record_with_an_empty_tail_has_the_size_of_the_slab() -> None:
    record = Record(WHO)
    assert len(record.pack()) == SLAB.itemsize == 376
    assert unpack(WHO, record.pack()).times[DUE] == float("inf")
    assert unpack(WHO, record.pack()).tail == Tail()


def test_a_tail_stands_behind_the_slab_and_takes_no_more_than_it_needs() -> None:
    record = Record(WHO)
    record.remember(1)
    sizes = []
    for length in range(120):
        record.tail.programme = "x" * length
        sizes.append(len(record.pack()))
        assert unpack(WHO, record.pack()).tail == record.tail
    assert sizes[0] == SLAB.itemsize
    assert sizes[1] == SLAB.itemsize + 5  # a map of one: its name (2), a string of one (2)
    assert sorted(set(sizes)) == sorted(sizes)


def test_numbers_are_rounded_to_float32_the_moment_they_are_assigned() -> None:
    record = Record(WHO)
    record.numbers[RISK] = 0.1
    assert record.numbers[RISK] == float(np.float32(0.1)) != 0.1
    assert unpack(WHO, record.pack()).numbers[RISK] == record.numbers[RISK]


def test_another_customers_record_is_refused() -> None:
    with pytest.raises(UnknownRecord, match="another customer's record"):
        unpack(b"somebody else", Record(WHO).pack())


@pytest.mark.parametrize("version", [0, 1, 2, 255])
def test_a_record_of_an_unknown_version_is_refused(version: int) -> None:
    with pytest.raises(UnknownRecord, match=f"schema version {version}; this release reads {FOUR} to {VERSION}"):
        unpack(WHO, bytes((version,)) + Record(WHO).pack()[1:])


@pytest.mark.parametrize("length", [0, 1, 375])
def test_a_value_that_is_too_short_is_refused(length: int) -> None:
    with pytest.raises(UnknownRecord, match=f"has {length} bytes, at least 376 are needed"):
        unpack(WHO, Record(WHO).pack()[:length])


def test_a_value_whose_tail_was_cut_or_grown_is_refused() -> None:
    record = Record(WHO)
    record.remember(1)
    record.tail.programme = "x" * 200
    for value in (record.pack()[:-1], record.pack() + b"\0", Record(WHO).pack() + b"\0"):
        with pytest.raises(UnknownRecord, match="damaged"):
            unpack(WHO, value)


def test_a_tail_that_is_not_a_tail_is_refused() -> None:
    record = Record(WHO)
    record.remember(1)
    record.tail.programme = "x" * 10
    value = bytearray(record.pack())
    value[SLAB.itemsize] = 0xC1  # msgpack never uses this byte
    with pytest.raises(UnknownRecord, match="tail can't be read"):
        unpack(WHO, bytes(value))


def test_a_ring_that_points_nowhere_is_refused() -> None:
    value = bytearray(Record(WHO).pack())
    value[1] = IDS
    with pytest.raises(UnknownRecord, match=f"ring {IDS}"):
        unpack(WHO, bytes(value))


@pytest.mark.parametrize("band", [len(Band), 255])
def test_a_band_that_is_none_is_refused_by_name_alone_and_side_by_side(band: int) -> None:
    value = bytearray(Record(WHO).pack())
    value[2] = band
    with pytest.raises(UnknownRecord, match=f"damaged.*band {band}"):
        unpack(WHO, bytes(value))
    with pytest.raises(UnknownRecord, match=f"damaged.*band {band}"):
        Block([b"other", WHO], [None, bytes(value)])


def test_the_last_events_are_remembered_and_older_ones_forgotten() -> None:
    record = Record(WHO)
    for seen in range(1, IDS + 3):
        record.remember(seen)
    assert [seen for seen in range(1, IDS + 3) if record.has_seen(seen)] == list(range(3, IDS + 3))


def _names(count: int, length: int) -> tuple[str, ...]:
    """Different names of `length` characters, four bytes each."""
    return tuple(chr(0x1F600 + i) + "\U0001f600" * (length - 1) for i in range(count))


def _stands() -> Standing:
    """All that a standing holds at most."""
    spent = (Spent(1, START, 1, True),) * 3
    return Standing(
        0.5,
        START,
        START,
        START,
        True,
        [Waiting(n + 1, START, START, 0.5, True) for n in range(MAX_WAITING)],
        [Outstanding(n, START, START, START, 1, 1, 0, 3, Stage.OUT, spent, 1, START) for n in range(MAX_OUTSTANDING)],
        [DayCount(10_000 + n, 1, 0, 3, 2) for n in range(MAX_COUNTS)],
        {n + 1: START for n in range(MAX_ONCE)},
        {n + 1: START for n in range(MAX_UNREACHABLE)},
        START,
        1,
        running=[Running(1, START, 1, START)] * MAX_RUNNING,
        carried=True,
        shadowed=0.5,
        live=1,
        dates=(Dated(1, START, START),) * MAX_DATED,
        silence_kept=True,
        unsent=[Unsent(1, 1, 1, 1, 1, START, START, 0.5, START)] * MAX_UNSENT,
        told={n + 1: 7 for n in range(MAX_WAITING)},
    )


def _account() -> Account:
    """All that an account of points holds at most."""
    return Account(
        {START + n * DAY: 9 for n in range(MAX_LOTS)},
        [Earned(1, START, START, START, 9, 9)] * MAX_EARNED,
        [Drawn(1, START, ((START, 9),) * (MAX_PARTS // MAX_SPENT))] * MAX_SPENT,
    )


def test_the_largest_record_has_the_size_that_is_documented() -> None:
    record = Record(WHO)
    record.remember(1)
    record.tail = Tail(
        channels=_names(MAX_LIST, limits.MAX_CHANNEL),
        topics=_names(MAX_LIST, limits.MAX_TOPIC),
        max_per_week=limits.MAX_PER_WEEK,
        quiet=("22:00", "07:30"),
        time_zone="A" * limits.MAX_TIME_ZONE,
        rewards=_names(MAX_LIST, limits.MAX_REFERENCE),
        customer_class="consumer",
        programme=_names(1, limits.MAX_NAME)[0],
        cases=dict.fromkeys(_names(MAX_OPEN_CASES, MAX_CASE_BYTES // MAX_OPEN_CASES // 4), 2**53),
        presence=_names(1, limits.MAX_CHANNEL)[0],
        opener=_names(1, limits.MAX_EVENT_ID)[0],
        trigger=bytes(16),
        step=2**63 - 1,
        consents=pack_register(
            {
                (MARKETING, name): Statement(True, START, START, "consent", True, 2**64 - 1)
                for name in _names(MAX_STATEMENTS, limits.MAX_CHANNEL)
            }
        ),
        restrictions=pack_restrictions(
            {reason: Restriction(frozenset(ACTION_PURPOSES), START, START) for reason in REASONS}
        ),
        silent_until=2**53,
        language="A" * limits.MAX_LANGUAGE,
        country="NL",
        account=_names(1, limits.MAX_REFERENCE)[0],
        role=_names(1, limits.MAX_NAME)[0],
        presence_at=2**53,
        interests=pack_interests(
            START, dict.fromkeys(("\u00e9" * 127 + chr(97 + i) for i in range(MAX_INTERESTS)), 1.0)
        ),
        contract=pack_contract(Contract(plan=_names(1, limits.MAX_NAME)[0])),
        more_cases=MAX_MORE_CASES,
        standing=pack_standing(_stands()),
        points=pack_account(_account()),
        membership=pack_membership(
            Membership("points", {START + n * DAY: 2**53 for n in range(MAX_STRETCHES)}, "l" * 40, START)
        ),
    )
    record.worth.bucket = 1
    value = record.pack()
    assert len(value) == MOST_BYTES
    assert unpack(WHO, value).tail == record.tail
    assert len(written(value, FOUR)) - SLAB.itemsize < 2**16


def test_no_number_of_touchpoints_makes_a_record_larger_than_documented() -> None:
    random = Random(5)
    kinds = [kind for kind in DATA if kind != "erase_requested"]
    greedy: dict[str, Callable[[int], Data]] = {
        "case_opened": lambda i: {"case_id": f"{i}" + "\U0001f600" * 190},
        "preferences_updated": lambda i: {
            "channels": _names(limits.MAX_CHANNELS, limits.MAX_CHANNEL),
            "topics": _names(limits.MAX_TOPICS, limits.MAX_TOPIC),
            "rewards": _names(limits.MAX_REWARDS, limits.MAX_REFERENCE),
            "time_zone": "Europe/Amsterdam",
        },
        "message_unsubscribed": lambda i: {"channel": f"{i}" + "\U0001f600" * 26},
        "spam_reported": lambda i: {"channel": f"{i}" + "\U0001f600" * 26},
        "search": lambda i: {"query": "q", "topic": f"{i}" + "\U0001f600" * 58},
        "profile_updated": lambda i: {
            "language": "A" * 8,
            "account": _names(1, limits.MAX_REFERENCE)[0],
            "role": _names(1, limits.MAX_NAME)[0],
        },
        "subscription_started": lambda i: {"plan": _names(1, limits.MAX_NAME)[0]},
        "programme_joined": lambda i: {"programme": _names(1, limits.MAX_NAME)[0]},
        "presence": lambda i: {"state": "online", "channel": _names(1, limits.MAX_CHANNEL)[0]},
    }
    entries = []
    for i in range(5_000):
        kind = random.choice(kinds)
        data = greedy[kind](i) if kind in greedy else DATA[kind](random)
        entries.append(told(kind, "c-1", START + i * DAY // 20, data, id=f"{i}-" + "\U0001f600" * 190))
    sizes: list[int] = []
    run_alone(
        log_of(entries),
        EngineSettings(horizon=28 * DAY, boundary=7 * DAY, enter=0.3, exit=0.1),
        Silence(2.0),
        look=lambda piece, changes: sizes.extend(map(len, changes.records.values())),
    )
    assert 10_000 < max(sizes) <= MOST_BYTES


@given(tails, st.binary(max_size=60))
def test_what_lanes_read_of_a_tail_is_what_the_whole_of_it_says(tail: Tail, standing: bytes) -> None:
    tail.standing = standing
    packed = pack_tail(tail)
    if packed:
        read = unpack_for_lanes(WHO, packed)
        assert (read.customer_class, read.standing) == (tail.customer_class, standing)


def test_a_tail_that_lanes_cannot_read_is_damaged() -> None:
    with pytest.raises(UnknownRecord, match="its tail can't be read"):
        unpack_for_lanes(WHO, b"\xc1")
