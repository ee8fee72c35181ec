"""The synthetic month: its stream, its policies, its sender, and how the parts of a tail are counted."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks.customer_bytes import parts_of
from benchmarks.month import every_type, slices
from benchmarks.month_run import SLICE, policy
from benchmarks.workload import DAY_BEGINS, Workload
from models.customer.tail import Tail, pack_tail
from models.decisions.policy.reading import read_policy
from models.touchpoints import Touch, read
from tests.support.logs import ALL_KINDS

SMALL = Workload(customers=50, events=6_000)


def test_every_type_of_touchpoint_comes_and_can_be_applied() -> None:
    assert {kind.name for kind in every_type(1)} == ALL_KINDS
    came = Counter[str]()
    for number, records in enumerate(slices(SMALL, 2)):
        for record in records:
            assert DAY_BEGINS + number * SLICE < record.time <= DAY_BEGINS + (number + 1) * SLICE
            assert isinstance(read(record.value, record.key, record.time), Touch)
            came[json.loads(record.value)["type"]] += 1
    assert set(came) == ALL_KINDS


@pytest.mark.parametrize("customers", [10, 500, 20_000])
def test_the_second_policy_has_less_contacts_for_the_same_actions(customers: int) -> None:
    first, second = (read_policy(policy(customers, tight=tight)) for tight in (False, True))
    assert first.budget["letters"].most >= second.budget["letters"].most > 0
    limited = {name: action.budgets for name, action in first.action.items() if action.budgets}
    assert limited == {name: action.budgets for name, action in second.action.items() if action.budgets}
    assert limited["offer"] == ("letters", "gifts")
    assert limited["cart_reminder"] == ("letters",)


def test_the_parts_of_a_tail_are_what_it_is_shorter_without_them() -> None:
    assert parts_of(Tail()) == {}
    tail = Tail(country="NL", standing=b"s" * 40)
    parts = parts_of(tail)
    assert parts == {"country": 5, "standing": 44}
    assert sum(parts.values()) + 1 == len(pack_tail(tail))
