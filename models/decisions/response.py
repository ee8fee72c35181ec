"""Response windows: opened by a draw of the learned choice, told of what comes within them, ended with an outcome."""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack
from typing import Final

from models.customer.consent import MARKETING as TO_MARKET
from models.customer.layout import RETURNED, SPENT, UNLEARNED
from models.decisions.choosing.arms import arm_name
from models.decisions.contact import DELIVERED, LATE, REDEEMED
from models.decisions.given import Given, Said, Touched, again_id
from models.decisions.standing import Standing, id_of
from models.decisions.window import HARMS, MOST_HUNDREDTHS, Mark, Window
from models.outputs import OUTCOME, Ended, Outcome
from models.settings import DAY
from models.touchpoints.kinds import Kind

SOON_WITHIN: Final = 7 * DAY
"""A complaint, an unsubscription or a spam report so soon after a draw is held against what was drawn."""
_HARM: Final = {
    Kind.OFFER_DECLINED: Mark.DECLINED,
    Kind.MESSAGE_UNSUBSCRIBED: Mark.UNSUBSCRIBED,
    Kind.COMPLAINT: Mark.COMPLAINED,
    Kind.SPAM_REPORTED: Mark.SPAM,
}
HEARD: Final = frozenset({Kind.PURCHASE, Kind.RETURN, Kind.CONSENT_CHANGED, *_HARM})
"""Kinds of touchpoints of which `hears` takes anything, beside what became of triggers."""
_MOST_SENT: Final = 9
"""Triggers of one draw, where what was stopped is sent again."""


def packed_features(features: tuple[float, ...]) -> bytes:
    """Numbers that are float16 already, as windows and outcomes have them."""
    return pack(f"<{len(features)}e", *features)


def passed(given: Given, said: Iterable[Said]) -> list[Said]:
    """What time alone does to the window, after what `said` tells: the outcome, if it is over. Of whom nothing is
    learned any more what was to be learned is dropped."""
    standing, window = given.standing, given.standing.window
    if window is None:
        return []
    if given.person.flags & UNLEARNED and window.features:
        standing.window = window = unlearned(window)
    arrived(given, said)
    if given.now < max(window.ends, given.standing.window_ends):
        return []
    return [_ended(given, standing.window or window)]


def taken_off(given: Given, touch: Touched) -> float:
    """What a redeemed coupon takes off, money; where it is not said, what the policy says of its action. To be asked
    before the standing hears of it: its entry may go with that."""
    if given.standing.window is None or touch.kind != Kind.COUPON_REDEEMED:
        return 0.0
    if touch.data.amount is not None:
        return max(float(touch.data.amount), 0.0)
    wanted, policy = id_of(touch.data.coupon_id), given.policy
    entry = next((one for one in given.standing.outstanding if one.id == wanted), None)
    action = policy.policy.action.get(policy.named.get(entry.action, "")) if entry is not None else None
    return action.discount if action is not None else 0.0


def hears(given: Given, touch: Touched, said: Iterable[Said], off: float = 0.0) -> None:
    """A touchpoint, and what it told of triggers: purchases, harms, arrivals, discounts that were redeemed. It counts
    where it happened within the window, whenever it is told. off: `taken_off`."""
    window = given.standing.window
    if window is None:
        return
    arrived(given, said)
    window = given.standing.window or window
    if not window.opened <= touch.time < window.ends:
        if window.features:
            given.standing.window = window._replace(net=window.net + _moved(touch))
        return
    named = getattr(touch.data, "trigger_id", None)
    mark = 0 if named and not _is_of(window, f"{id_of(named):032x}") else _harm_in(touch)
    if mark and mark != Mark.DECLINED and touch.time < window.opened + SOON_WITHIN:
        mark |= Mark.SOON
    if touch.kind == Kind.PURCHASE:
        mark |= Mark.BOUGHT
    window = window._replace(marks=window.marks | mark)
    if any(one.what == REDEEMED for one in said) and window.features:
        window = window._replace(given=min(window.given + round(off * 100.0), MOST_HUNDREDTHS))
    given.standing.window = window


def _moved(touch: Touched) -> float:
    """By how much a touchpoint changes what the customer has bought less returned in all, money."""
    if touch.kind not in (Kind.PURCHASE, Kind.RETURN):
        return 0.0
    amount = float(touch.data.amount)
    return amount if touch.kind == Kind.PURCHASE else -amount


