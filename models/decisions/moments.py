"""What a step comes to under the policy in force: what was told of triggers, what is taken back, what asks.

A *moment* asks for a decision: a level of risk, or a touchpoint that the policy names. What is answered then is in
`models.decisions.answers`. All of it is a function of the customer's record, the policy and the place in the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.customer.layout import UNLEARNED
from models.customer.moments import whole
from models.customer.restrictions import ACTION_PURPOSES, LEGAL, MARKETING
from models.decisions import response, shared_moments
from models.decisions.answers import answers, rank
from models.decisions.best_hour import ANSWERS, note_answer
from models.decisions.comes import comes
from models.decisions.contact import settle, withdraw
from models.decisions.dates import ask_by_dates, comes_to_ask
from models.decisions.experience import BAD_EXPERIENCES, suffered, talked
from models.decisions.gates import Ask, said_against
from models.decisions.given import Asks, Given, Said, Touched, decision_id, id_at
from models.decisions.joined import due_on_its_way
from models.decisions.membership import ask_by_level
from models.decisions.others import asked
from models.decisions.person import value_of
from models.decisions.plans import due, heard, level_reached, over, window_over
from models.decisions.points import ask_by_points
from models.decisions.policy.conditions import holds
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.preview import preview
from models.decisions.reach import FOR_GOOD, hear
from models.decisions.reports import REPORTS, report
from models.decisions.resending import hold, never_mind, resend, stopped_by
from models.decisions.rules import rules_of
from models.decisions.sending import became
from models.decisions.standing import (
    MAX_WAITING,
    OTHERS,
    Outstanding,
    Stage,
    Standing,
    Waiting,
    channel_number,
    id_of,
    number_of,
)
from models.decisions.turns import CARRIED_OVER, own_turn
from models.decisions.unsent import Unsent
from models.decisions.waits import crowded
from models.touchpoints.kinds import Kind

WILL: Final = frozenset(
    {
        Kind.CONSENT_CHANGED,
        Kind.MESSAGE_UNSUBSCRIBED,
        Kind.SPAM_REPORTED,
        Kind.RESTRICTED,
        Kind.RESTRICTION_REQUESTED,
        Kind.PREFERENCES_UPDATED,
        Kind.PROFILE_UPDATED,  # a date of birth
        Kind.OFFER_FAILED,
    }
)
"""Kinds after which what is out may be against the customer's will."""
_LEVEL: Final = int(Asks.LEVEL)
_PREVIEW_ASKED, _ASKED_MAY, _SHARED_MOMENT = int(Kind.PREVIEW_ASKED), int(Kind.ASKED_MAY), int(Kind.SHARED_MOMENT)
_OUT, _OFFER_FAILED = int(Stage.OUT), int(Kind.OFFER_FAILED)
"""As numbers, which are compared in a fifth of the time."""
_NOT_SENT: Final = frozenset({Kind.EXPIRED_UNSENT, Kind.OFFER_WITHDRAWN, Kind.OFFER_FAILED})
"""Kinds that may say that a trigger was not sent, or did not arrive."""
TAKES_BACK: Final = {MARKETING: frozenset({Kind.CASE_OPENED, Kind.COMPLAINT, Kind.RETURN})}
"""By purpose, the touchpoints that take back what is out, where an action names none."""


def decide(given: Given) -> list[Said]:
    """All that a step of a customer comes to under the policy in force. Changes `given.standing`; afterwards nothing in
    it is due any more."""
    touch, standing = given.touch, given.standing
    if touch is not None and touch.kind == _PREVIEW_ASKED:
        return preview(given)
    said = [became(given, one) for one in settle(standing, given.now)]
    if given.person.flags & UNLEARNED:
        standing.treated = None  # no label of theirs is weighed
    if standing.window is not None:
        said += response.passed(given, said)
    if standing.running:
        window_over(given)
    if standing.shared:
        said += shared_moments.rings(given)
    if touch is not None:
        stopped, unsent = None, None
        if touch.kind in _NOT_SENT:
            stopped = stopped_by(given, touch)
            unsent = _may_ask_again(standing, touch) if stopped is None else None
        if touch.kind == _ASKED_MAY:
            said += asked(given)
        off = response.taken_off(given, touch) if standing.window is not None else 0.0
        told = _told(given, touch)
        said += told
        if standing.window is not None:
            response.hears(given, touch, told, off)
        if standing.outstanding:
            said += _taken_back(given, touch)
        if standing.unsent:
            said += _never_sent_again(given, touch)
        if standing.running:
            said += heard(given, touch)
        if touch.kind == _SHARED_MOMENT:
            said += shared_moments.hears(given, touch)
        if touch.moments:
            said += _asked_by_touchpoint(given, touch)
        if unsent is not None:
            said += _asked_again(given, unsent)
        if stopped is not None:
            said += hold(given, stopped)
    if given.why & _LEVEL:
        said += _asked_by_level(given)
    if given.points is not None:
        said += ask_by_points(given, given.points)
    if given.praised:
        said += _asked_by_praise(given)
    if given.level:
        said += ask_by_level(given, given.level)
    if standing.dates or rules_of(given.policy).dated:
        said += ask_by_dates(given)
    if standing.running:
        said += due(given)
    if standing.unsent:
        said += resend(given)
    if standing.waiting:
        said += answers(given, any(one.sending is not None for one in said))
    if standing.window is not None:
        response.arrived(given, said)
    if standing.running:
        said += over(given)
    if standing.shared:
        said += shared_moments.follow(given)
    if standing.told:
        standing.forget_told()
    return [one for one in said if one.what or one.tells] if said else said


