"""Two ids are one customer: what was known of the one moves to the other, once, however records travel."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter, defaultdict
from dataclasses import replace
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.layout import SPENT
from models.customer.merged import is_merged
from models.customer.record import Record, unpack
from models.engine.apply import apply as compiled
from models.engine.step import Engine
from models.loyalty.loop import unpack_loop
from models.loyalty.stored import unpack_account
from models.simulation.rehearsal import rehearse
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from models.timeline.received import RecordsMissing
from streams.operations.audit import audit
from streams.operations.audit.run import ABSENT
from tests.auditor.test_engine_keeps_the_rules import EXAMPLE, LEARNED, LIMITED
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.families import slow_but
from tests.support.identities import Shards, merging, told_in_disorder
from tests.support.kept_topics import lines_of
from tests.support.logs import START, clock, told
from tests.support.recounting import counted, recounted
from tests.support.replies import busy, with_policy
from tests.unit.models.engine.test_loyalty import KEPT as LOYAL
from tests.unit.models.engine.test_membership import POINTS as LEVELS
from tests.unit.models.engine.test_points import KEPT
from tests.unit.models.simulation.test_rehearsal import VARIANTS

DAYS = 60
ENGINES = [compiled, plainly]
DAY = 86_400_000


def records_of(shards: Shards) -> dict[str, Record]:
    return {name.decode(): unpack(name, value) for one in shards.world.shards for name, value in one.records.items()}


def lead_to(records: dict[str, Record], name: str) -> str:
    """Where an id leads to."""
    passed = set()
    while is_merged(records[name].flags):
        assert name not in passed, "a circle"
        passed.add(name)
        name = records[name].tail.merged
    return name


def story(seed: int, variant: str, partitions: int = 2) -> Shards:
    shards = Shards(partitions, VARIANTS[variant])
    told_in_disorder(shards, merging(seed, DAYS, 8, 6), Random(seed), DAYS)
    return shards


def check(shards: Shards, variant: str, batch: int, items: int) -> None:
    """The same log gives the same bytes, plainly too; nothing is lost, and nothing counted twice."""
    parts = replace(VARIANTS[variant], piece_items=items)
    whole = digest(shards.world)
    again = rehearse(shards.logs, parts, batch=lambda at: batch)
    assert digest(again) == whole
    assert digest(rehearse(shards.logs, VARIANTS[variant], engine=plainly)) == whole
    for shard in shards.world.shards:
        assert counted(shard.state) == recounted(shard.records)
    records = records_of(shards)
    for name in records:
        lead_to(records, name)
    assert not any(shard.state.totals.dead for shard in shards.world.shards)


@pytest.mark.parametrize("variant", ["live", "evaluation"])
@pytest.mark.parametrize("seed", slow_but(range(6), (0, 5)))
def test_any_merges_at_two_shards_give_the_same_bytes(seed: int, variant: str) -> None:
    shards = story(seed, variant)
    assert any(is_merged(record.flags) for record in records_of(shards).values())
    check(shards, variant, batch=1 + seed * 7, items=1 + seed)


def test_what_was_spent_is_spent_once() -> None:
    shards = Shards(2, VARIANTS["live"])
    entries = [told("purchase", f"c-{n % 5}", START + n * DAY, {"amount": 2.0**n}, id=str(n)) for n in range(20)]
    entries += [told("identity_merged", f"c-{n}", START + 3 * n * DAY + 5, {"into": f"c-{n + 1}"}) for n in range(4)]
    entries.sort(key=lambda entry: entry[0])
    told_in_disorder(shards, entries, Random(3), DAYS)
    records = records_of(shards)
    assert [lead_to(records, f"c-{n}") for n in range(5)] == ["c-4"] * 5
    assert records["c-4"].numbers[SPENT] == 2.0**20 - 1
    assert all(records[f"c-{n}"].numbers[SPENT] == 0.0 for n in range(4))


def test_of_ids_that_are_merged_in_a_circle_the_smallest_stays() -> None:
    for seed in range(8):
        shards = Shards(2, VARIANTS["live"])
        for name in ("a", "b", "c"):
            shards.tell(home(name), told("purchase", name, START, {"amount": 8}, id=name))
        for old, new in (("a", "b"), ("b", "c"), ("c", "a")):
            shards.tell(home(old), told("identity_merged", old, START + DAY, {"into": new}, id=f"{old}-{new}"))
        for name in ("a", "b", "c"):
            shards.tell(home(name), told("purchase", name, START + 2 * DAY, {"amount": 1}, id=f"{name} later"))
        told_in_disorder(shards, [], Random(seed), 10)
        records = records_of(shards)
        assert [lead_to(records, name) for name in ("a", "b", "c")] == ["a"] * 3
        assert records["a"].numbers[SPENT] == 27.0


def home(name: str) -> int:
    return partition_of(name, 2)


def test_a_record_that_is_missing_stops_the_shard() -> None:
    shards = Shards(2, VARIANTS["live"])
    for partition in range(2):
        shards.tell(partition, (START, None, clock(START)))
    names = [f"n-{n}" for n in range(40)]
    olds = [name for name in names if home(name) == 0][:3]
    new = next(name for name in names if home(name) == 1)
    for name in olds:
        shards.tell(0, told("identity_merged", name, START, {"into": new}, id=name))
    shards.work()
    shards.deliver((0, 1))
    shards.sent[0, 1].popleft()
    shards.deliver((0, 1))
    with pytest.raises(RecordsMissing, match="record 3 of shard 0 follows 1"):
        shards.work()


def forged(to: str, time: int, **data: object) -> tuple[int, bytes | None, bytes]:
    """What anybody may write who may write the topic."""
    known = {"sender": 0, "line": 5, "count": 1, "path": ["x"], "record": b64encode(Record(b"x").pack()).decode()}
    return told("identity_moved", to, time, known | data, id=f"forged-{time}")


def letters(shards: Shards) -> list[str]:
    found = [output for one in shards.world.shards for output in one.outputs if output.role == "deadletters"]
    return [msgspec.json.decode(output.value)["reason"] for output in found]


@pytest.mark.parametrize("apply", ENGINES)
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"record": b64encode(b"junk").decode()}, "data.record is no customer's record"),
        ({"record": ""}, "data.record is no customer's record"),
        ({"record": "!!!"}, "data.record is no customer's record"),
        ({"record": b64encode(b"\xfa" + Record(b"x").pack()[1:]).decode()}, "data.record is no customer's record"),
        ({"path": ["y"]}, "data.record is no customer's record"),
        ({"sender": 999_999}, "data.sender is 999999, and there are 2 shards"),
    ],
)
def test_what_no_shard_can_have_sent_is_a_dead_letter(apply: Engine, data: dict[str, object], reason: str) -> None:
    shards = Shards(2, VARIANTS["live"], apply)
    for partition in range(2):
        shards.tell(partition, (START, None, clock(START)))
    shards.tell(home("b"), forged("b", START, **data))
    shards.work()
    (letter,) = letters(shards)
    assert letter.startswith(reason)
    assert "b" not in records_of(shards)
    assert not any(shard.state.received for shard in shards.world.shards)


@pytest.mark.parametrize("apply", ENGINES)
@pytest.mark.parametrize("count", [1, 2, 77, 10**12])
@pytest.mark.parametrize("late", [False, True])
def test_a_forged_count_neither_stops_a_shard_nor_swallows_what_moves(apply: Engine, count: int, late: bool) -> None:
    shards = Shards(2, VARIANTS["live"], apply)
    olds = [f"n-{n}" for n in range(40) if home(f"n-{n}") == 0][:3]
    new = next(f"n-{n}" for n in range(40) if home(f"n-{n}") == 1)
    for name in olds:
        shards.tell(0, told("purchase", name, START, {"amount": 8}, id=name))
    if late:
        shards.tell(0, told("identity_merged", olds[0], START + 1, {"into": new}, id="first"))
        shards.come_to_rest()
    for line in range(3):
        shards.tell(1, forged(new, START + 2 + line, count=count + line, line=line))
    for name in olds[late:]:
        shards.tell(0, told("identity_merged", name, START + 9, {"into": new}, id=f"later {name}"))
    shards.come_to_rest()
    shards.deliver_again((0, 1), 3)
    shards.come_to_rest()
    assert records_of(shards)[new].numbers[SPENT] == 24.0
    assert shards.world.shards[1].state.totals.duplicate == 3
    assert letters(shards) == []


def test_a_part_of_a_forged_record_that_can_not_be_read_stops_no_shard() -> None:
    record = Record(b"x")
    record.tail.points = b"\xff"
    shards = Shards(2, VARIANTS["live"])
    for partition in range(2):
        shards.tell(partition, (START, None, clock(START)))
    shards.tell(home("b"), forged("b", START, record=b64encode(record.pack()).decode()))
    shards.work()
    assert len(letters(shards)) == 1
    assert "b" not in records_of(shards)


def test_decisions_say_what_happened() -> None:
    shards = Shards(2, VARIANTS["live"])
    shards.tell(home("x"), told("purchase", "x", START, {"amount": 8}))
    shards.tell(home("x"), told("identity_merged", "x", START + 1, {"into": "y"}))
    told_in_disorder(shards, [], Random(1), 3)
    said = [msgspec.json.decode(o.value) for s in shards.world.shards for o in s.outputs if o.role == "decisions"]
    words = [(one["what"], one["customer"], one["reason"]) for one in said if one["what"] in ("merged", "taken_over")]
    assert words == [("merged", "x", "into y"), ("taken_over", "y", "what was known of x")] or words[::-1] == [
        ("merged", "x", "into y"),
        ("taken_over", "y", "what was known of x"),
    ]


TEXTS = {"points": KEPT, "levels": LEVELS, "loyalty": LOYAL, "learned": LEARNED, "budgets": LIMITED, "example": EXAMPLE}


def under_policy(seed: int, text: str, days: int = 50, customers: int = 16) -> Shards:
    """Busy customers under a policy, every second of whom turns out to be another one."""
    random, variant = Random(seed), VARIANTS["live"]
    logs = [with_policy(log, text) for log in busy(seed, 2, customers, days, START)]
    entries = [(one.timestamp, one.key, one.value) for log in logs for one in log if one.key is not None]
    for number in range(customers // 2):
        old, new = random.sample(range(customers), 2)
        time = START + random.randrange(5 * DAY, days * DAY)
        entries.append(told("identity_merged", f"c-{old}", time, {"into": f"c-{new}"}, id=f"merge-{number}"))
    entries.sort(key=lambda entry: entry[0])
    shards = Shards(2, variant)

    def policy(shards: Shards) -> None:
        for partition, log in enumerate(logs):
            for one in log[:2]:
                shards.tell(partition, (one.timestamp, one.key, one.value))

    told_in_disorder(shards, entries, random, days, policy)
    return shards


@pytest.mark.parametrize("name", slow_but(TEXTS, ("points", "learned")))
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_under_a_policy(seed: int, name: str) -> None:
    shards = under_policy(seed, TEXTS[name])
    assert any(is_merged(record.flags) for record in records_of(shards).values())
    check(shards, "live", batch=9 + seed, items=3)
    report = audit(lines_of(shards.world))
    assert [one for one in report.breaches if one.rule not in ABSENT] == []
    assert any("judged in part" in note for note in report.notes)


def test_points_move_whole_and_each_account_is_the_sum_of_its_entries() -> None:
    shards = under_policy(3, KEPT, days=60, customers=20)
    entries = [
        (one["customer"], one["ledger"])
        for shard in shards.world.shards
        for output in shard.outputs
        if output.role == "decisions" and (one := msgspec.json.decode(output.value))["what"] == "ledger"
    ]
    moved, accounts = Counter[str](), defaultdict[str, Counter[int]](Counter)
    for customer, entry in entries:
        for expires, points in entry.get("lots", ()):
            accounts[customer][expires] += points
        for active_at, _, points in entry.get("held", ()):
            accounts[customer][-active_at] += points
        accounts[customer][0] += entry.get("owed", 0)
        if entry["change"].startswith("moved"):
            of_lots = [points for _, points in entry.get("lots", ())]
            of_held = [points for *_, points in entry.get("held", ())]
            moved[entry["change"]] += sum(of_lots) + sum(of_held) - entry.get("owed", 0)
    assert moved["moved_here"] == -moved["moved_away"] != 0
    for name, record in records_of(shards).items():
        account = unpack_account(record.tail.points)
        kept = Counter(account.lots)
        kept.update({-one.active_at: 0 for one in account.earned})
        for one in account.earned:
            kept[-one.active_at] += one.points if one.active_at else 0
        kept[0] += account.owed
        told = {key: points for key, points in accounts[name].items() if points}
        assert told == {key: points for key, points in kept.items() if points}, name


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(VARIANTS)), st.integers(1, 40), st.integers(1, 20))
def test_any_merges_in_any_portions(seed: int, variant: str, batch: int, items: int) -> None:
    check(story(seed, variant), variant, batch, items)


def test_an_objection_of_either_id_ends_the_loyalty_loop_of_both() -> None:
    shards = Shards(2, VARIANTS["live"])

    def policy(shards: Shards) -> None:
        for partition in range(2):
            for one in with_policy([LogRecord(0, START, None, clock(START))], LOYAL):
                shards.tell(partition, (one.timestamp, one.key, one.value))

    entries = [
        told("consent_changed", "x", START, {"marketing": False, "purpose": "profiling"}, id="no"),
        told("purchase", "x", START + 1, {"amount": 5}, id="x"),
        told("review", "y", START + 2, {"rating": 5}, id="y"),
        told("review", "z", START + 2, {"rating": 5}, id="z"),
        told("review", "w", START + 3, {"rating": 5}, id="w"),
        told("identity_merged", "x", START + DAY, {"into": "y"}, id="x is y"),
        told("identity_merged", "z", START + DAY, {"into": "w"}, id="z is w"),
    ]
    told_in_disorder(shards, entries, Random(1), 3, policy)
    records = records_of(shards)
    assert records["y"].tail.loyalty == b""
    assert unpack_loop(records["w"].tail.loyalty).praised == 2


@pytest.mark.parametrize("apply", ENGINES)
def test_a_device_that_two_people_share_makes_no_customer_of_them(apply: Engine) -> None:
    shards = Shards(2, VARIANTS["live"], apply)
    for name, amount in (("alice", 500), ("bob", 1)):
        shards.tell(home(name), told("purchase", name, START, {"amount": amount}, id=name))

    def merge(old: str, new: str, time: int) -> None:
        shards.tell(home(old), told("identity_merged", old, time, {"into": new, "by": "login"}, id=f"{old}-{time}"))
        shards.come_to_rest()

    merge("cookie", "alice", START + DAY)
    merge("cookie", "bob", START + 2 * DAY)
    merge("cookie", "alice", START + 3 * DAY)
    shards.tell(home("cookie"), told("purchase", "cookie", START + 4 * DAY, {"amount": 30}, id="third"))
    shards.come_to_rest()
    records = records_of(shards)
    assert lead_to(records, "cookie") == "alice"
    assert (records["alice"].numbers[SPENT], records["bob"].numbers[SPENT]) == (530.0, 1.0)
    said = [msgspec.json.decode(o.value) for s in shards.world.shards for o in s.outputs if o.role == "decisions"]
    refused = [(one["customer"], one["reason"]) for one in said if one["what"] == "merge_refused"]
    assert refused == [("alice", "cookie is theirs, and was told to be bob; tell it at alice if all of them are one")]
    report = audit(lines_of(shards.world))
    assert report.breaches == []
    merge("alice", "bob", START + 5 * DAY)
    records = records_of(shards)
    assert lead_to(records, "cookie") == "bob"
    assert records["bob"].numbers[SPENT] == 531.0
