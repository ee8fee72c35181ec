"""Whether a touchpoint that may ask, report or wake would come to nothing, told from the bytes of how we stand.

Most such touchpoints come where there is nothing for them: a `presence` where nothing waits, a good review, a basket
left behind where one has asked already. To see that takes a tenth of what a decision takes.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.decisions.experience import BAD_EXPERIENCES, is_bad
from models.decisions.given import Touched
from models.decisions.idle import idle_until
from models.decisions.moments import TAKES_BACK, WILL, takes_back
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.reports import REPORTS
from models.decisions.rule_types import Rules
from models.decisions.rules import rules_of
from models.decisions.standing import OTHERS, Outstanding, Stage, Waiting, gate_number
from models.decisions.standing_stored import once_in, out_in, unpack_standing, waits_in
from models.decisions.waits import IN_WINDOW
from models.decisions.waking import WAKING, wakes
from models.loyalty.experiences import VOICES
from models.touchpoints.kinds import Kind

_WAKES, _TAKES_BACK, _HARMS, _MORE, _REPORTS = 1, 2, 4, 8, 16
_OUT, _IN_WINDOW = int(Stage.OUT), gate_number(IN_WINDOW)


def is_inert(policy: PolicyInForce, stored: bytes, touch: Touched, now: int, contract: bool) -> bool:
    """Whether `models.decisions.moments.decide` would say and change nothing; False where it takes a whole look.

    Asked of a touchpoint with which no level of risk asks, of who keeps neither points nor a membership. What it counts
    in the loyalty loop is not looked at.

    Args:
        stored: how we stand with the customer.
        now: log time, ms.
        contract: they have had one.
    """
    rules, does = rules_of(policy), _does(policy, touch.kind)
    if does & (_MORE | _REPORTS) or (does & _HARMS and is_bad(touch.kind, touch.data)):
        return False
    woken = does & _WAKES and wakes(policy, touch.kind, touch.data)
    waits = waits_in(stored) if woken or touch.moments else []
    if woken and waits and not _waits_for_its_window(policy, stored, waits, now):
        return False
    if touch.moments and not _asked_of_late(rules, stored, touch.moments, waits, now):
        return False
    if now >= idle_until(policy, stored, contract):
        return False
    return not (does & _TAKES_BACK and any(_is_taken_back(policy, touch.kind, one) for one in out_in(stored)))


def only_reports(policy: PolicyInForce, touch: Touched) -> bool:
    """Whether a touchpoint may tell of a contact, and do nothing else."""
    return _does(policy, touch.kind) == _REPORTS and not touch.moments


def _does(policy: PolicyInForce, kind: int) -> int:
    """What a touchpoint of a kind may do beside letting its moments ask."""
    rules = rules_of(policy)
    return (rules.does or _note_what_touchpoints_do(policy, rules)).get(kind, _MORE)


def _note_what_touchpoints_do(policy: PolicyInForce, rules: Rules) -> dict[int, int]:
    """What touchpoints may do beside letting their moments ask, by kind; of a kind that is not here it takes a whole
    look."""
    taking_back = {Kind[name.upper()] for one in policy.policy.action.values() for name in one.withdraw_when or ()}
    taking_back |= WILL.union(*TAKES_BACK.values())
    more = rules.talks | rules.tell_dates | rules.answers
    if rules.points is not None:
        more |= rules.points.kinds
    if rules.membership is not None:
        more |= rules.membership.kinds
    if rules.loyalty is not None and rules.loyalty.thanked:
        more |= frozenset(VOICES)
    kinds: set[int] = {*WAKING, *taking_back, *BAD_EXPERIENCES, *policy.asking, *REPORTS}
    rules.does.update(
        {
            int(kind): _WAKES * (kind in WAKING)
            | _TAKES_BACK * (kind in taking_back)
            | _HARMS * (kind in BAD_EXPERIENCES)
            | _MORE * (kind in more)
            | _REPORTS * (kind in REPORTS)
            for kind in kinds
        }
    )
    return rules.does


def _waits_for_its_window(policy: PolicyInForce, stored: bytes, waits: list[Waiting], now: int) -> bool:
    """Whether all that waits is the moment of risk, for the end of a draw's window, and has said so."""
    if len(waits) > 1 or not waits[0].threshold or policy.risk_moment is None:
        return False
    standing = unpack_standing(stored)
    told = standing.told.get(waits[0].moment)
    return now < standing.window_ends == waits[0].wakes and told == _IN_WINDOW


def _asked_of_late(rules: Rules, stored: bytes, moments: Iterable[str], waits: list[Waiting], now: int) -> bool:
    """Whether none of a touchpoint's moments asks anew: each waits already, or asked within its `once_per`."""
    waiting, once = {one.moment for one in waits if not one.threshold}, once_in(stored)
    for name in moments:
        one = rules.moments[name]
        of_late = one.once_per and now < once.get(one.number, -one.once_per) + one.once_per
        if one.shared_on or not (one.number in waiting or of_late):
            return False
    return True


def _is_taken_back(policy: PolicyInForce, kind: int, one: Outstanding) -> bool:
    """Whether a touchpoint of a kind may take back a trigger."""
    if not one.id or one.kind == OTHERS or one.stage != _OUT:
        return False
    return kind in WILL or takes_back(policy, kind, one, policy.named.get(one.action, ""))
