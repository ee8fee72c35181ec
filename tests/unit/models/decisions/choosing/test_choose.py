"""The learned choice: promises that hold whatever was learned, and one choice and many side by side to the bit."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decisions.choosing import Arm, Candidate, ChoiceRules, choose, columns
from models.decisions.choosing.caution import CLOSED, State, held, launch_share, launched, state
from models.decisions.choosing.choose import Reason, chances_of
from models.decisions.choosing.domains import Domain, in_share, keyed, place_of
from models.decisions.choosing.propensities import least_chances, with_floors
from models.decisions.choosing.rules import problems
from models.decisions.choosing.weights import ALONE, Score, best_of, score, shares
from models.decisions.draw import ONE, chances, drawn

SIZE = 3
COEFFICIENTS = st.lists(st.floats(-0.5, 0.5), min_size=SIZE, max_size=SIZE)
ROOTS = st.lists(st.floats(0.0, 0.3), min_size=SIZE, max_size=SIZE)
RULES = st.builds(
    ChoiceRules,
    temper=st.floats(0.02, 5.0),
    floor=st.floats(0.0, 0.1),
    hold_out=st.floats(0.0, 1.0),
    unproven_each=st.floats(0.0, 1.0),
    kappa=st.floats(0.0, 3.0),
    proof_contacts=st.integers(0, 300),
    open_contacts=st.none() | st.integers(1, 300),
)


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    root = draw(ROOTS)
    opened = draw(st.integers(0, 500))
    covariance = tuple(tuple(a * b + (1e-4 if i == j else 0.0) for j, b in enumerate(root)) for i, a in enumerate(root))
    matured = draw(st.integers(0, opened))
    return Arm(tuple(draw(COEFFICIENTS)), covariance, opened, matured, learned=draw(st.floats(0, matured)))


ARMS = st.lists(arms(), max_size=7)
FEATURES = st.lists(st.floats(-2.5, 2.5), min_size=SIZE - 1, max_size=SIZE - 1).map(lambda rest: [1.0, *rest])
WORTHS = st.floats(0.01, 1e4)
COSTS = st.floats(0.0, 5.0)


def plain(effect: float, sd: float = 0.01, matured: int = 1_000) -> Arm:
    return Arm((effect,), ((sd * sd,),), matured, matured, learned=float(matured))


@given(ARMS, FEATURES, WORTHS, RULES, st.booleans(), st.data())
def test_chances_sum_to_one_and_every_floor_holds(
    known: list[Arm], x: list[float], worth: float, rules: ChoiceRules, in_launch: bool, data: st.DataObject
) -> None:
    stops = data.draw(st.lists(st.booleans(), min_size=len(known), max_size=len(known)))
    candidates = [Candidate(arm, 0.5, stop) for arm, stop in zip(known, stops, strict=True)]
    chosen = choose(candidates, x, worth, rules, b"decision", launched=in_launch)
    open_ = [place for place, one in enumerate(chosen.states) if one not in CLOSED]
    alone, least = least_chances(len(open_), rules.floor, rules.hold_out)
    assert sum(chosen.chances) == ONE
    assert chosen.chances[0] >= alone
    assert all(chosen.chances[place + 1] >= least for place in open_)
    assert all(chosen.chances[place + 1] == 0 for place in range(len(known)) if place not in open_)
    assert chosen.chances[chosen.place] > 0


@given(ARMS, FEATURES, WORTHS, RULES)
def test_unproven_arms_together_have_no_more_than_the_cap_beside_their_floors(
    known: list[Arm], x: list[float], worth: float, rules: ChoiceRules
) -> None:
    chosen = choose([Candidate(arm, 0.5) for arm in known], x, worth, rules, b"decision")
    unproven = [place for place, one in enumerate(chosen.states) if one is State.UNPROVEN]
    _, least = least_chances(sum(one not in CLOSED for one in chosen.states), rules.floor, rules.hold_out)
    together = sum(chosen.chances[place + 1] for place in unproven)
    # What rounding leaves may go to one of them.
    assert together <= rules.unproven_each * ONE + least * len(unproven) + 8


@given(ARMS, st.lists(st.tuples(FEATURES, WORTHS), min_size=1, max_size=6), RULES, st.data())
def test_one_choice_and_many_side_by_side_are_the_same_to_the_bit(
    known: list[Arm], rows: list[tuple[list[float], float]], rules: ChoiceRules, data: st.DataObject
) -> None:
    flags = st.lists(st.booleans(), min_size=len(known), max_size=len(known))
    costs = data.draw(st.lists(COSTS, min_size=len(known), max_size=len(known)))
    eligible = np.array([data.draw(flags) for _ in rows], dtype=bool).reshape(len(rows), len(known))
    stopped = np.array([data.draw(flags) for _ in rows], dtype=bool).reshape(len(rows), len(known))
    in_launch = np.array([data.draw(st.booleans()) for _ in rows], dtype=bool)
    x, worths = np.array([row for row, _ in rows]), np.array([worth for _, worth in rows])
    found = columns.scores_of(known, x, worths, np.array(costs))
    price = data.draw(st.floats(0.0, 20.0))
    side_by_side = columns.chances_of(known, found, eligible, rules, in_launch, stopped, price)
    for place, (row, worth) in enumerate(rows):
        mine = [one for one in range(len(known)) if eligible[place, one]]
        chosen = choose(
            [Candidate(known[one], costs[one], bool(stopped[place, one])) for one in mine],
            row,
            worth,
            rules,
            b"d",
            launched=bool(in_launch[place]),
            unproven_price=price,
        )
        expected = [chosen.chances[0]] + [0] * len(known)
        for one, chance in zip(mine, chosen.chances[1:], strict=True):
            expected[one + 1] = chance
        assert side_by_side[place].tolist() == expected
        for one, (mean, sd) in zip(mine, chosen.scores, strict=True):
            assert (found.means[place, one + 1], found.sds[place, one + 1]) == (mean, sd)


@given(ARMS, st.lists(st.tuples(FEATURES, WORTHS), min_size=2, max_size=6), RULES)
def test_a_row_does_not_know_the_rows_beside_it(
    known: list[Arm], rows: list[tuple[list[float], float]], rules: ChoiceRules
) -> None:
    x, worths = np.array([row for row, _ in rows]), np.array([worth for _, worth in rows])
    costs, eligible = np.zeros(len(known)), np.ones((len(rows), len(known)), dtype=bool)
    whole = columns.chances_of(known, columns.scores_of(known, x, worths, costs), eligible, rules)
    for place in range(len(rows)):
        one = slice(place, place + 1)
        alone = columns.chances_of(known, columns.scores_of(known, x[one], worths[one], costs), eligible[one], rules)
        assert alone[0].tolist() == whole[place].tolist()


@given(ARMS, FEATURES, WORTHS)
def test_the_greedy_choice_is_the_one_with_the_highest_score(known: list[Arm], x: list[float], worth: float) -> None:
    found = columns.scores_of(known, np.array([x]), np.array([worth]), np.full(len(known), 0.3))
    everybody = np.ones((1, len(known)), dtype=bool)
    best = [0.0, *(score(arm, x, worth, 0.3).mean for arm in known)]
    assert columns.greedy(found, everybody)[0] == best.index(max(best))
    assert columns.greedy(found, ~everybody)[0] == 0


@given(st.lists(st.floats(-50, 50), max_size=7), st.floats(0, 0.1), st.floats(0, 1))
def test_where_the_best_is_certain_it_is_the_draw_by_the_policys_figures(
    means: list[float], floor: float, hold_out: float
) -> None:
    known = [Score(mean, 0.0) for mean in means]
    certain = [1.0 if one == best_of([ALONE, *known]) else 0.0 for one in range(len(means) + 1)]
    assert with_floors(certain, floor, hold_out) == chances(means, floor, hold_out)


def test_weights_are_those_of_maillard() -> None:
    weights = [1.0, exp(-((4.0 - 1.0) ** 2) / (2 * 0.5**2 * (3.0**2 + 2.0**2))), exp(-(4.0**2) / (2 * 0.5**2 * 2.0**2))]
    found = shares([ALONE, Score(1.0, 3.0), Score(4.0, 2.0)], 0.5)
    assert found == pytest.approx([weight / sum(weights) for weight in (weights[2], weights[1], weights[0])])


def test_a_score_is_money_after_cost_and_its_sd_that_of_the_linear_form() -> None:
    arm = Arm((0.1, -0.2), ((0.04, 0.01), (0.01, 0.09)))
    found = score(arm, [1.0, 2.0], worth=10.0, cost=1.5)
    assert found.mean == pytest.approx(10 * (0.1 - 0.4) - 1.5)
    assert found.sd == pytest.approx(10 * sqrt(0.04 + 2 * 2 * 0.01 + 4 * 0.09))


@given(ARMS, FEATURES, WORTHS, st.floats(0.001, 1_000.0))
def test_the_choice_does_not_depend_on_the_currency(
    known: list[Arm], x: list[float], worth: float, rate: float
) -> None:
    rules = ChoiceRules(proof_contacts=0)
    here = choose([Candidate(arm, 0.5) for arm in known], x, worth, rules, b"d").chances
    there = choose([Candidate(arm, 0.5 * rate) for arm in known], x, worth * rate, rules, b"d").chances
    # Last bits of a product may tip what is on the edge of a proof; else chances are equal to within rounding.
    assert sum(abs(a - b) for a, b in zip(here, there, strict=True)) <= 64 or any(
        abs(one.mean - rules.kappa * one.sd) < 1e-6 * worth or abs(one.mean) < 1e-9 * worth
        for one in (score(arm, x, worth, 0.5) for arm in known)
    )


def test_an_arm_leaves_the_cap_alone_with_contacts_of_its_own() -> None:
    rules = ChoiceRules(unproven_each=0.30)
    few, many = plain(0.5, matured=199), plain(0.5, matured=200)
    assert state(few, Score(5.0, 1.0), rules, launched=True) is State.UNPROVEN
    assert state(many, Score(5.0, 1.0), rules, launched=True) is State.PROVEN
    assert state(many, Score(0.3, 1.0), rules, launched=True) is State.UNPROVEN
    chosen = choose([Candidate(few, 0.0), Candidate(many, 0.0)], [1.0], 10.0, rules, b"d")
    assert chosen.states == (State.UNPROVEN, State.PROVEN)
    capped = choose([Candidate(few, 0.0), Candidate(few, 0.0)], [1.0], 10.0, rules, b"d")
    assert sum(capped.chances[1:]) / ONE == pytest.approx(0.30 * (1 - 0.07) + 0.02)


def test_unproven_contact_is_rationed_by_a_price_and_proven_contact_is_not() -> None:
    few, many = plain(0.5, matured=199), plain(0.4, matured=200)
    free = choose([Candidate(few, 0.0), Candidate(many, 0.0)], [1.0], 10.0, ChoiceRules(), b"d")
    dear = choose([Candidate(few, 0.0), Candidate(many, 0.0)], [1.0], 10.0, ChoiceRules(), b"d", unproven_price=6.0)
    assert free.chances[1] > 0.9 * ONE
    assert dear.chances[2] > 0.9 * ONE
    assert dear.scores == free.scores
    rules = ChoiceRules(floor=0.0, hold_out=0.0)
    assert choose([Candidate(few, 0.0)], [1.0], 10.0, rules, b"d", unproven_price=6.0).reason is Reason.RATIONED
    assert choose([Candidate(plain(-0.5, matured=0), 0.0)], [1.0], 10.0, rules, b"d").reason is Reason.NO_POSITIVE_VALUE


def test_figures_that_are_too_hopeful_prove_nothing() -> None:
    hopeful = Arm((0.10,), ((0.05**2,),))
    assert choose([Candidate(hopeful, 0.0)], [1.0], 60.0, ChoiceRules(), b"d").states == (State.UNPROVEN,)


def test_outside_the_launch_share_an_unproven_arm_has_no_chance_and_a_proven_one_its_own() -> None:
    new, old = plain(0.5, matured=0), plain(0.4)
    chosen = choose([Candidate(new, 0.0), Candidate(old, 0.0)], [1.0], 10.0, ChoiceRules(), b"d", launched=False)
    assert chosen.states == (State.NOT_LAUNCHED, State.PROVEN)
    assert chosen.chances[1] == 0
    assert chosen.chances[2] > ONE * 0.9
    only = choose([Candidate(new, 0.0)], [1.0], 10.0, ChoiceRules(), b"d", launched=False)
    assert (only.place, only.chances, only.reason) == (0, (ONE, 0), Reason.NONE_OPEN)


def test_an_arm_with_too_many_open_contacts_is_closed_until_they_mature() -> None:
    rules = ChoiceRules(open_contacts=50)
    assert state(Arm((0.1,), ((0.01,),), 60, 10), Score(1.0, 1.0), rules, launched=True) is State.FULL
    assert state(Arm((0.1,), ((0.01,),), 60, 11), Score(1.0, 1.0), rules, launched=True) is State.UNPROVEN


def test_the_stop_loss_leaves_an_arm_its_floor_and_ends_no_exploring() -> None:
    chosen = choose([Candidate(plain(0.5), 0.0, stopped=True)], [1.0], 10.0, ChoiceRules(), b"d")
    assert chosen.states == (State.STOPPED,)
    assert chosen.chances == (ONE - int(0.01 * ONE), int(0.01 * ONE))


def test_a_stopped_arm_that_scores_best_takes_no_contact_from_the_others() -> None:
    best, good = Candidate(plain(0.5), 0.0, stopped=True), Candidate(plain(0.3), 0.0)
    both = choose([best, good], [1.0], 10.0, ChoiceRules(), b"d")
    assert both.chances == (int(0.05 * ONE), int(0.01 * ONE), ONE - int(0.05 * ONE) - int(0.01 * ONE))
    assert both.reason in (Reason.BEST, Reason.HELD_OUT)


def test_until_the_price_has_settled_every_draw_keeps_the_share_and_says_what_it_would_have_used() -> None:
    rules, arm = ChoiceRules(floor=0.0, hold_out=0.0), Candidate(plain(0.5, matured=0), 0.0)
    settled = choose([arm], [1.0], 10.0, rules, b"d")
    before = choose([arm], [1.0], 10.0, rules, b"d", settled=False)
    assert settled.chances[1] == settled.tried == before.tried > 0.9 * ONE
    assert before.chances[1] == pytest.approx(0.30 * ONE)
    proven = choose([Candidate(plain(0.5), 0.0)], [1.0], 10.0, rules, b"d", settled=False)
    assert (proven.tried, proven.chances) == (0, choose([Candidate(plain(0.5), 0.0)], [1.0], 10.0, rules, b"d").chances)


def test_contacts_of_which_nothing_was_learned_prove_nothing() -> None:
    arm = plain(0.5)._replace(learned=199.9)
    assert state(arm, Score(5.0, 1.0), ChoiceRules(), launched=True) is State.UNPROVEN


def test_the_cap_takes_from_the_unproven_alone_and_gives_to_leaving_alone() -> None:
    assert held([0.1, 0.4, 0.1, 0.4], [State.UNPROVEN, State.UNPROVEN, State.PROVEN], 0.2) == pytest.approx(
        [0.4, 0.16, 0.04, 0.4]
    )


@pytest.mark.parametrize(
    ("effect", "decision", "reason"),
    [
        (-0.5, b"0", Reason.NO_POSITIVE_VALUE),
        (0.5, b"0", Reason.BEST),
    ],
)
def test_reasons_say_why(effect: float, decision: bytes, reason: Reason) -> None:
    rules = ChoiceRules(floor=0.0, hold_out=0.0)
    assert choose([Candidate(plain(effect), 0.0)], [1.0], 10.0, rules, decision).reason is reason


def test_what_falls_against_the_scores_is_explored_or_held_out() -> None:
    rules = ChoiceRules(floor=0.1, hold_out=0.5)
    good = [choose([Candidate(plain(0.5), 0.0)], [1.0], 10.0, rules, b"%d" % n) for n in range(200)]
    bad = [choose([Candidate(plain(-0.5), 0.0)], [1.0], 10.0, rules, b"%d" % n) for n in range(200)]
    assert {(one.place, one.reason) for one in good} == {(1, Reason.BEST), (0, Reason.HELD_OUT)}
    assert {(one.place, one.reason) for one in bad} == {(1, Reason.EXPLORED), (0, Reason.NO_POSITIVE_VALUE)}


def test_frequencies_are_those_that_are_written_down() -> None:
    rules = ChoiceRules(floor=0.1, hold_out=0.3)
    candidates = [Candidate(plain(0.5), 0.0), Candidate(plain(0.1), 0.0)]
    fallen = [choose(candidates, [1.0], 10.0, rules, b"decision %d" % n) for n in range(4_000)]
    said = [chance / ONE for chance in fallen[0].chances]
    assert [sum(one.place == place for one in fallen) / 4_000 for place in range(3)] == pytest.approx(said, abs=0.03)


def test_every_use_of_a_hash_has_a_domain_of_its_own() -> None:
    fallen = {domain: [place_of(domain, b"%d" % n) >> 63 for n in range(400)] for domain in Domain}
    for one in Domain:
        for other in Domain:
            alike = sum(a == b for a, b in zip(fallen[one], fallen[other], strict=True))
            assert alike == 400 if one is other else 140 < alike < 260


def test_the_draw_of_a_choice_is_the_draw_of_its_domain() -> None:
    candidates = [Candidate(plain(0.1), 0.0)]
    for n in range(50):
        decision = b"decision %d" % n
        chosen = choose(candidates, [1.0], 10.0, ChoiceRules(floor=0.1, hold_out=0.5), decision)
        assert chosen.place == drawn(chosen.chances, b"choice\0" + decision)
        shadow = choose(candidates, [1.0], 10.0, ChoiceRules(floor=0.1, hold_out=0.5), decision, domain=Domain.SHADOW)
        assert shadow.chances == chosen.chances


def test_a_key_that_could_be_another_is_refused() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        keyed(Domain.CONTROL, b"a\0b", b"c")


@given(st.floats(0, 1), st.floats(0, 1), st.binary(max_size=20))
def test_who_is_in_a_share_is_in_every_greater_one(one: float, other: float, unit: bytes) -> None:
    small, great = sorted((one, other))
    assert in_share(great, Domain.LAUNCH, b"1", unit) or not in_share(small, Domain.LAUNCH, b"1", unit)


def test_the_launch_share_gives_about_the_first_cohort() -> None:
    share = launch_share(55_000, 0.30)
    inside = sum(launched(share, "1", b"%d" % n, learned=0) for n in range(55_000))
    assert inside * 0.30 == pytest.approx(2_000, rel=0.05)
    assert launch_share(0, 0.30) == 1.0
    assert all(launched(0.0, "1", b"%d" % n, learned=2_000) for n in range(10))


@given(st.floats(0.0, 1e9), st.floats(0.0, 1e9), st.floats(0.0, 0.1))
def test_floors_shrink_with_what_was_learned_and_never_below_a_fifth(one: float, other: float, floor: float) -> None:
    rules, (few, many) = ChoiceRules(floor=floor), sorted((one, other))
    after = rules.after(many)
    assert 0.2 * floor <= after.floor <= rules.after(few).floor <= floor
    assert after._replace(floor=floor) == rules  # the hold-out too


def test_a_floor_shrinks_as_the_error_of_what_is_known() -> None:
    rules = ChoiceRules(floor=0.01)
    assert rules.after(2_000).floor == 0.01
    assert rules.after(8_000).floor == pytest.approx(0.005)
    assert rules.after(1_000_000).floor == pytest.approx(0.002)


def test_rules_out_of_range_are_named() -> None:
    assert problems(ChoiceRules()) == []
    found = problems(ChoiceRules(temper=0.0, floor=0.5, open_contacts=0))
    assert [one.split()[0] for one in found] == ["temper", "floor", "open_contacts"]
    assert "0.5" in found[1]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9), st.floats(0, 0.1), st.floats(0, 1))
def test_integers_are_as_near_to_the_shares_as_floors_allow(
    weights: list[float], floor: float, hold_out: float
) -> None:
    total = sum(weights) or 1.0
    given_shares = [weight / total for weight in weights] if sum(weights) else [1.0] + [0.0] * (len(weights) - 1)
    found = with_floors(given_shares, floor, hold_out)
    alone, least = least_chances(len(weights) - 1, floor, hold_out)
    room = ONE - alone - least * (len(weights) - 1)
    expected = [alone + given_shares[0] * room, *(least + share * room for share in given_shares[1:])]
    assert found == pytest.approx(expected, abs=len(weights) + 1)


def test_chances_of_a_draw_are_those_of_its_scores_and_states() -> None:
    chosen = choose([Candidate(plain(0.2, 0.1), 1.0)], [1.0], 10.0, ChoiceRules(), b"d")
    assert chances_of(chosen.scores, chosen.states, ChoiceRules()) == list(chosen.chances)
