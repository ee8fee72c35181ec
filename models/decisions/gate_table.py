"""All gates: one function and one row each, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from models.customer.contract import ACTIVE, PAUSED
from models.customer.restrictions import ACTION_PURPOSES, CARE, CONTRACT, LEGAL, MARKETING
from models.decisions.ask import FINAL, Ask, Held
from models.decisions.basis import NO_BASIS, REFUSED
from models.decisions.customer_gates import (
    capped,
    held_ad_free,
    held_after_decline,
    held_after_outcomes,
    held_alarm,
    held_bad_experience,
    held_closed,
    held_cool_down,
    held_erased,
    held_expired,
    held_hours_never,
    held_in_conversation,
    held_open_case,
    held_own_cap,
    held_restricted,
    held_silent,
    held_unreachable,
    unforeseen,
)
from models.decisions.draw import unit_of
from models.decisions.limits import promotion_ends
from models.decisions.person import value_of
from models.decisions.policy.conditions import holds
from models.decisions.policy.parts import KINDS
from models.decisions.policy.types import OF_ACCOUNTS
from models.decisions.reach import UNREACHABLE
from models.decisions.rewards import within_reach
from models.decisions.rule_types import ActionRules
from models.decisions.standing import OTHERS, Stage
from models.decisions.words import SENTENCES
from models.numerics.shares import share_of, within
from models.settings import HOUR, SECOND
from models.touchpoints.kinds import Kind

STOPPED: Final = "stopped"
"""The gate of what operators have stopped: it ends with their word, and with nothing else."""
UNFORESEEN: Final = frozenset(
    {"shadow", "open_case", "held", "promotion_used", "unprofitable", "budget", "alarm", STOPPED}
)
"""Gates of which nobody knows when they open, where they may: `Held.until` says only until when they are not final."""
_CANCEL_STARTED: Final = Kind.CANCEL_STARTED.type
_MARKETING: Final = ACTION_PURPOSES.index(MARKETING)
FOR_A_PERSON: Final = "for_a_person"


def _cancelling(ask: Ask, action: ActionRules) -> Held | None:
    """Whoever is about to cancel gets one offer at most, there and then."""
    contract = ask.person.contract
    if contract is None or not contract.cancelling or contract.state not in (ACTIVE, PAUSED):
        return None
    began, rules = contract.cancelling, ask.rules
    if ask.now >= began + rules.cancelling:
        return None
    had = any(
        one.purpose == _MARKETING and one.time >= began and one.stage != Stage.GIVEN_BACK and one.kind != OTHERS
        for one in ask.standing.outstanding
    )
    moment = rules.policy.moment.get(ask.moment)  # none: a step of a plan, or a preview
    asked_there = moment is not None and _CANCEL_STARTED in moment.touchpoints
    in_session = asked_there and ask.now < began + rules.session
    return None if in_session and not had else Held("cancelling", began + rules.cancelling)


# -- of the action


def _stopped(ask: Ask, action: ActionRules) -> Held | None:
    """Looked at every hour, within the moment's life; of risk at the next tick."""
    if not ask.stops:
        return None
    country, kind = ask.person.tail.country, KINDS[action.kind]
    if not any(one.fits(action.purpose, action.name, country, kind) for one in ask.stops):
        return None
    risk = bool(ask.moment) and ask.rules.moments[ask.moment].risk
    return Held(STOPPED, unforeseen(ask) if risk else ask.now + HOUR)


def _off(ask: Ask, action: ActionRules) -> Held | None:
    return Held("off") if action.off else None


def _shadow(ask: Ask, action: ActionRules) -> Held | None:
    """A level waits for the day on which the action goes live; what a touchpoint asked is over by then."""
    if not action.shadow:
        return None
    return Held("shadow", unforeseen(ask) if ask.rules.moments[ask.moment].risk else FINAL)


def _rollout(ask: Ask, action: ActionRules) -> Held | None:
    if action.rollout < 1.0 and not within(action.rollout, action.name, unit_of(ask.person)):
        return Held("rollout")
    return None


