"""One customer of a policy: chance touchpoints, and whatever the gates let through, as a stream for the auditor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from models.customer.consent import unpack_register
from models.customer.contract import runs_until
from models.customer.kept import REFUSES, kept_of, refuse
from models.customer.layout import ERASED
from models.customer.profile import take_in, tells
from models.customer.tail import Tail
from models.decisions.contact import remember, reserve, settle
from models.decisions.experience import suffered, talked
from models.decisions.gates import Ask, customer_wide, judge
from models.decisions.hours import opening
from models.decisions.person import Person
from models.decisions.policy.conditions import holds, of_data
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.reach import hear
from models.decisions.reports import report
from models.decisions.rules import rules_of
from models.decisions.standing import Standing, id_of
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, HOUR, MINUTE
from models.touchpoints import Kind, Touch, read
from tests.support.audited import Log

CHANNELS: Final = ("email", "push", "call", "sms")
ZONES: Final = ("Asia/Kathmandu", "Australia/Lord_Howe", "America/Los_Angeles", "Mars/Olympus", "Europe/London")
COUNTRIES: Final = ("DE", "US", "NL", "PT", "XX")
Data = dict[str, Any]


class Shop:
    """A policy in force, and a customer `anna` of whom nothing is known."""

    def __init__(self, random: Random, text: str) -> None:
        self.random, self.log = random, Log.begun(text, consent=False)
        self.policy = PolicyInForce.of(1, text)
        self.rules = rules_of(self.policy)
        self.tail, self.flags, self.standing = Tail(), 0, Standing()
        self.bought, self.days, self.spent, self.first = 0, 0, 0.0, 0
        self.sent: list[str] = []
        self.asked: dict[str, int] = {}
        self.held: Counter[str] = Counter()
        for arrival in self.log.touchpoints[1:]:
            self._takes(self._read(arrival))

    def _read(self, arrival: Any) -> Touch:
        touch = read(arrival.value, arrival.key, arrival.timestamp)
        assert isinstance(touch, Touch), touch
        return touch

    def step(self) -> None:
        """Something comes, after a while; then each moment that has asked is looked at."""
        self.log.time += self.random.choice((MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY)) + self.random.randrange(50_000)
        kind, data = something(self.random, self.sent)
        ago = self.random.choice(("0s", "0s", "0s", "10m", "2h"))
        self.log.touch(kind, ago=ago, **data)
        self._takes(self._read(self.log.touchpoints[-1]))
        if self.random.random() < 0.1:
            self._episode()
        for moment in list(self.policy.policy.moment):
            self._look(moment)

    def _episode(self) -> None:
        """An episode is opened, or the open one is over."""
        if self.standing.reached:
            self.log.says("episode_closed")
            self.standing.reached, self.standing.promoted = 0.0, False
        elif not self.flags & ERASED:
            self.log.says("episode_opened")
            self.standing.reached = 0.5

    def _takes(self, touch: Touch) -> None:
        now, late = self.log.time, touch.time < self.log.time - HOUR
        if touch.kind == Kind.ERASE_REQUESTED:
            self.tail, self.flags, self.standing = kept_of(self.tail, erased=True), ERASED, Standing()
            self.bought = self.days = self.first = 0
            self.spent, self.asked, self.erased_at = 0.0, {}, now
            return
        if self.flags & ERASED:
            if touch.kind != Kind.CONSENT_CHANGED or touch.a == 0 or late or touch.time <= self.erased_at:
                if touch.kind in REFUSES:
                    refuse(self.tail, touch.kind, touch.data, touch.time)
                return
            self.flags = 0
        self.first = min(self.first or touch.time, touch.time)
        settle(self.standing, now)
        hear(self.standing, unpack_register(self.tail.consents), touch.kind, touch.data, touch.time)
        report(self.standing, self.policy, touch.kind, touch.data, touch.time)
        suffered(self.policy, self.standing, touch.kind, touch.data, touch.time)
        talked(self.policy, self.standing, touch.kind, touch.time)
        if tells(touch.kind, touch.data):
            take_in(self, touch.kind, touch.time, touch.data, late, now, by_policy=True)
        if touch.kind == Kind.PURCHASE:
            self.days += not self.bought or touch.time // DAY != self.bought // DAY
            self.bought, self.spent = max(self.bought, touch.time), self.spent + touch.a
        for name in self.policy.asking.get(touch.kind, ()):
            when = self.policy.policy.moment[name].when
            if when is None or holds(when, of_data(touch.data)):
                self.asked[name] = now

    def _look(self, name: str) -> None:
        now, moment = self.log.time, self.policy.policy.moment[name]
        risk, level = moment.sort == "risk", ""
        if risk:
            level = self.random.choice(("slipping", "at_risk", "leaving"))
            if now < self.standing.window_ends or self.random.random() < 0.5:
                return
            if not self.policy.policy.contract.levels and runs_until(self.tail.contract) > now:
                return  # no level asks
        elif name not in self.asked:
            return
        settle(self.standing, now)
        self.standing = unpack_standing(pack_standing(self.standing))
        person = Person(b"anna", self.tail, self.flags, self.bought, self.days, self.spent, None, self.first)
        ask = Ask(self.policy, person, self.standing, now, name, now if risk else self.asked[name], level)
        if held := customer_wide(ask):
            self.held[held.code] += 1
            return
        once = self.rules.moments[name]
        if once.once_per and now < self.standing.once.get(once.number, 0) + once.once_per:
            return
        for action in self.policy.actions_of(name):
            judged = judge(ask, action)
            self.held.update(one.code for one in judged.held)
            if not judged.held and self._goes(person, name, action, judged.channel, level):
                self.asked.pop(name, None)
                return

    def _goes(self, person: Person, moment: str, action: str, channel: str, level: str) -> bool:
        now, table = self.log.time, self.policy.policy.action[action]
        if person.is_test(now):
            self.sent.append(self.log.send(action, moment, channel, level, test=True, decision={"test": True}))
            return True
        found = opening(self.policy, person, table.purpose, channel, now)
        if found is None or found.at > now + 1_000:
            self.held["hour"] += 1
            return False
        expires = now + self.rules.actions[action].expires
        if table.purpose == "marketing" and found.until:
            expires = min(expires, found.until)
        if expires <= now:
            return False
        name = self.log.send(action, moment, channel, level, expires_at=expires)
        in_episode = self.standing.reached > 0
        until = self.log.triggers[-1].valid_until  # type: ignore[union-attr]
        reserve(self.standing, self.policy, action, channel, id_of(name), now, expires, until, in_episode)
        if self.rules.moments[moment].once_per:
            remember(self.standing, self.policy, self.rules.moments[moment].number, now)
        if level:
            self.standing.window_ends = -(-now // 1000) * 1000 + 28 * DAY
        self.sent.append(name)
        return True


def something(random: Random, sent: Sequence[str]) -> tuple[str, Data]:
    """A touchpoint's type and data, by chance: often what a policy asks for. sent: triggers on which it may report."""
    some = random.choice
    trigger = some(sent[-3:]) if sent else "0" * 32
    until = f"2026-{random.randint(3, 12):02d}-10T00:00:00Z"
    quiet = {"start": some(("12:00", "23:00")), "end": some(("06:30", "12:00"))}
    campaign = {"campaign_id": "c", "channel": some(CHANNELS), "promotion": random.random() < 0.3, "until": until}
    failed = {"trigger_id": trigger, "failure": some(("soft", "hard", "no_address", "refused_by_sender"))}
    kinds: list[tuple[int, str, Data]] = [
        (8, "purchase", {"amount": random.randint(1, 90)}),
        (12, "cart_abandoned", {"amount": 3}),
        (4, "complaint", {"severity": some(("low", "high"))}),
        (4, "payment_failed", {}),
        (3, "case_opened", {"case_id": some("abc")}),
        (5, "case_resolved", {"case_id": some("abc")}),
        (1, "nps", {"score": random.randint(0, 10)}),
        (1, "review", {"rating": random.randint(1, 5)}),
        (1, "erase_requested", {}),
        (6, "consent_changed", {"marketing": random.random() < 0.8, **_consent(random)}),
        (1, "message_unsubscribed", {"channel": some(CHANNELS)}),
        (1, "spam_reported", {"channel": some(CHANNELS), "trigger_id": trigger}),
        (1, "restricted", {"reason": some(("dispute", "test", "minor")), "until": until}),
        (1, "restriction_requested", {"until": until}),
        (1, "restricted", {"reason": "vulnerable", "purposes": [some(("care", "marketing"))], "until": until}),
        (2, "preferences_updated", {"channels": random.sample(CHANNELS, 2), "max_per_week": some((0, 1, 2, 9))}),
        (2, "preferences_updated", {"time_zone": some(ZONES), "max_per_week": 9}),
        (1, "preferences_updated", {"quiet_hours": quiet}),
        (1, "preferences_updated", {"silent_until": until, "topics": some(([], ["espresso"], ["tea"]))}),
        (2, "profile_updated", {"country": some(COUNTRIES), "language": some(("de-DE", "en", "fr"))}),
        (1, "profile_updated", {"customer_class": some(("business", "consumer")), "birthday": "2008-04-01"}),
        (3, "chat", {"participants": ["a", "b"]}),
        (1, "subscription_started", {"plan": some(("basic", "ad_free"))}),
        (1, "subscription_cancelled", {}),
        (1, "programme_joined", {"programme": some(("gold", "quiet"))}),
        (3, "campaign_received", campaign),
        (1, "campaign_received", {"campaign_id": "c", "purpose": "care"}),
        (14, "offer_delivered", {"trigger_id": trigger}),
        (1, "offer_opened", {"trigger_id": trigger}),
        (2, "offer_declined", {"trigger_id": trigger}),
        (2, "offer_withdrawn", {"trigger_id": trigger}),
        (2, "expired_unsent", {"trigger_id": trigger}),
        (3, "coupon_redeemed", {"coupon_id": trigger}),
        (2, "offer_failed", {"channel": some(CHANNELS), **failed}),
        (2, "clock", {}),
    ]  # fmt: skip
    weights = [weight for weight, _, _ in kinds]
    _, kind, data = random.choices(kinds, weights)[0]
    return ("visit", {}) if kind == "clock" else (kind, data)


def _consent(random: Random) -> Data:
    named: Data = {"channels": random.sample(CHANNELS, random.randint(1, 3))} if random.random() < 0.7 else {}
    ends: Data = {"expires": f"2026-{random.randint(3, 12):02d}-20T00:00:00Z"} if random.random() < 0.3 else {}
    return {**named, **ends, "confirmed": random.random() < 0.5}
