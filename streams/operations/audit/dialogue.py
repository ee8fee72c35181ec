"""What was sent to a customer and what became of it, by what the touchpoints report: contacts, promotions, rests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from models.outputs import Trigger
from models.touchpoints import Kind, Touch
from streams.operations.audit.person import FOR_GOOD, milliseconds
from streams.operations.audit.policies import Policy, Table, span
from streams.operations.audit.records import DAY, Place

LONGEST: Final = 93 * DAY
"""What ended longer ago is in no rolling window of a policy."""
KEPT: Final = 14 * DAY
"""So long after its expiry a trigger is kept by itself: what is said of it later is not heard."""
MOST_CAUSES: Final = 64
"""Touchpoints that may have asked, of a customer: the newest."""
PUT_RIGHT: Final = frozenset({Kind.OFFER_WITHDRAWN, Kind.EXPIRED_UNSENT})
ARRIVED: Final = frozenset(
    {
        Kind.OFFER_DELIVERED,
        Kind.OFFER_OPENED,
        Kind.OFFER_ACCEPTED,
        Kind.OFFER_DECLINED,
        Kind.CAMPAIGN_RECEIVED,
        Kind.SPAM_REPORTED,
    }
)
DELIVERED: Final = frozenset({Kind.OFFER_DELIVERED, Kind.CAMPAIGN_RECEIVED})


@dataclass(slots=True)
class Sent:
    """A trigger, or a contact by others (without an id).

    delivered: when it arrived, 0: nobody has said so. given_back: it was never sent, and somebody says so. heard_of:
    the sender has taken it up. bounced: it failed for good. others: another sender has reserved it. promotion: it
    offers something, until `usable`.
    Times in ms.
    """

    id: str
    place: Place
    time: int
    expires: int
    purpose: str
    channel: str
    kind: str = ""
    action: str = ""
    moment: str = ""
    level: str = ""
    usable: int = 0
    promotion: bool = False
    promotion_over: bool = False
    coupon: str = ""
    delivered: int = 0
    given_back: bool = False
    heard_of: bool = False
    withdrawn: bool = False
    bounced: bool = False
    others: bool = False

    def out(self, now: int) -> bool:
        """Whether it may still be sent: it has not expired, and nobody has said what became of it."""
        return (
            bool(self.id)
            and not self.others
            and not (self.given_back or self.delivered or self.heard_of)
            and now < self.expires
        )

    def contact(self, now: int) -> int | None:
        """When it counts as a contact, as seen from `now`; None: it is none. One that may still be sent counts now."""
        if self.given_back:
            return None
        return self.delivered or (now if now < self.expires else self.expires)

    def arrived(self, time: int, now: int, delivery: bool = False) -> None:
        """Somebody says so, or something from which it follows; the first word counts.

        Only a word of the delivery itself makes it later than its expiry.
        """
        self.heard_of = True
        if not self.delivered and now < self.expires + KEPT:
            at = max(time, self.time)
            self.delivered, self.given_back = at if delivery else min(at, self.expires), False

    def offers(self, now: int) -> bool:
        """Whether its promotion is open."""
        return self.promotion and not self.promotion_over and not self.given_back and now < self.usable


class Rest(NamedTuple):
    """Something after which something else rests: when it happened, and until when by the policy of that time; ms."""

    time: int
    until: int


@dataclass(slots=True)
class Dialogue:
    """All of it.

    rests: what marketing rests after, by the name in `contact.rest`. once: what was last sent for a moment or of an
    action, and its `once_per` then (ms). drawn: when last, and until when nothing is. All are of the policy of their
    time, as the record has them. causes: touchpoints that may have asked, each with the log time of its arrival.
    answers: touchpoints that may have answered them, in the same way. episode: since when one is open, 0: none.
    reached: the highest threshold that was drawn at in it, and had asked under the same policy and class: another
    one names the level that waits by its own thresholds. asked_as: under which policy, and by which tier's levels,
    it asked last. waits_as: under which policy, and of which class, what waits for a level did so first; None:
    nothing does. control: by group and unit, as decisions say it. erased: what had been sent before the last
    erasure. failed: when a channel last failed for good; works: when something last showed that it does.
    talks_until: the customer is in a conversation. running: plans that are said to run. began: by plan, under which
    policy it began last. marks: when touchpoints came that end plans or leave steps out, and their types. declined_on:
    by channel with a rest of its own, when an offer was declined there.
    """

    sent: list[Sent] = field(default_factory=list)
    rests: dict[str, Rest] = field(default_factory=dict)
    once: dict[tuple[str, str], tuple[Sent, int]] = field(default_factory=dict)
    causes: list[tuple[int, Touch]] = field(default_factory=list)
    answers: list[tuple[int, Touch]] = field(default_factory=list)
    episode: int = 0
    reached: float = 0.0
    asked_as: tuple[str, str] | None = None
    waits_as: tuple[str, str] | None = None
    drawn: Rest | None = None
    control: dict[str, bool] = field(default_factory=dict)
    erased: list[Sent] = field(default_factory=list)
    failed: dict[str, int] = field(default_factory=dict)
    works: dict[str, int] = field(default_factory=dict)
    talks_until: int = 0
    running: list[str] = field(default_factory=list)
    began: dict[str, str] = field(default_factory=dict)
    marks: list[tuple[int, str]] = field(default_factory=list)
    declined_on: dict[str, int] = field(default_factory=dict)

    def unreachable(self, channel: str) -> bool:
        """Whether nothing arrives on a channel: it failed for good, and nothing newer shows that it works."""
        return channel in self.failed and self.failed[channel] >= self.works.get(channel, 0)

    def triggered(self, trigger: Trigger, place: Place, policy: Policy | None) -> None:
        """A trigger went out. policy: that was in force."""
        action: Table = policy.actions.get(trigger.action, {}) if policy else {}
        moment: Table = policy.moments.get(trigger.moment, {}) if policy else {}
        sent = Sent(
            trigger.id,
            place,
            trigger.time,
            trigger.expires_at,
            trigger.purpose,
            trigger.channel,
            trigger.kind,
            trigger.action,
            trigger.moment,
            trigger.level,
            trigger.valid_until or trigger.expires_at,
            bool(action.get("promotion")),
            coupon=trigger.coupon,
        )
        self.sent.append(sent)
        for key, table in ((("moment", trigger.moment), moment), (("action", trigger.action), action)):
            if once := table.get("once_per"):
                self.once[key] = sent, span(once)

    def named(self, trigger: str) -> Sent | None:
        """What went out under an id."""
        return next((sent for sent in self.sent if trigger and sent.id == trigger), None)

    def known(self, trigger: str) -> Sent | None:
        """The same, before an erasure too."""
        return self.named(trigger) or next((sent for sent in self.erased if sent.id == trigger), None)

    def take(self, touch: Touch, place: Place, now: int, policy: Policy) -> None:
        """Let a touchpoint report, under the policy in force."""
        data: Any = touch.data
        if Kind(touch.kind).type in policy.asking:
            self.causes = [*self.causes[-MOST_CAUSES + 1 :], (now, touch)]
        if Kind(touch.kind).type in policy.marking:
            self.marks = [*self.marks[-MOST_CAUSES + 1 :], (now, Kind(touch.kind).type)]
        if Kind(touch.kind).type in policy.answering:
            self.answers = [*self.answers[-MOST_CAUSES + 1 :], (now, touch)]
        if touch.kind == Kind.ERASE_REQUESTED:
            self.__init__(control=self.control, causes=self.causes, erased=self.sent)  # type: ignore[misc]
            return
        self._reach(touch)
        if lasts := policy.talk(Kind(touch.kind).type):
            self.talks_until = max(self.talks_until, touch.time + lasts)
        if _harms(touch):
            self._rests(policy, "bad_experience", touch.time)
        elif touch.kind == Kind.SPAM_REPORTED:
            self._rests(policy, "spam", touch.time)
        elif touch.kind == Kind.CAMPAIGN_RECEIVED:
            self._campaign(touch, place)
        elif touch.kind == Kind.COUPON_REDEEMED:
            for sent in self.sent:
                if sent.id and data.coupon_id in (sent.coupon, sent.id):
                    sent.promotion_over = True
                    sent.arrived(touch.time, now)
        if (named := self.named(getattr(data, "trigger_id", "") or "")) is not None:
            self._reported(named, touch, now, policy)

    def _reach(self, touch: Touch) -> None:
        """Whether a channel works: a failure for good, an arrival, or a consent that names it."""
        data: Any = touch.data
        if touch.kind == Kind.OFFER_FAILED and data.failure in FOR_GOOD:
            self.failed[data.channel] = max(touch.time, self.failed.get(data.channel, 0))
        shown: list[str] = []
        if touch.kind == Kind.CONSENT_CHANGED and data.marketing and data.purpose == "marketing":
            shown = list(data.channels or ())
        elif touch.kind in ARRIVED or touch.kind == Kind.COUPON_REDEEMED:
            sent = self.named(getattr(data, "trigger_id", None) or getattr(data, "coupon_id", None) or "")
            shown = [getattr(data, "channel", None) or (sent.channel if sent else "")]
        for channel in shown:
            self.works[channel] = max(touch.time, self.works.get(channel, 0))

    def _rests(self, policy: Policy, after: str, time: int) -> None:
        rest = Rest(time, time + policy.rest(after))
        self.rests[after] = max(rest, self.rests.get(after, rest), key=lambda one: one.until)

    def _declined_on(self, channel: str, sent: Sent, time: int, policy: Policy) -> None:
        """Of a decline that comes long after its contact only the channel is known that it names itself."""
        known = channel != sent.channel or time < (sent.contact(time) or 0) + KEPT
        if known and policy.declines(channel):
            self.declined_on[channel] = max(time, self.declined_on.get(channel, 0))

    def _reported(self, sent: Sent, touch: Touch, now: int, policy: Policy) -> None:
        data: Any = touch.data
        sent.heard_of |= touch.kind == Kind.OFFER_SENT
        if touch.kind in ARRIVED:
            sent.arrived(touch.time, now, touch.kind in DELIVERED)
        if touch.kind == Kind.OFFER_DECLINED:
            sent.promotion_over = True
            if sent.purpose == "marketing":
                self._rests(policy, "declined", touch.time)
                self._declined_on(data.channel or sent.channel, sent, touch.time, policy)
        if touch.kind == Kind.OFFER_FAILED:
            sent.heard_of = True
            sent.bounced |= data.failure in FOR_GOOD
            if data.failure == "soft":
                self._rests(policy, "soft_failure", touch.time)
        unsent = touch.kind == Kind.OFFER_FAILED and data.failure == "refused_by_sender"
        if (unsent or touch.kind in PUT_RIGHT) and not sent.delivered:
            sent.given_back = True

    def _campaign(self, touch: Touch, place: Place) -> None:
        data: Any = touch.data
        if data.trigger_id is None and data.purpose == "marketing":
            usable = milliseconds(data.until) if data.until else 0
            self.sent.append(
                Sent(
                    "",
                    place,
                    touch.time,
                    touch.time,
                    data.purpose,
                    data.channel or "",
                    usable=usable,
                    promotion=data.promotion,
                    delivered=touch.time,
                )
            )

    def settle(self, now: int) -> None:
        """Drop what no rule looks at any more."""
        if len(self.sent) > 1 and self.sent[0].time < now - LONGEST:
            self.sent = [
                one
                for one in self.sent
                if one.time >= now - LONGEST or (one.contact(now) or 0) >= now - LONGEST or one.offers(now)
            ]


def _harms(touch: Touch) -> bool:
    """Whether a touchpoint tells of a bad experience: a complaint, a severe case, a failed payment, a late
    delivery, a low rating."""
    data: Any = touch.data
    match touch.kind:
        case Kind.COMPLAINT | Kind.PAYMENT_FAILED | Kind.DELIVERY_DELAYED:
            return True
        case Kind.CASE_OPENED:
            return data.severity in ("high", "critical")
        case Kind.NPS:
            return bool(data.score <= 6)
        case Kind.CSAT:
            return bool(data.score <= 2)
        case Kind.REVIEW:
            return bool(data.rating <= 2)
    return False
