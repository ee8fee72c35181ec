"""The draw of a risk moment: by the policy's figures, or by what was learned of its actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import structs

from models.customer.layout import RETURNED, SPENT, UNLEARNED
from models.customer.moments import whole
from models.decisions.choosing.arms import PolicyArm, arms_of, changed_arm, new_arm
from models.decisions.choosing.caution import launched
from models.decisions.choosing.choose import Candidate as InDraw
from models.decisions.choosing.choose import Chosen, choose
from models.decisions.choosing.described import SIZE, described
from models.decisions.choosing.features import frozen
from models.decisions.choosing.numbers import Numbers
from models.decisions.choosing.rules import ChoiceRules
from models.decisions.choosing.schema import schema_number
from models.decisions.draw import ONE, chances, drawn, unit_of
from models.decisions.gates import Judged
from models.decisions.given import Given, Known
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import ms_of
from models.decisions.response import packed_features, unlearned
from models.decisions.takings import price_of, prices_of, taken
from models.decisions.waits import score_of
from models.decisions.window import MOST_HUNDREDTHS, Mark, Window
from models.decisions.words import DRAWN
from models.outputs import Candidate, Drawn

NOT_WORTH: Final = "no action is worth its cost"
MOST_KEPT: Final = 8
"""Policies whose terms are kept."""


class Scored(NamedTuple):
    """What is told of an action in the draw: what it is expected to bring, how sure that is, and what of it went to
    what it takes from budgets."""

    score: float
    sd: float
    arm: str
    state: str
    price: float = 0.0


class Draw(NamedTuple):
    """place: what fell, 0 for leaving alone, else one more than the action's place. chances: leaving alone first, as
    multiples of 2^-32. scored: by action, where the learned choice drew. reason: of leaving alone, in words. by: what
    the learned choice drew by, and the window that it opens; None: the policy's figures drew."""

    place: int
    chances: Sequence[int]
    scored: dict[str, Scored]
    reason: str = ""
    by: tuple[Drawn, Window] | None = None

    def told(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """The candidates of a decision, with what the learned choice knows of each that was in the draw."""
        if self.by is None:
            return candidates
        return tuple(
            structs.replace(one, score=of.score, sd=of.sd, arm=of.arm, state=of.state, price=of.price)
            if (of := self.scored.get(one.action)) is not None
            else structs.replace(one, score=0.0)
            for one in candidates
        )


def draw(
    given: Given, found: Sequence[Judged], decision: str, ends: int, control: bool, short: Sequence[Judged] = ()
) -> Draw:
    """Draw among leaving alone and what could be done at once.

    Args:
        found: the actions.
        decision: its id, which alone says what falls.
        ends: when the window that it opens is over, ms.
        control: the customer is of the control group: the draw is what would have been.
        short: actions that budgets alone hold. They have no part in the draw; what it would have taken with them counts
            as wanted of the budgets.
    """
    choice = given.policy.policy.choice
    if choice.learned and given.known is not None:
        if short and _counts(given, control):
            _want(given, _chosen(given, given.known, [*found, *short], decision))
        return _by_learned(given, given.known, found, decision, ends, control, counts=not short)
    scores = [score_of(given, one) for one in found]
    likely = chances(scores, choice.floor, choice.hold_out)
    reason = "" if max(scores) > 0.0 else NOT_WORTH
    return Draw(drawn(likely, bytes.fromhex(decision)), likely, {}, reason)


def want(given: Given, short: Sequence[Judged], decision: str, control: bool) -> None:
    """Let it be known what a draw would have taken from budgets that have no room for any action. short: the actions
    that budgets alone hold."""
    if short and given.policy.policy.choice.learned and given.known is not None and _counts(given, control):
        _want(given, _chosen(given, given.known, short, decision))


def left_alone(why: str) -> str:
    """Why the learned choice leaves somebody alone, in words, as decisions have it."""
    told = DRAWN[why].rstrip(".")
    return told[:1].lower() + told[1:]


class Terms(NamedTuple):
    """What the learned draw reads of a policy. rules: of the choice. dearest: what its dearest action and channel cost
    together, discount included, money. window: ms. tiers: of value."""

    rules: ChoiceRules
    dearest: float
    window: int
    tiers: int


_kept: Final[dict[str, Terms]] = {}


def terms_of(policy: PolicyInForce) -> Terms:
    """Worked out once for each policy."""
    found = _kept.get(policy.sha256)
    if found is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[policy.sha256] = _terms(policy)
    return found


def _terms(policy: PolicyInForce) -> Terms:
    told, choice = policy.policy, policy.policy.choice
    actions = [told.action[name] for name in arms_of(policy)]
    dearest = max((action.cost + action.discount for action in actions), default=0.0)
    dearest += max((channel.cost for channel in told.channel.values()), default=0.0)
    each = choice.unproven_each
    rules = ChoiceRules(choice.temper, choice.floor, choice.hold_out, choice.unproven, each, choice.kappa)
    return Terms(rules, dearest, ms_of(choice.window), len(policy.shares) + 1)


def worth_of(given: Given, known: Known) -> float:
    """The value at stake, money, in whole hundredths: the margin of what the customer is expected to buy in the window
    if they are kept, at least what the dearest action costs."""
    terms, person, rules = terms_of(given.policy), given.person, given.policy.policy.value
    margin, expected = rules.margin if rules is not None else 1.0, person.if_kept
    if expected is not None:
        stays = expected * terms.window / known.horizon
    else:  # no value is known yet: what they have spent in a window so far, in the mean
        stays = person.spent * terms.window / max(given.now - person.first_touch, terms.window)
    return min(max(round(max(margin * stays, terms.dearest) * 100.0), 1), MOST_HUNDREDTHS) / 100.0


class _Made(NamedTuple):
    """A choice among `found`, and what it was made from."""

    found: Sequence[Judged]
    chosen: Chosen
    features: tuple[float, ...]
    worth: float
    unproven_price: float
    prices: dict[str, float]


def _chosen(given: Given, known: Known, found: Sequence[Judged], decision: str) -> _Made:
    policy, person, numbers = given.policy, given.person, known.numbers
    of_policy, terms = arms_of(policy), terms_of(policy)
    features = frozen(described(person, given.standing, known.counted, terms.tiers, given.now))
    worth = worth_of(given, known)
    prices = prices_of(policy, [one.action for one in found], numbers)
    candidates = [_candidate(given, of_policy[one.action], one.channel, numbers, worth, prices) for one in found]
    learned = 0 if numbers is None else numbers.cohort
    choice, price = policy.policy.choice, 0.0 if numbers is None else numbers.unproven_price
    chosen = choose(
        candidates,
        features,
        worth,
        terms.rules if numbers is None else terms.rules.after(numbers.rows),
        bytes.fromhex(decision),
        launched=launched(choice.launch, policy.policy.control.salt, unit_of(person), learned),
        unproven_price=price,
        settled=numbers is not None and numbers.settled,
    )
    return _Made(found, chosen, features, worth, price, prices)


def _counts(given: Given, control: bool) -> bool:
    """Whether a draw takes anything from budgets: of the control group, in history and of a test nothing is taken."""
    return given.shared is not None and not (control or given.history or given.person.is_test(given.now))


def _want(given: Given, made: _Made) -> None:
    if given.shared is None:
        return
    for one, chance in zip(made.found, made.chosen.chances[1:], strict=True):
        given.shared.purse.want(taken(given.policy, one.action).items(), chance / ONE)


def _by_learned(
    given: Given,
    known: Known,
    found: Sequence[Judged],
    decision: str,
    ends: int,
    control: bool,
    counts: bool,
) -> Draw:
    policy, person, of_policy = given.policy, given.person, arms_of(given.policy)
    made = _chosen(given, known, found, decision)
    chosen, features, worth = made.chosen, made.features, made.worth
    if counts and _counts(given, control):
        _want(given, made)
    scored = {
        one.action: Scored(
            score.mean, score.sd, of_policy[one.action].name, state, price_of(policy, one.action, made.prices)
        )
        for one, score, state in zip(found, chosen.scores, chosen.states, strict=True)
    }
    by = Drawn(chosen.reason, worth, features, made.unproven_price, chosen.tried, made.prices)
    arms = tuple((of_policy[one.action].number, chance) for one, chance in zip(found, chosen.chances[1:], strict=True))
    counted, rules = known.counted.numbers, policy.policy.value
    window = Window(
        int(decision, 16),
        whole(given.now),
        ends,
        round(worth * 100.0),
        float(counted[SPENT]) - float(counted[RETURNED]),
        rules.margin if rules is not None else 1.0,
        chosen.place,
        arms,
        Mark.CONTROL if control else 0,
        features=packed_features(features),
        schema=schema_number(),
    )
    if person.flags & UNLEARNED:
        window = unlearned(window)
    return Draw(chosen.place, chosen.chances, scored, left_alone(chosen.reason), (by, window))


def _candidate(
    given: Given,
    arm: PolicyArm,
    channel: str,
    numbers: Numbers | None,
    worth: float,
    prices: Mapping[str, float],
) -> InDraw:
    known = None if numbers is None else numbers.arms.get(arm.name)
    cost = arm.cost_by(given.policy.policy, channel) + price_of(given.policy, arm.action, prices)
    if known is None:
        former = None if numbers is None else numbers.arms.get(numbers.named.get(arm.action, ""))
        return InDraw(new_arm(arm, worth, SIZE) if former is None else changed_arm(former), cost)
    return InDraw(known, cost, known.stopped)
