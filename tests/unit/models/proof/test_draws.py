"""What a policy earned, and each action, is found from draws whose chances are known."""

from __future__ import annotations

from random import Random

from models.proof.draws import Draw, of_draws
from models.proof.programme import HARMS, Seen, Unit, by_salt, programme


def draws(count: int, seed: int = 3) -> list[Draw]:
    """Rich customers get the offer more often. It earns 3 of who gets it; the reminder costs 1."""
    random, found = Random(seed), []
    for time in range(count):
        rich = random.random() < 0.5
        chances = {"": 0.2, "offer": 0.7, "reminder": 0.1} if rich else {"": 0.5, "offer": 0.1, "reminder": 0.4}
        [action] = random.choices(list(chances), list(chances.values()))
        effect = {"": 0.0, "offer": 3.0, "reminder": -1.0}[action]
        money = (30.0 if rich else 5.0) + random.gauss(0.0, 4.0) + effect
        kept = random.random() < 0.4 + (0.1 if action == "offer" else 0.0)
        found.append(Draw(time, action, chances, kept, money, "at_risk" if rich else "slipping"))
    return found


def test_effects_are_those_of_the_actions_and_not_of_whom_they_were_given_to() -> None:
    found = of_draws(draws(20_000))
    offer, reminder = found.actions["offer"].money(0.05), found.actions["reminder"].money(0.05)
    for lift, truth in ((offer, 3.0), (reminder, -1.0)):
        assert lift.interval is not None
        assert lift.interval.low < truth < lift.interval.high
        assert abs(lift.lift - truth) < 0.8
    kept = found.actions["offer"].kept(0.05)
    assert abs(kept.lift - 0.1) < 0.04


def test_the_policy_is_worth_what_its_actions_are_as_often_as_they_are_drawn() -> None:
    found = of_draws(draws(20_000))
    truth = 3.0 * (0.7 + 0.1) / 2 - 1.0 * (0.1 + 0.4) / 2
    lift = found.policy.money(0.05)
    assert lift.interval is not None
    assert lift.interval.low < truth < lift.interval.high
    assert found.policy.given == sum(bool(draw.action) for draw in draws(20_000))
    assert set(found.groups) == {"at_risk", "slipping"}
    assert found.groups["at_risk"].draws + found.groups["slipping"].draws == 20_000


def test_of_few_draws_the_lift_is_said_without_an_interval() -> None:
    found = of_draws(draws(100))
    assert found.policy.money(0.05).interval is None


def test_where_nobody_could_be_left_alone_there_is_nothing_to_compare() -> None:
    found = of_draws([Draw(0, "offer", {"offer": 1.0}, True, 5.0, "")])
    assert (found.policy.draws, found.actions["offer"].draws) == (0, 0)


def units(count: int, share: float, drawn: float, seed: int = 5) -> list[Unit]:
    random, found = Random(seed), []
    for time in range(count):
        control = random.random() < drawn
        kept = random.random() < (0.3 if control else 0.4)
        harms = (not control and random.random() < 0.1, False, False)
        seen = Seen(kept, 400.0 if kept else -10.0, harms)
        before = Seen(random.random() < 0.5, 20.0, (False,) * len(HARMS))
        ages = (seen, seen if time < count / 2 else None)
        found.append(Unit(time, control, share, random.random() < share, before, ages))
    return found


def test_a_programme_compares_by_what_people_were_drawn_for() -> None:
    found = programme("s", units(8_000, 0.2, 0.2), 2, cap=300.0)
    kept, money = found.primary(0)
    assert found.shown
    assert kept.interval is not None
    assert kept.interval.above_zero
    assert abs(kept.lift - 0.1) < 0.04
    assert abs(money.lift - 31.0) < 12.0  # money is cut at the cap
    assert 0.2 < found.ages[0].capped < 0.3
    assert (found.ages[0].units, found.ages[1].units) == (8_000, 4_000)
    assert found.harms(0)[0].lift > 0.05
    for check in found.checks():
        assert check.interval is not None
        assert check.interval.low < 0.0 < check.interval.high


def test_a_control_group_of_another_size_than_was_set_blanks_the_table() -> None:
    assert not programme("s", units(8_000, 0.2, 0.15), 2, cap=300.0).shown


def test_salts_have_tables_of_their_own() -> None:
    some = units(10, 0.2, 0.2)
    found = by_salt([("new", one._replace(time=one.time + 100)) for one in some] + [("old", one) for one in some])
    assert list(found) == ["old", "new"]


def test_draws_are_told_apart_by_what_was_asked_for_and_by_nothing_else() -> None:
    told = [one._replace(tier="top" if one.level == "at_risk" else "", customer_class="consumer") for one in draws(500)]
    assert set(of_draws(told, by="tier").groups) == {"top", ""}
    assert set(of_draws(told, by="class").groups) == {"consumer"}
    assert of_draws(told, by="action").groups == {}


def test_a_kept_customer_cost_what_the_ends_of_the_lift_say() -> None:
    paid = [
        one._replace(ages=tuple(seen and seen._replace(cost=0.0 if one.control else 2.0) for seen in one.ages))
        for one in units(8_000, 0.2, 0.2)
    ]
    found = programme("s", paid, 2, cap=300.0)
    kept, _ = found.primary(0)
    each = found.ages[0].each_kept(kept)
    assert kept.interval is not None
    assert each is not None
    assert each == (2.0 / kept.interval.high, 2.0 / kept.interval.low)
    assert each[0] < 2.0 / 0.1 < (each[1] or 0.0)
    assert found.ages[1].each_kept(found.alike.rates(0.05)) is None