def arrived(given: Given, said: Iterable[Said]) -> None:
    """What was drawn has arrived, if that was said."""
    window = given.standing.window
    if window is None or not window.place or window.marks & Mark.DELIVERED:
        return
    if any(_is_of(window, one.trigger) for one in said if one.what in (DELIVERED, LATE)):
        given.standing.window = window._replace(marks=window.marks | Mark.DELIVERED)


def _is_of(window: Window, trigger: str) -> bool:
    """Whether a trigger is the draw's, or one that it was sent by again."""
    return trigger == window.id or any(again_id(window.id, n) == trigger for n in range(2, _MOST_SENT))


def erased(standing: Standing, now: int) -> list[Said]:
    """The customer asked to be forgotten: the window ends, and of its outcome there is only that a contact
    is over, whether it had arrived, and whether it did harm."""
    if standing.window is None:
        return []
    window, standing.window = unlearned(standing.window), None
    return [_without_outcome(window, now, "erased")]


def merged(window: Window, now: int) -> Said:
    """The window of another id of the customer ends, since the older of both stays; nothing is learned of it."""
    return _without_outcome(unlearned(window), now, "merged")


def earned(margin: float, paid: float, discounts: float) -> float:
    """Of what customers paid, what is earned. margin: the share that is, of a price without a discount. paid: what was
    paid, so without what `discounts` took off; that is lost whole, and of it the margin is not in `paid` as it is.

    >>> earned(0.5, 80.0, 20.0)  # of a price of 100 that costs 50 to make
    30.0
    """
    return margin * paid - (1.0 - margin) * discounts


def _ended(given: Given, window: Window) -> Said:
    given.standing.window = None
    known, now = given.known, given.now
    if known is None or not window.features:
        return _without_outcome(window, now, "restricted")
    numbers, worth = known.counted.numbers, window.worth / 100.0
    harms = window.marks & HARMS
    # A sum that is a hair below nothing is rounded to -0.0; with 0.0 added it is 0.0, as people write it.
    net = round(float(numbers[SPENT]) - float(numbers[RETURNED]) - window.net, 2) + 0.0
    harm = given.policy.policy.choice.harm * harms.bit_count()
    gain = round(earned(window.margin, net, window.given / 100.0) - harm, 4) + 0.0
    control, arm = bool(window.marks & Mark.CONTROL), arm_name(window.arm) if window.place else ""
    delivered, customer = bool(window.marks & Mark.DELIVERED), given.person.customer.decode()
    ended = Ended(
        window.id,
        window.opened,
        arm,
        control,
        delivered,
        worth,
        net,
        window.given / 100.0,
        gain,
        bool(window.marks & Mark.BOUGHT),
        tuple(mark.name.lower() for mark in Mark if mark & harms and mark.name),
    )
    outcome = Outcome(
        now,
        {arm_name(number): chance for number, chance in window.arms},
        worth,
        gain,
        customer,
        window.id,
        arm,
        control,
        delivered,
        bool(window.marks & Mark.SOON),
        window.features,
        window.schema,
    )
    return Said(OUTCOME, window.id, ended=ended, outcome=outcome, control=control)


def _without_outcome(window: Window, now: int, why: str) -> Said:
    arm, control = arm_name(window.arm) if window.place else "", bool(window.marks & Mark.CONTROL)
    ended = Ended(window.id, window.opened, arm, control, unlearned=why)
    delivered, soon = bool(window.marks & Mark.DELIVERED), bool(window.marks & Mark.SOON)
    outcome = Outcome(now, {}, 0.0, 0.0, arm=arm, control=control, delivered=delivered, soon=soon)
    return Said(OUTCOME, window.id, ended=ended, outcome=outcome)


def unlearned(window: Window) -> Window:
    """The same of who is not learned from: that it is open, and what was drawn."""
    drawn = ((window.arm, 0),) if window.place else ()
    return window._replace(worth=0, net=0.0, margin=0.0, place=min(window.place, 1), arms=drawn, given=0, features=b"")


def _harm_in(touch: Touched) -> int:
    if touch.kind == Kind.CONSENT_CHANGED:
        refused = not touch.data.marketing and touch.data.purpose == TO_MARKET
        return Mark.UNSUBSCRIBED if refused else 0
    return _HARM.get(Kind(touch.kind), 0)