def end_episode(standing: Standing, policy: PolicyInForce, customer: bytes, now: int) -> list[Said]:
    """The risk has fallen, or nobody is estimated any more: the levels may ask again, and what waits for risk is
    void."""
    standing.reached, standing.promoted, standing.carried = 0.0, False, False
    standing.shadowed, standing.live = 0.0, 0
    standing.running = [one for one in standing.running if not one.at]
    waiting = [one for one in standing.waiting if one.threshold]
    standing.waiting = [one for one in standing.waiting if not one.threshold]
    standing.unsent = [one for one in standing.unsent if not one.threshold]
    standing.forget_told()
    name = policy.risk_moment or ""
    return [Said("void", decision_id(customer, name, now, "void", ""), moment=name) for _ in waiting]


def take_all_back(standing: Standing, policy: PolicyInForce, reason: str) -> list[Said]:
    """What is out is taken back, whatever it is but legal notices: the customer asked to be forgotten."""
    final = rules_of(policy).final
    return [
        Said("withdrawn", reason=reason, trigger=f"{one.id:032x}", withdraws=True)
        for one in standing.outstanding
        if one.id
        and one.kind != OTHERS
        and one.stage == Stage.OUT
        and ACTION_PURPOSES[one.purpose] != LEGAL
        and one.channel not in final
    ]


def take_back_by_record(given: Given) -> list[Said]:
    """What is out is taken back where the record holds what would have taken it back as a touchpoint: what another id
    of the customer had refused, was restricted in, or complains of. What came to its time on the way is out no more."""
    standing, policy, tail = given.standing, given.policy, given.person.tail
    said, in_case, put_off = [], bool(tail.cases or tail.more_cases), due_on_its_way(given.now)
    for one in list(standing.outstanding):
        if not one.id or one.kind == OTHERS or one.stage != Stage.OUT or one.expires <= put_off:
            continue
        name = policy.named.get(one.action, "")
        ends = in_case and takes_back(policy, Kind.CASE_OPENED, one, name)
        reason = Kind.CASE_OPENED.type if ends else _against(given, one)
        if reason and withdraw(standing, one.id, rules_of(policy).final):
            said.append(Said("withdrawn", reason=reason, trigger=f"{one.id:032x}", action=name, withdraws=True))
    return said


# -- what was told


def _told(given: Given, touch: Touched) -> list[Said]:
    """What became of triggers, by a touchpoint's word."""
    standing, policy, kind = given.standing, given.policy, touch.kind
    if standing.unreachable or kind == _OFFER_FAILED:
        hear(standing, given.person.register, kind, touch.data, touch.time)
    settled = report(standing, policy, kind, touch.data, touch.time) if kind in REPORTS else []
    if kind in ANSWERS:
        note_answer(given, touch)
    suffers = kind in BAD_EXPERIENCES and suffered(policy, standing, kind, touch.data, touch.time)
    talks = talked(policy, standing, kind, touch.time)
    if suffers or talks or kind in REPORTS:
        settled += settle(standing, given.now)  # what was told may be long ago
    return [became(given, one) for one in settled]


def _taken_back(given: Given, touch: Touched) -> Iterator[Said]:
    """Triggers that are out and should not be sent any more."""
    standing, policy = given.standing, given.policy
    for one in list(standing.outstanding):
        if one.stage != _OUT or not one.id or one.kind == OTHERS:
            continue
        name = policy.named.get(one.action, "")  # none: an earlier policy had it
        reason = _reason_to_take_back(given, touch, one, name)
        if reason and withdraw(standing, one.id, rules_of(policy).final):
            yield Said("withdrawn", reason=reason, trigger=f"{one.id:032x}", action=name, withdraws=True)


def _never_sent_again(given: Given, touch: Touched) -> list[Said]:
    """What was stopped, and what comes takes back."""
    policy, kind = given.policy, Kind(touch.kind)

    def meant(unsent: Unsent) -> bool:
        action = policy.policy.action.get(policy.named.get(unsent.action, ""))
        if action is None or action.withdraw_when is None:
            return action is not None and kind in TAKES_BACK.get(action.purpose, ())
        return kind.type in action.withdraw_when

    return never_mind(given, kind.type, meant)


def _reason_to_take_back(given: Given, touch: Touched, one: Outstanding, name: str) -> str:
    """Why what comes behind a trigger takes it back, whenever it was; empty: it does not. name: of its action."""
    if takes_back(given.policy, touch.kind, one, name):
        return Kind(touch.kind).type
    return _against(given, one) if touch.kind in WILL else ""


