"""Going live: actions in shadow, and those who stood above a level before."""

from __future__ import annotations

import pytest

from models.decisions.given import Said
from models.decisions.moments import end_episode
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing import Standing
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, HOUR
from tests.support.one_customer import NOW, Customer

POLICY = """
format = 1
zone = "UTC"
[risk]
exit = 0.4
levels = [{ name = "slipping", at = 0.5 }, { name = "leaving", at = 0.8 }]
[channel.email]
[moment.danger]
sort = "risk"
[moment.unpaid]
sort = "touchpoint"
touchpoints = ["payment_failed"]
[action.offer]
kind = "offer"
moments = ["danger"]
content = "offer"
effect = 4.0
[action.other]
kind = "useful"
moments = ["danger"]
content = "other"
effect = 9.0
mode = "shadow"
[action.remind]
purpose = "contract"
kind = "service"
moments = ["unpaid"]
content = "remind"
[action.call_them]
purpose = "contract"
kind = "service"
moments = ["unpaid"]
content = "call"
priority = 9
mode = "shadow"
[choice]
floor = 0.0
hold_out = 0.0
[control]
share = 0.0
"""
LIVE = PolicyInForce.of(1, POLICY)
ONLY_SHADOW = PolicyInForce.of(2, POLICY.replace("effect = 4.0", 'effect = 4.0\nmode = "off"'))
RAMP = PolicyInForce.of(3, POLICY.replace('zone = "UTC"', 'zone = "UTC"\nramp = 10'))


def of(said: list[Said], what: str) -> list[tuple[str, str, str]]:
    return [(one.moment, one.level, one.action) for one in said if one.what == what]


def test_a_shadow_is_drawn_beside_what_is_live_and_changes_nothing_of_it() -> None:
    without = PolicyInForce.of(1, POLICY.replace('mode = "shadow"', 'mode = "off"'))
    anna, bert = Customer(LIVE), Customer(without)
    said, other = anna.estimate(0.6), bert.estimate(0.6)
    assert of(said, "shadow") == [("danger", "slipping", "other")]
    assert of(said, "decided") == of(other, "decided") == [("danger", "slipping", "offer")]
    [shadow] = [one for one in said if one.what == "shadow"]
    assert shadow.sending is None
    assert {one.action: one.chance for one in shadow.candidates} == {"leave_alone": 0, "offer": 0, "other": 2**32}
    anna.standing.read = bert.standing.read = None
    assert anna.standing == bert.standing


def test_a_level_at_which_all_is_in_shadow_waits_and_is_recorded_once() -> None:
    anna = Customer(ONLY_SHADOW)
    assert of(anna.estimate(0.6), "shadow") == [("danger", "slipping", "other")]
    anna.wait(NOW + 30 * DAY)
    anna.estimate(0.85)
    anna.wait(NOW + 60 * DAY)
    [_, shadow] = [one for _, one in anna.said if one.what == "shadow"]
    assert (shadow.level, shadow.action) == ("leaving", "other")
    assert {one.gate for _, one in anna.said if one.what == "waits"} == {"shadow"}
    assert not anna.triggers()
    assert anna.standing.waiting
    end_episode(anna.standing, ONLY_SHADOW, b"c", anna.now)
    assert anna.standing.shadowed == 0.0
    assert of(anna.estimate(0.6), "shadow")


def test_what_waited_in_shadow_asks_when_an_action_goes_live() -> None:
    anna = Customer(ONLY_SHADOW)
    anna.estimate(0.6)
    anna.policy = PolicyInForce.of(3, POLICY.replace('mode = "shadow"', ""))
    anna.wait(NOW + 8 * DAY)
    assert [(moment, action) for _, moment, action in anna.triggers()] == [("danger", "other")]


def test_and_in_turn_where_the_policy_says_so() -> None:
    anna = Customer(ONLY_SHADOW)
    anna.estimate(0.6)
    anna.policy = PolicyInForce.of(3, RAMP.text.replace('mode = "shadow"', ""))
    anna.wait(NOW + 30 * DAY)
    [carried] = [one for _, one in anna.said if one.gate == "carried_over"]
    [(day, _, action)] = anna.triggers()
    assert action == "other"
    assert day == pytest.approx((carried.until - NOW) / DAY, abs=0.001)


def test_what_a_touchpoint_asks_goes_on_beside_a_shadow() -> None:
    anna = Customer(LIVE)
    said = anna.touch("payment_failed")
    assert of(said, "shadow") == [("unpaid", "", "call_them")]
    assert of(said, "decided") == [("unpaid", "", "remind")]
    bert = Customer(PolicyInForce.of(4, POLICY.replace("[action.remind]", '[action.remind]\nmode = "shadow"')))
    said = bert.touch("payment_failed")
    assert of(said, "shadow") == [("unpaid", "", "call_them")]
    assert [(one.action, one.gate) for one in said if one.what == "decided"] == [("leave_alone", "shadow")]


