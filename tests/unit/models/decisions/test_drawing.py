"""The draw of the learned choice: what is an arm, what is at stake, what is known, and what is promised whatever was
learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec import structs

from models.customer.layout import NUMBERS, TIMES, UNLEARNED
from models.decisions.ask import Common, Held
from models.decisions.choosing.arms import arms_of
from models.decisions.choosing.described import DESCRIBED, SIZE, Counted, described
from models.decisions.choosing.features import frozen
from models.decisions.choosing.numbers import Arm, Numbers
from models.decisions.draw import ONE
from models.decisions.drawing import Draw, draw, want, worth_of
from models.decisions.gates import Judged
from models.decisions.given import Asks, Given, Known
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.purse import WHOLE_UNIT, Purse
from models.decisions.standing import Standing
from models.settings import DAY, WEEK
from tests.support.one_customer import NOW, OPEN
from tests.support.policies import LEARNED

POLICY = PolicyInForce.of(1, LEARNED)
FOUND = [Judged("something_useful", "email", ()), Judged("win_back", "letter", ())]
ID = "00112233445566778899aabbccddeeff"


def numbers(effect: float, matured: int = 0, stopped: bool = False, settled: bool = False) -> Numbers:
    """What is known of all arms: one effect for everybody, nearly for sure."""
    certain = tuple(tuple(1e-8 if row == column else 0.0 for column in range(SIZE)) for row in range(SIZE))
    arm = Arm((effect, *[0.0] * (SIZE - 1)), certain, matured, matured, stopped, float(matured))
    known = {one.name: arm for one in arms_of(POLICY).values()}
    named = {action: one.name for action, one in arms_of(POLICY).items()}
    return Numbers((0.5, *[0.0] * (SIZE - 1)), 0.6, 10.0, known, 0.0, settled, 4 * matured, named)


def asked(known: Numbers | None, policy: PolicyInForce = POLICY, flags: int = 0, value: float | None = 40.0) -> Given:
    person = Person(b"anna", OPEN, flags, NOW - WEEK, 4, 200.0, 0.6, NOW - 100 * DAY, value=value)
    counted = Counted(np.ones(NUMBERS, dtype=np.float32), np.full(TIMES, NOW - WEEK, dtype=np.float64), 1)
    return Given(policy, person, Standing(), NOW, WEEK, 0, 0.6, Asks.LEVEL, known=Known(counted, 4 * WEEK, known))


def drawn(known: Numbers | None, **told: Any) -> Draw:
    return draw(asked(known, **told), FOUND, ID, NOW + 10 * DAY, False)


def with_choice(line: str) -> PolicyInForce:
    return PolicyInForce.of(1, LEARNED.replace("learned = true", f"learned = true\n{line}"))


def test_an_arm_is_what_a_customer_gets() -> None:
    names = {action: arm.name for action, arm in arms_of(POLICY).items()}
    assert set(names) == {"something_useful", "reward", "offer", "win_back"}
    for same in ("effect = 0.30", 'once_per = "14d"'):
        other = arms_of(PolicyInForce.of(2, LEARNED.replace(same, same.replace("0.30", "0.31").replace("14d", "15d"))))
        assert {action: arm.name for action, arm in other.items()} == names
    other = arms_of(PolicyInForce.of(2, LEARNED.replace("useful/picks", "useful/others")))
    assert {action for action, arm in other.items() if arm.name != names[action]} == {"something_useful"}


def test_what_is_at_stake_is_the_margin_of_what_they_bring_in_the_window_if_they_stay() -> None:
    given = asked(None)
    assert given.known is not None
    # 40 within four weeks at a risk of .6 are 100 if they stay; 10 of 28 days; 40 percent are left.
    assert worth_of(given, given.known) == pytest.approx(100 * 10 / 28 * 0.4, abs=0.01)
    poor = asked(None, value=0.0)
    assert worth_of(poor, given.known) == pytest.approx(6.6)  # what the dearest action and channel cost
    unknown = asked(None, value=None)
    # Nothing is known of values: of 200 within a hundred days ten days' worth, and no whole purchase.
    assert worth_of(unknown, given.known) == pytest.approx(200 / 10 * 0.4)


def test_before_anything_is_known_the_policys_figures_stand_in_its_place() -> None:
    found = drawn(None)
    useful, back = found.scored["something_useful"], found.scored["win_back"]
    assert useful.score == pytest.approx(0.30 - 0.01)
    assert back.score == pytest.approx(0.90 - 1.20)
    assert {one.state for one in found.scored.values()} == {"unproven"}
    assert sum(found.chances) == ONE
    assert sum(found.chances[1:]) <= 0.33 * ONE  # a version has no price of it yet


def test_until_the_price_of_what_is_not_proven_has_settled_every_draw_keeps_its_share() -> None:
    early, late = drawn(numbers(0.4)), drawn(numbers(0.4, settled=True))
    assert sum(early.chances[1:]) <= 0.33 * ONE < 0.7 * ONE < sum(late.chances[1:])
    assert early.by is not None
    assert late.by is not None
    assert early.by[0].tried == late.by[0].tried > 0.7 * ONE


def test_a_changed_text_is_drawn_by_what_the_old_one_showed_until_a_version_has_it() -> None:
    changed = PolicyInForce.of(2, LEARNED.replace("useful/picks", "useful/others"))
    found = drawn(numbers(0.4, matured=500), policy=changed).scored["something_useful"]
    old = drawn(numbers(0.4, matured=500)).scored["something_useful"]
    assert (found.score, found.state) == (old.score, "unproven")
    assert found.sd > 10 * old.sd


def test_what_is_proven_is_done_and_the_promise_is_kept() -> None:
    found = drawn(numbers(0.4, matured=500))
    assert {one.state for one in found.scored.values()} == {"proven"}
    assert found.chances[0] == int(0.05 * ONE)
    assert min(found.chances[1:]) >= int(0.01 * ONE)


@pytest.mark.parametrize(("effect", "stopped"), [(-0.4, False), (0.4, True)])
def test_what_harms_or_is_stopped_is_down_to_its_floor(effect: float, stopped: bool) -> None:
    found = drawn(numbers(effect, matured=500, stopped=stopped))
    assert list(found.chances[1:]) == [int(0.01 * ONE)] * 2
    told = "leaving alone fell" if stopped else "no action is expected to bring more than it costs"
    assert told in found.reason


def test_outside_the_launch_what_is_not_proven_has_no_chance() -> None:
    found = drawn(None, policy=with_choice("launch = 0.0"))
    assert list(found.chances) == [ONE, 0, 0]
    assert {one.state for one in found.scored.values()} == {"not_launched"}
    assert found.place == 0
    # Who has enough to go by needs no cohort any more.
    assert min(drawn(numbers(0.4, matured=1_000), policy=with_choice("launch = 0.0")).chances) > 0


def test_the_window_has_what_its_outcome_is_told_by() -> None:
    found = drawn(None)
    assert found.by is not None
    by, window = found.by
    assert (window.id, window.opened, window.ends) == (ID, NOW // 1000 * 1000, NOW + 10 * DAY)
    assert window.worth == round(by.worth * 100)
    assert window.place == found.place
    assert [chance for _, chance in window.arms] == list(found.chances[1:])
    assert len(window.features) == 2 * SIZE
    assert (window.margin, window.net) == (0.4, 0.0)
    hidden = drawn(None, flags=UNLEARNED).by
    assert hidden is not None
    assert (hidden[1].features, hidden[1].worth) == (b"", 0)


TAKES = 'budgets = ["letters", "gifts"]\nliability = 8\n'
PRICED = PolicyInForce.of(1, LEARNED.replace("[action.something_useful]\n" + TAKES, "[action.something_useful]\n"))
PRICES = {"letters": 5.0, "gifts": 0.002, "other": 9.0}
SHORT = FOUND[1]._replace(held=(Held("budget", NOW + DAY),))


def test_what_an_action_takes_of_budgets_costs_it_their_price() -> None:
    given = asked(numbers(0.4, matured=500), policy=PRICED)
    priced = asked(numbers(0.4, matured=500)._replace(prices=PRICES), policy=PRICED)
    free, dear = (draw(one, FOUND, ID, NOW + 10 * DAY, False) for one in (given, priced))
    assert free.by is not None
    assert dear.by is not None
    assert (free.by[0].prices, dear.by[0].prices) == ({}, {"letters": 5.0, "gifts": 0.002})
    assert dear.scored["win_back"].price == pytest.approx(5.0 + 800 * 0.002)
    assert dear.scored["win_back"].score == pytest.approx(free.scored["win_back"].score - 6.6)
    assert dear.scored["something_useful"] == free.scored["something_useful"]
    free, dear = (draw(one, FOUND[1:], ID, NOW + 10 * DAY, False) for one in (given, priced))
    assert free.chances[1] > 0.9 * ONE
    assert dear.chances[1] == int(0.01 * ONE)


def counting(**told: Any) -> Given:
    return structs.replace(asked(numbers(0.4, matured=500), policy=PRICED), shared=Common(Purse()), **told)


def wanted(given: Given) -> dict[str, int]:
    assert given.shared is not None
    return given.shared.purse.wanted


def test_a_draw_wants_of_budgets_what_it_takes_by_its_chances_whether_there_is_room_or_not() -> None:
    given = counting()
    found = draw(given, FOUND, ID, NOW + 10 * DAY, False)
    letters = found.chances[2] / ONE * WHOLE_UNIT
    assert wanted(given) == {"letters": round(letters), "gifts": round(800 * letters)}
    dry = counting()
    narrow = draw(dry, FOUND[:1], ID, NOW + 10 * DAY, False, [SHORT])
    assert wanted(dry) == wanted(given)
    assert narrow == drawn_among_one()
    waits = counting()
    want(waits, [SHORT], ID, False)
    assert wanted(waits)["letters"] > wanted(given)["letters"]


def drawn_among_one() -> Draw:
    return draw(asked(numbers(0.4, matured=500), policy=PRICED), FOUND[:1], ID, NOW + 10 * DAY, False)


def test_of_the_control_group_and_of_history_nothing_is_wanted() -> None:
    for control, history in ((True, False), (False, True)):
        given = counting(history=history)
        draw(given, FOUND, ID, NOW + 10 * DAY, control)
        draw(given, FOUND[:1], ID, NOW + 10 * DAY, control, [SHORT])
        want(given, [SHORT], ID, control)
        assert wanted(given) == {}


def test_without_the_key_the_figures_draw() -> None:
    plain = PolicyInForce.of(1, LEARNED.split("learned = true")[0] + "\n[value]\n")
    found = drawn(numbers(-0.4, matured=500), policy=plain)
    assert found.by is None
    assert found.chances[1] > 0.9 * ONE


def test_a_tier_of_a_policy_that_had_more_of_them_is_the_lowest() -> None:
    given = asked(None)
    assert given.known is not None
    counted = structs.replace(given.known.counted, tier=8)
    assert described(given.person, given.standing, counted, 2, NOW)[DESCRIBED.index("tier")] == 0.0


numbers_of_all_sorts = st.floats(width=32)


@examples(
    st.lists(numbers_of_all_sorts, min_size=NUMBERS, max_size=NUMBERS),
    st.lists(st.floats(0, 2e12), min_size=TIMES, max_size=TIMES),
    st.integers(0, 5),
)
def test_whatever_a_record_has_its_features_are_bounded(record: list[float], times: list[float], tier: int) -> None:
    person = Person(b"anna", OPEN, 0, 0, 3, 1.0, 0.5, 1)
    found = described(person, Standing(), Counted(np.array(record, dtype=np.float32), times, tier), 5, NOW)
    assert len(frozen(found, DESCRIBED)) == SIZE
