"""The draw: who is in control, the chances, and what falls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.contract import Contract, pack_contract
from models.customer.tail import Tail
from models.decisions.draw import ONE, chances, drawn, in_control, score, share_for
from models.decisions.person import Person
from models.decisions.policy.contact_types import ChannelRules
from models.decisions.policy.types import Action, Control
from models.numerics.shares import share_of, within

SCORES = st.lists(st.floats(-100, 100), max_size=7)
SHARES = st.floats(0, 1)


@given(SCORES, st.floats(0, 0.1), SHARES)
def test_chances_sum_to_one_and_none_is_below_its_floor(scores: list[float], floor: float, hold_out: float) -> None:
    found = chances(scores, floor, hold_out)
    assert len(found) == len(scores) + 1
    assert sum(found) == ONE
    assert found[0] >= int(hold_out * ONE)
    room = (ONE - found[0]) // max(len(scores), 1)
    assert all(chance >= min(int(floor * ONE), room) for chance in found[1:])


@given(SCORES)
def test_without_floors_the_best_is_certain(scores: list[float]) -> None:
    best = max([0.0, *scores])
    expected = [0] * (len(scores) + 1)
    expected[[0.0, *scores].index(best)] = ONE
    assert chances(scores, 0.0, 0.0) == expected


def test_of_equals_leaving_alone_is_better_then_the_earlier() -> None:
    assert chances([0.0, 0.0], 0.0, 0.0) == [ONE, 0, 0]
    assert chances([1.0, 1.0], 0.0, 0.0) == [0, ONE, 0]


def test_the_hold_out_is_a_part_of_the_chance_of_leaving_alone() -> None:
    assert chances([1.0, 0.5], 0.01, 0.25) == [ONE // 4, ONE - ONE // 4 - int(0.01 * ONE), int(0.01 * ONE)]
    assert chances([-1.0], 0.01, 0.25) == [ONE - int(0.01 * ONE), int(0.01 * ONE)]
    assert chances([1.0], 0.1, 1.0) == [ONE, 0]
    assert chances([], 0.01, 0.05) == [ONE]


@given(SCORES, st.binary(min_size=1, max_size=32))
def test_what_has_no_chance_never_falls(scores: list[float], decision: bytes) -> None:
    found = chances(scores, 0.0, 0.0)
    assert found[drawn(found, decision)] == ONE


def test_what_falls_follows_the_chances() -> None:
    found = [ONE // 2, ONE // 4, ONE - ONE // 2 - ONE // 4]
    fallen = [drawn(found, b"decision %d" % n) for n in range(4_000)]
    assert [fallen.count(place) / 4_000 for place in range(3)] == pytest.approx([0.5, 0.25, 0.25], abs=0.03)
    assert all(drawn(found, b"decision %d" % n) == one for n, one in enumerate(fallen[:100]))


def test_the_draw_is_the_first_bits_of_the_ids_hash() -> None:
    # printf 'a decision' | b2sum | cut -c-8
    bits = 0x806F3DD9
    assert drawn([bits, 1, ONE - bits - 1], b"a decision") == 1


def test_chances_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="less than one"):
        drawn([0, 0], b"decision")


@given(st.binary(min_size=1, max_size=40), SHARES, SHARES)
def test_who_is_in_a_share_is_in_every_greater_one(customer: bytes, one: float, other: float) -> None:
    small, great = sorted((one, other))
    assert within(great, "2026", customer) or not within(small, "2026", customer)
    assert not within(0.0, "2026", customer)
    assert within(1.0, "2026", customer)


def test_the_control_group_is_of_its_share_and_another_salt_draws_another() -> None:
    people = [Person(b"customer-%d" % n, Tail()) for n in range(4_000)]
    first, second = Control(share=0.1, salt="1"), Control(share=0.1, salt="2")
    of_first = {person.customer for person in people if in_control(first, person, 0)}
    of_second = {person.customer for person in people if in_control(second, person, 0)}
    assert 340 < len(of_first) < 460
    assert len(of_first & of_second) < 80
    assert in_control(first, people[0], 0) == (share_of("1", people[0].customer) < 2**64 / 10)


def test_who_has_a_plan_that_runs_a_programme_or_a_tier_is_exempt_from_control_where_the_policy_says_so() -> None:
    def held(person: Person, **exempt: tuple[str, ...]) -> bool:
        control = Control(share=1.0, **exempt)
        assert share_for(control, person, 100_000) == (1.0 if in_control(control, person, 100_000) else 0.0)
        assert in_control(control, person, 100_000, inherited=True) == in_control(control, person, 100_000)
        return in_control(control, person, 100_000)

    nobody = Person(b"c", Tail())
    assert held(nobody, exempt_plans=("plus",), exempt_programmes=("gold",), exempt_tiers=("top",))
    member = Person(b"c", Tail(programme="gold"), tier="top")
    assert not held(member, exempt_programmes=("gold",))
    assert not held(member, exempt_tiers=("high", "top"))
    assert held(member, exempt_programmes=("silver",), exempt_tiers=("high",))
    for state, renews_at, runs in (
        ("active", 0, 1),
        ("paused", 0, 1),
        ("ends", 101_000, 1),
        ("ends", 99_000, 0),
        ("ended", 0, 0),
    ):
        contract = pack_contract(Contract(state=state, renews_at=renews_at, plan="plus"))
        paying = Person(b"c", Tail(contract=contract))
        assert held(paying, exempt_plans=("plus",)) == (not runs)
        assert held(paying, exempt_plans=("other",))


def test_exempt_classes_are_never_in_control() -> None:
    control = Control(share=1.0, exempt=("business",))
    assert in_control(control, Person(b"c", Tail()), 0)
    assert not in_control(control, Person(b"c", Tail(customer_class="business")), 0)
    assert not in_control(Control(share=1.0, exempt=("consumer",)), Person(b"c", Tail()), 0)


def test_a_score_is_money_after_its_cost() -> None:
    action = Action(kind="offer", moments=("risk",), content="offer", effect=2.0, discount=0.5, cost=0.25)
    assert score(action, ChannelRules(cost=1.0)) == 0.25


def test_a_household_is_drawn_as_one() -> None:
    control = Control(share=0.5)
    for account in map(str, range(50)):
        members = [Person(f"m{n}".encode(), Tail(account=account)) for n in range(4)]
        assert len({in_control(control, member, 0) for member in members}) == 1
    alone = {in_control(control, Person(f"m{n}".encode(), Tail()), 0) for n in range(50)}
    assert alone == {True, False}