def _dates(ask: Ask, action: ActionRules) -> Held | None:
    if action.ends and ask.now >= action.ends:
        return Held("dates")
    return Held("dates", action.starts) if ask.now < action.starts else None


def _wrong_level(ask: Ask, action: ActionRules) -> Held | None:
    if action.levels and ask.level not in action.levels and ask.rules.moments[ask.moment].risk:
        return Held("wrong_level")
    return None


def _wrong_class(ask: Ask, action: ActionRules) -> Held | None:
    return Held("wrong_class") if action.classes and ask.person.customer_class not in action.classes else None


def _frozen(ask: Ask, action: ActionRules) -> Held | None:
    """What waits comes back at a time of the customer's own: a moment that asks after the end waits for nothing."""
    until = 0
    for row in ask.rules.frozen:
        if action.purpose not in row.purposes or (row.kinds and action.kind not in row.kinds):
            continue
        if (row.countries and ask.person.tail.country not in row.countries) or ask.now < row.starts:
            continue
        if row.drop:
            if ask.now < row.ends:
                return Held("frozen")
        elif ask.asked < row.ends:
            own = share_of("freeze", ask.person.customer) * row.spread >> 64
            until = max(until, row.ends + own // SECOND * SECOND)
    return Held("frozen", until) if ask.now < until else None


def _condition(ask: Ask, action: ActionRules) -> Held | None:
    person = ask.person
    if action.reward and not within_reach(ask.rules.policy, person.points.balance, person.tail.rewards):
        return Held("condition")
    if action.when is None or holds(action.when, lambda field: value_of(person, field, ask.now)):
        return None
    return Held("condition")


def _for_a_person(ask: Ask, action: ActionRules) -> Held | None:
    """What is not done by itself: an action that says so, and marketing to who buys for an account, since contacts are
    counted by customer."""
    of_account = action.purpose == MARKETING and ask.person.customer_class in OF_ACCOUNTS
    return Held(FOR_A_PERSON) if action.human or of_account else None


def _unwanted_topic(ask: Ask, action: ActionRules) -> Held | None:
    wanted = ask.person.tail.topics
    return Held("unwanted_topic") if action.topic is not None and wanted and action.topic not in wanted else None


def _no_content(ask: Ask, action: ActionRules) -> Held | None:
    language = ask.person.tail.language.lower()
    if not action.languages or not language or any(_fits(one, language) for one in action.languages):
        return None
    return Held("no_content")


def _fits(written: str, read: str) -> bool:
    """Whether who reads one language reads a text in another: the same, or one says less of the region."""
    return written == read or read.startswith(written + "-") or written.startswith(read + "-")


def _held(ask: Ask, action: ActionRules) -> Held | None:
    """Marketing that is no step of it waits while a plan runs that holds it."""
    for one in ask.standing.running:
        plan = ask.rules.plans.get(one.plan)
        if plan is not None and plan.holds and all(step.action != action.name for step in plan.steps):
            return Held("held", unforeseen(ask))
    return None


def _promotion_open(ask: Ask, action: ActionRules) -> Held | None:
    ends = promotion_ends(ask.standing, ask.now) if action.promotion else 0
    return Held("promotion_open", ends) if ends else None


def _promotion_used(ask: Ask, action: ActionRules) -> Held | None:
    return Held("promotion_used", unforeseen(ask)) if action.promotion and ask.standing.promoted else None


def _cap(ask: Ask, action: ActionRules) -> Held | None:
    return capped(ask, action.limits)


def _unprofitable(ask: Ask, action: ActionRules) -> Held | None:
    """It may cost more than keeping the customer is worth; of whom nothing is known it holds nobody."""
    rules, kept = ask.rules.policy.value, ask.person.if_kept
    if rules is None or kept is None:
        return None
    most = rules.margin * kept * rules.spend_at_most
    if rules.acquisition_cost is not None:
        most = min(most, rules.acquisition_cost)
    return Held("unprofitable", unforeseen(ask)) if action.liability > most else None


def _budget(ask: Ask, action: ActionRules) -> Held | None:
    if not action.budgets or ask.purse is None or not ask.purse.lacking(ask.rules, action, ask.now):
        return None
    return Held("budget", unforeseen(ask))


def _once_per(ask: Ask, action: ActionRules) -> Held | None:
    last = ask.standing.once.get(action.number, 0) if action.once_per else 0
    return Held("once_per", last + action.once_per) if last and ask.now < last + action.once_per else None


# -- the table


class Row(NamedTuple):
    """A gate: its code, the purposes that it stops, and of what it is: the customer, the action or a channel."""

    code: str
    stops: frozenset[str]
    of: str
    gate: Callable[..., Held | None]


_ALL: Final = frozenset({LEGAL, CONTRACT, CARE, MARKETING})
_ASKED: Final = _ALL - {LEGAL}
_COUNTED: Final = frozenset({CARE, MARKETING})
_SOLD: Final = frozenset({MARKETING})
OF_CUSTOMER, OF_ACTION, OF_CHANNEL = "customer", "action", "channel"
TABLE: Final = (
    Row(STOPPED, _ALL, OF_ACTION, _stopped),
    Row("erased", _ALL, OF_CUSTOMER, held_erased),
    Row("restricted", _ALL, OF_CUSTOMER, held_restricted),
    Row("expired", _ALL, OF_CUSTOMER, held_expired),
    Row("off", _ALL, OF_ACTION, _off),
    Row("shadow", _ALL, OF_ACTION, _shadow),
    Row("rollout", _ALL, OF_ACTION, _rollout),
    Row("dates", _ALL, OF_ACTION, _dates),
    Row("wrong_level", _ALL, OF_ACTION, _wrong_level),
    Row("wrong_class", _ALL, OF_ACTION, _wrong_class),
    Row("condition", _ALL, OF_ACTION, _condition),
    Row(FOR_A_PERSON, _ALL, OF_ACTION, _for_a_person),
    Row(UNREACHABLE, _ALL, OF_CHANNEL, held_unreachable),
    Row(REFUSED, _ASKED, OF_CHANNEL, held_closed),
    Row(NO_BASIS, _ASKED, OF_CHANNEL, held_closed),
    Row("ad_free", _SOLD, OF_CUSTOMER, held_ad_free),
    Row("silent", _SOLD, OF_CUSTOMER, held_silent),
    Row("unwanted_topic", _SOLD, OF_ACTION, _unwanted_topic),
    Row("no_content", _SOLD, OF_ACTION, _no_content),
    Row("frozen", _ALL, OF_ACTION, _frozen),
    Row("open_case", _SOLD, OF_CUSTOMER, held_open_case),
    Row("in_conversation", _SOLD, OF_CUSTOMER, held_in_conversation),
    Row("cancelling", _SOLD, OF_ACTION, _cancelling),
    Row("bad_experience", _SOLD, OF_CUSTOMER, held_bad_experience),
    Row("held", _SOLD, OF_ACTION, _held),
    Row("promotion_open", _SOLD, OF_ACTION, _promotion_open),
    Row("promotion_used", _SOLD, OF_ACTION, _promotion_used),
    Row("cool_down", _SOLD, OF_CUSTOMER, held_cool_down),
    Row("cap", _SOLD, OF_CUSTOMER, held_own_cap),
    Row("cap", _COUNTED, OF_ACTION, _cap),
    Row("once_per", _ALL, OF_ACTION, _once_per),
    Row("after_outcomes", _SOLD, OF_CUSTOMER, held_after_outcomes),
    Row("after_outcomes", _SOLD, OF_CHANNEL, held_after_decline),
    Row("unprofitable", _SOLD, OF_ACTION, _unprofitable),
    Row("budget", _SOLD, OF_ACTION, _budget),
    Row("alarm", _SOLD, OF_CUSTOMER, held_alarm),
    Row("hours_never", _ASKED, OF_CHANNEL, held_hours_never),
)
"""All gates. A cap of one channel is a gate of the action and that channel: `judge`. Two rows may have one function."""
CODES: Final = tuple(dict.fromkeys(row.code for row in TABLE))
"""In the order in which they are told."""
if tuple(SENTENCES) != CODES:
    raise ImportError("each gate must have its sentences, in the order of the table")