def takes_back(policy: PolicyInForce, kind: int, one: Outstanding, name: str) -> bool:
    """Whether a touchpoint of a kind takes back a trigger of an action by itself, whatever the customer has said. name:
    the action's; empty: an earlier policy had it."""
    action = policy.policy.action.get(name)
    if action is not None and action.withdraw_when is not None:
        return Kind(kind).type in action.withdraw_when
    return kind in TAKES_BACK.get(ACTION_PURPOSES[one.purpose], ())


def _against(given: Given, one: Outstanding) -> str:
    """Which gate of what the customer has said, or was said of them, is against what is out; empty: none."""
    ask = Ask(given.policy, given.person, given.standing, given.now, "", given.now)
    held = said_against(ask, ACTION_PURPOSES[one.purpose], _channel_of(given, one))
    return held[0].code if held else ""


def _channel_of(given: Given, one: Outstanding) -> str:
    """Its name; of one that is no more in the policy as the customer's consent has it, else none."""
    named = given.policy.channel_named.get(one.channel)
    if named is not None:
        return named
    return next((channel for _, channel in given.person.register if channel_number(channel) == one.channel), "")


# -- what asks


def _asked_by_touchpoint(given: Given, touch: Touched) -> Iterator[Said]:
    for name in touch.moments:
        if rules_of(given.policy).moments[name].shared_on:
            yield from shared_moments.propose(given, touch, name)
        elif comes_to_ask(given, touch, name):
            yield from comes(given, name, min(whole(touch.time), given.now))


def _asked_by_praise(given: Given) -> Iterator[Said]:
    """The customer speaks well of us where others hear it."""
    rules, touch, now = rules_of(given.policy).loyalty, given.touch, given.now
    if rules is None or touch is None or given.history:
        return
    for name, when in rules.thanked:
        if when is None or holds(when, lambda field: value_of(given.person, field, now)):
            yield from comes(given, name, min(whole(touch.time), now))


def _may_ask_again(standing: Standing, touch: Touched) -> Outstanding | None:
    """The trigger of which a touchpoint says that it was not sent, or that nothing arrives where it was sent, if its
    moment may ask once more. One that we took back asks for nothing."""
    failed = touch.kind == Kind.OFFER_FAILED and touch.data.failure in FOR_GOOD
    if touch.kind != Kind.EXPIRED_UNSENT and not failed:
        return None
    named, counts = id_of(touch.data.trigger_id), (Stage.OUT, Stage.PRESUMED)
    return next((one for one in standing.outstanding if one.moment and one.id == named and one.stage in counts), None)


def _asked_again(given: Given, unsent: Outstanding) -> Iterator[Said]:
    """A moment that was not drawn asks once more within its life."""
    standing, now = given.standing, given.now
    standing.outstanding = [
        one._replace(moment=0, asked=0) if one.id == unsent.id else one for one in standing.outstanding
    ]
    name = given.policy.named.get(unsent.moment, "")
    moment = rules_of(given.policy).moments.get(name)
    if moment is None or moment.risk or now >= unsent.asked + moment.within:
        return
    if any(one.moment == unsent.moment and not one.threshold for one in standing.waiting):
        return
    if len(standing.waiting) >= MAX_WAITING:
        yield crowded(given, name)
        return
    standing.waiting.append(Waiting(unsent.moment, unsent.asked, now, again=True))


def _asked_by_level(given: Given) -> Iterator[Said]:
    """The highest level that the risk is at asks; one moment, whatever it has passed on the way."""
    standing, policy, estimate = given.standing, given.policy, given.estimate
    if estimate is None:
        return
    passed = [one for one in given.levels if standing.reached < one.at <= estimate]
    if not passed:
        return
    if not standing.reached:
        yield Said("episode_opened", id_at(given, "episode", passed[-1].name), level=passed[-1].name)
    standing.reached = passed[-1].at
    if standing.running:
        yield from level_reached(given, passed[-1].at)
    name = policy.risk_moment
    if name is None:
        return
    named = policy.policy.moment[name].levels
    asking = [one for one in passed if not named or one.name in named]
    if not asking:
        return
    number = number_of(name)
    until = own_turn(given) if passed[-1].at <= given.stood else 0
    for place, one in enumerate(standing.waiting):
        if one.threshold:
            wakes = given.now if standing.carried and not until else one.wakes
            standing.carried = standing.carried and bool(until)
            standing.told.pop(one.moment, None)  # a wait is said of its level
            standing.live = 0
            standing.waiting[place] = one._replace(moment=number, threshold=asking[-1].at, wakes=wakes)
            return
    if len(standing.waiting) >= MAX_WAITING:
        last = max(standing.waiting, key=lambda one: rank(policy, one))
        standing.leave(last)
        yield crowded(given, policy.named.get(last.moment) or str(last.moment))
    standing.waiting.append(Waiting(number, given.now, until or given.now, asking[-1].at))
    if until:
        standing.carried = True
        level = asking[-1].name
        yield Said("waits", id_at(given, name, level), moment=name, level=level, gate=CARRIED_OVER, until=until)