# -- carried over


def test_who_stood_above_a_level_before_asks_in_turn() -> None:
    days = []
    for number in range(40):
        anna = Customer(RAMP, name=b"c%d" % number)
        said = anna.estimate(0.6, stood=0.7)
        [waits] = [one for one in said if one.what == "waits"]
        assert waits.gate == "carried_over"
        anna.touch("consent_changed", NOW + HOUR)  # which wakes what waits, but no turn
        anna.wait(NOW + 20 * DAY)
        [(day, _, action)] = anna.triggers()
        assert action == "offer"
        assert day == pytest.approx((waits.until - NOW) / DAY, abs=0.001)
        days.append(day)
    assert 0 < min(days) < 2
    assert 8 < max(days) <= 10.001


@pytest.mark.parametrize(("policy", "stood"), [(LIVE, 0.7), (RAMP, 0.45), (RAMP, 0.0)])
def test_others_ask_at_once(policy: PolicyInForce, stood: float) -> None:
    anna = Customer(policy)
    anna.estimate(0.6, stood=stood)
    assert [day for day, _, _ in anna.triggers()] == [0]


def test_a_higher_level_that_is_truly_reached_asks_at_once() -> None:
    anna = Customer(RAMP)
    anna.estimate(0.6, stood=0.7)
    anna.wait(NOW + HOUR)
    anna.estimate(0.85, stood=0.6)
    assert [round(day, 2) for day, _, _ in anna.triggers()] == [round(HOUR / DAY, 2)]
    assert not anna.standing.carried


def test_what_was_carried_over_is_void_when_the_risk_falls() -> None:
    anna = Customer(RAMP)
    anna.estimate(0.6, stood=0.7)
    assert [one.what for one in end_episode(anna.standing, RAMP, b"c", anna.now)] == ["void"]
    assert not anna.standing.carried


def test_it_comes_back_as_it_was_packed() -> None:
    for standing in (Standing(carried=True), Standing(shadowed=0.65), Standing(carried=True, shadowed=0.5)):
        assert unpack_standing(pack_standing(standing)) == standing


def test_a_turn_that_was_had_is_not_waited_for_again() -> None:
    anna = Customer(PolicyInForce.of(4, ONLY_SHADOW.text.replace('zone = "UTC"', 'zone = "UTC"\nramp = 10')))
    anna.estimate(0.6, stood=0.7)
    [until] = [one.until for _, one in anna.said if one.gate == "carried_over"]
    anna.wait(until + 20 * DAY)
    assert not anna.standing.carried
    anna.policy = PolicyInForce.of(5, RAMP.text.replace('mode = "shadow"', ""))
    anna.wait(until + 40 * DAY)
    [(day, _, action)] = anna.triggers()
    assert action == "other"
    assert day <= (until - NOW) / DAY + 28


def test_a_higher_level_with_a_live_action_asks_at_once_whatever_a_lower_one_had_in_shadow() -> None:
    text = RAMP.text.replace("effect = 4.0", 'effect = 4.0\nlevels = ["leaving"]').replace(
        "effect = 9.0", 'effect = 9.0\nlevels = ["slipping"]'
    )
    anna = Customer(PolicyInForce.of(4, text))
    anna.estimate(0.6)
    anna.wait(NOW + HOUR)
    anna.estimate(0.9)
    anna.wait(NOW + 8 * DAY)
    assert [action for _, _, action in anna.triggers()] == ["offer"]


def test_a_live_action_that_was_held_for_a_while_beside_a_shadow_has_no_turn_to_wait_for() -> None:
    anna = Customer(RAMP)
    anna.standing.rests_until = NOW + 2 * DAY
    anna.estimate(0.6)
    assert not anna.triggers()
    anna.wait(NOW + 9 * DAY)
    assert [action for _, _, action in anna.triggers()] == ["offer"]
    assert "carried_over" not in {one.gate for _, one in anna.said}


def test_the_shadow_of_a_touchpoint_is_recorded_once_however_often_it_is_looked_at() -> None:
    text = POLICY.replace('touchpoints = ["payment_failed"]', 'touchpoints = ["payment_failed"]\nwithin = "3d"') + (
        '[[freeze]]\nfrom = 2026-10-01T00:00:00\nuntil = 2026-10-10T00:00:00\npurposes = ["contract"]\nspread = "0s"\n'
    )
    anna = Customer(PolicyInForce.of(4, text))
    anna.touch("payment_failed")
    for hour in range(1, 5):
        anna.touch("consent_changed", NOW + hour * HOUR)
    assert len([one for _, one in anna.said if one.what == "shadow"]) <= 1
