"""Plans: steps in their time, what leaves one out, what ends a plan, and the second step of what was drawn."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from models.customer.contract import Contract, pack_contract
from models.customer.tail import Tail
from models.decisions.moments import end_episode
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.reading import PolicyUnfit
from models.decisions.running import MAX_RUNNING, Running, pack_running, unpack_running
from models.decisions.standing import Standing, number_of
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.decisions.unsent import Unsent
from models.settings import DAY, HOUR, SECOND
from tests.support.one_customer import DATA, GRANTED, NOW, Customer

POLICY = """
format = 1
zone = "UTC"
[risk]
exit = 0.4
levels = [{ name = "slipping", at = 0.5 }, { name = "leaving", at = 0.8 }]
[channel.email]
[channel.call]
[moment.danger]
sort = "risk"
[moment.unpaid]
sort = "touchpoint"
touchpoints = ["payment_failed"]
[moment.hello]
sort = "touchpoint"
touchpoints = ["purchase"]
[action.remind]
purpose = "contract"
kind = "service"
content = "remind"
[action.call_them]
purpose = "contract"
kind = "service"
channels = ["call"]
content = "call"
[action.welcome]
kind = "onboarding"
content = "welcome"
[action.useful]
kind = "useful"
moments = ["danger"]
levels = ["slipping"]
content = "useful"
effect = 5.0
then = { action = "offer", at = "leaving", reached = 0.5 }
[action.offer]
kind = "offer"
content = "offer"
effect = 4.0
cost = 1.0
[plan.dunning]
moments = ["unpaid"]
holds = true
ends_with = ["payment_recovered", "subscription_cancelled"]
steps = [
  { action = "remind" },
  { action = "remind", after = "3d", within = "1d" },
  { action = "remind", after = "7d", unless = ["call"] },
  { action = "call_them", after = "14d" },
]
[plan.first_days]
moments = ["hello"]
once_per = "365d"
ends_with = ["subscription_cancelled"]
steps = [{ action = "welcome", after = "1d" }, { action = "welcome", after = "10d", unless = ["purchase"] }]
when = { field = "purchase_days", op = "<=", value = 1 }
[choice]
floor = 0.0
hold_out = 0.0
[control]
share = 0.0
"""
IN_FORCE = PolicyInForce.of(1, POLICY)


def test_steps_ask_in_their_time_counted_from_the_beginning() -> None:
    anna = Customer(IN_FORCE)
    anna.touch("payment_failed")
    anna.wait(NOW + 30 * DAY)
    expected = [(0, "dunning.1", "remind"), (3, "dunning.2", "remind"), (7, "dunning.3", "remind")]
    assert anna.triggers() == [*expected, (14, "dunning.4", "call_them")]
    assert anna.told("plan_started") == [("dunning", "unpaid")]
    assert anna.told("plan_ended") == [("dunning", "done")]
    assert not anna.standing.running


def test_a_second_cause_does_not_begin_a_plan_that_runs() -> None:
    anna = Customer(IN_FORCE)
    anna.touch("payment_failed")
    anna.touch("payment_failed", NOW + DAY)
    anna.wait(NOW + 30 * DAY)
    assert len(anna.triggers()) == 4
    anna.touch("payment_failed", NOW + 31 * DAY)
    assert len(anna.told("plan_started")) == 2


def test_a_touchpoint_leaves_a_step_out() -> None:
    anna = Customer(IN_FORCE)
    anna.touch("payment_failed")
    anna.touch("call", NOW + 5 * DAY)
    anna.wait(NOW + 30 * DAY)
    assert [day for day, _, _ in anna.triggers()] == [0, 3, 14]
    assert anna.told("step_left_out") == [("dunning.3", "")]


@pytest.mark.parametrize("ends", ["payment_recovered", "subscription_cancelled"])
def test_what_ends_a_plan_takes_back_what_is_out(ends: str) -> None:
    anna = Customer(IN_FORCE)
    anna.touch("payment_failed")
    anna.touch(ends, NOW + HOUR)
    anna.wait(NOW + 30 * DAY)
    assert len(anna.triggers()) == 1
    assert anna.told("plan_ended") == [("dunning", ends)]
    [withdrawn] = [one for _, one in anna.said if one.withdraws]
    assert withdrawn.reason == ends


def test_a_plan_begins_once_in_its_time_and_for_whom_it_is() -> None:
    anna = Customer(IN_FORCE)
    anna.touch("purchase")
    anna.wait(NOW + 20 * DAY)
    assert anna.triggers() == [(1, "first_days.1", "welcome"), (10, "first_days.2", "welcome")]
    anna.touch("purchase", NOW + 100 * DAY)
    assert len(anna.told("plan_started")) == 1
    many = Customer(IN_FORCE, purchases=2)
    assert many.touch("purchase") == []


def test_marketing_that_is_no_step_waits_while_a_plan_holds_it() -> None:
    anna = Customer(IN_FORCE)
    anna.touch("payment_failed")
    anna.wait(NOW + 8 * DAY)  # the rest after a bad experience is over
    [waits] = [one for one in anna.estimate(0.6) if one.what == "waits"]
    assert waits.gate == "held"
    anna.touch("payment_recovered", NOW + 9 * DAY)
    anna.wait(NOW + 16 * DAY)
    assert [action for _, _, action in anna.triggers()] == ["remind", "remind", "remind", "useful"]


def test_a_step_that_its_gates_hold_for_too_long_is_left_out_and_the_next_ones_come() -> None:
    text = POLICY.replace("[choice]", '[[freeze]]\nfrom = 2026-10-05T00:00:00\nuntil = 2026-10-09T00:00:00\n'
                          'purposes = ["contract"]\nspread = "0s"\n[choice]')  # fmt: skip
    anna = Customer(PolicyInForce.of(1, text))
    anna.touch("payment_failed")
    anna.wait(NOW + 30 * DAY)
    assert [(day, moment) for day, moment, _ in anna.triggers()][::2] == [(0, "dunning.1"), (14, "dunning.4")]
    held = [one for _, one in anna.said if one.moment == "dunning.2" and one.what == "decided"]
    assert [one.gate for one in held] == ["expired"]


def test_a_plan_that_the_policy_no_longer_has_ends() -> None:
    anna = Customer(IN_FORCE)
    anna.touch("payment_failed")
    begin, end = POLICY.index("[plan.dunning]"), POLICY.index("[plan.first_days]")
    anna.policy = PolicyInForce.of(2, POLICY[:begin] + POLICY[end:].replace('once_per = "365d"\n', "")
                                   .replace("[plan.first_days]", "[plan.other]\nmoments = ['unpaid']\n"
                                            "steps = [{ action = 'remind' }, { action = 'call_them' }]\n"
                                            "[plan.first_days]"))  # fmt: skip
    anna.wait(NOW + 30 * DAY)
    assert len(anna.triggers()) == 1
    assert [one.gate for _, one in anna.said if one.what == "plan_ended"] == ["no_plan"]


def test_what_ends_a_plan_ends_its_last_step_too_while_that_waits_or_is_out() -> None:
    hours = 'hours = [{ channels = ["call"], spans = [{ start = "09:00", end = "10:00" }] }]'
    text = POLICY.replace("[choice]", f"[contact]\n{hours}\n[choice]")
    anna = Customer(PolicyInForce.of(1, text))
    anna.touch("payment_failed")
    anna.wait(NOW + 14 * DAY + HOUR)
    [waits] = [one for _, one in anna.said if one.what == "waits" and one.moment == "dunning.4"]
    assert waits.gate == "hours"
    assert anna.told("plan_ended") == []
    anna.touch("payment_recovered")
    anna.wait(NOW + 30 * DAY)
    assert [action for _, _, action in anna.triggers()] == ["remind"] * 3
    assert anna.told("plan_ended") == [("dunning", "payment_recovered")]


def test_a_marketing_step_is_held_and_not_raised_on_while_the_customer_is_about_to_cancel() -> None:
    anna = Customer(IN_FORCE)
    anna.touch("purchase")
    anna.tail = Tail(consents=GRANTED, contract=pack_contract(Contract(cancelling=NOW)))
    anna.wait(NOW + 2 * DAY)
    [waits] = [one for _, one in anna.said if one.what == "waits"]
    assert (waits.moment, waits.gate) == ("first_days.1", "cancelling")


def test_a_moment_of_plans_alone_keeps_its_once_per() -> None:
    text = POLICY.replace('touchpoints = ["payment_failed"]', 'touchpoints = ["payment_failed"]\nonce_per = "365d"')
    anna = Customer(PolicyInForce.of(1, text))
    anna.touch("payment_failed")
    anna.wait(NOW + 20 * DAY)
    anna.touch("payment_failed", NOW + 21 * DAY)
    assert len(anna.told("plan_started")) == 1


def test_what_was_stopped_is_not_sent_again_once_its_plan_has_ended() -> None:
    anna = Customer(IN_FORCE)
    anna.touch("payment_failed")
    number = number_of("dunning.1")
    anna.standing.outstanding = []
    anna.standing.unsent = [Unsent(1, 1, 1, number_of("remind"), number, NOW, NOW + DAY, 0.0, NOW + HOUR)]
    anna.touch("payment_recovered", NOW + HOUR // 2)
    assert [one.gate for _, one in anna.said if one.what == "not_resent"] == ["payment_recovered"]
    assert not anna.standing.unsent


# -- the second step of what was drawn


def test_the_second_step_comes_with_its_level_within_the_window() -> None:
    anna = Customer(IN_FORCE)
    anna.estimate(0.6)
    anna.wait(NOW + 5 * DAY)
    said = anna.estimate(0.85)
    assert [(one.what, one.moment, one.action) for one in said if one.sending] == [("decided", "useful.2", "offer")]
    assert [one.gate for one in said if one.what == "waits"] == ["after_other"]
    drawn = next(one for _, one in anna.said if one.action == "useful")
    [score] = [one.score for one in drawn.candidates if one.action == "useful"]
    assert score == 5.0 + 0.5 * 3.0


def test_without_its_level_there_is_no_second_step() -> None:
    anna = Customer(IN_FORCE)
    anna.estimate(0.6)
    assert [one.at for one in anna.standing.running] == [0.8]
    anna.wait(NOW + 40 * DAY)
    assert len(anna.triggers()) == 1
    anna.estimate(0.85)
    assert not anna.standing.running
    assert "useful.2" not in [moment for _, moment, _ in anna.triggers()]


def test_an_episode_that_is_over_has_no_second_step() -> None:
    anna = Customer(IN_FORCE)
    anna.estimate(0.6)
    end_episode(anna.standing, IN_FORCE, b"c", anna.now)
    assert not anna.standing.running


# -- as sentences


@for_all(st.lists(st.tuples(st.sampled_from(sorted(DATA)), st.integers(0, 6 * DAY // HOUR)), max_size=12))
def test_a_step_triggers_once_a_run_and_never_after_its_end(story: list[tuple[str, int]]) -> None:
    anna, at = Customer(IN_FORCE), NOW
    for kind, hours in story:
        at += hours * HOUR
        anna.touch(kind, at)
    anna.wait(at + 60 * DAY)
    running: dict[str, Counter[str]] = {}
    for _, one in anna.said:
        plan = one.moment.partition(".")[0]
        if one.what == "plan_started":
            running[plan] = Counter()
        elif one.what == "plan_ended" and one.reason != "done":
            del running[plan]
        elif one.sending is not None:
            running[plan][one.moment] += 1
            assert running[plan][one.moment] == 1
    assert not anna.standing.running


RUNNING = st.builds(
    Running,
    st.integers(1, 2**32 - 1),
    st.integers(1, 2**31).map(lambda second: second * SECOND),
    st.integers(1, 17),
    st.integers(0, 2**31).map(lambda second: second * SECOND),
    st.integers(0, 2**16 - 1),
    st.sampled_from((0.0, 0.5, 0.65)),
)


@for_all(st.lists(RUNNING, max_size=MAX_RUNNING))
def test_what_runs_comes_back_as_it_was_packed(running: list[Running]) -> None:
    assert unpack_running(pack_running(running)) == running
    assert unpack_standing(pack_standing(Standing(running=running))).running == running


# -- what is refused


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('moments = ["unpaid"]\nholds', 'moments = ["unpayed"]\nholds', 'plan.dunning.moments[0] is "unpayed"; did'),
        ('moments = ["unpaid"]\nholds', 'moments = ["danger"]\nholds', "what the risk moment does is drawn"),
        ('{ action = "call_them", after = "14d" }', '{ action = "phone", after = "14d" }', "dunning.steps[3]."),
        ('after = "14d"', 'after = "6d"', "give at least what the step before it has (7d)"),
        ('unless = ["call"]', 'unless = ["cal"]', 'plan.dunning.steps[2].unless[0] is "cal"; did you mean "call"?'),
        ('within = "1d"', 'within = "0s"', "dunning.steps[1].within"),
        ('at = "leaving", reached', 'at = "gone", reached', "action.useful.then.at"),
        ('at = "leaving", reached', 'at = "slipping", reached', "give a level above those at which"),
        ('{ action = "offer", at', '{ action = "remind", at', "give an action of purpose marketing"),
        ("[action.offer]", '[action.x]\nkind = "offer"\ncontent = "x"\n[action.offer]', "action.x.moments is empty"),
        ("[plan.first_days]", "[plan.hello]", "plan.hello is named as a moment or an action is"),
    ],
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(old: str, new: str, told: str) -> None:
    assert old in POLICY
    with pytest.raises(PolicyUnfit) as caught:
        PolicyInForce.of(1, POLICY.replace(old, new, 1))
    assert any(told in problem.words for problem in caught.value.problems), caught.value.problems


def test_a_step_has_a_number_of_its_own() -> None:
    assert IN_FORCE.named[number_of("dunning.2")] == "dunning.2"
    assert IN_FORCE.actions_of("dunning.2") == ("remind",)
