"""One customer's way through a piece of the line, as a marketer would tell it: one step after the other."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from models.churn.definition import LEAVING, SIGNS
from models.customer.bands import Band
from models.customer.contract import unpack_contract
from models.customer.flags import flags_of
from models.customer.kept import REFUSES, kept_of, refuse
from models.customer.layout import (
    BACK,
    BASIS,
    CANCELLED,
    CROSSING,
    DUE,
    EPISODE,
    ERASED,
    LAST_PURCHASE,
    LEFT,
    NEWEST,
    NO_CONSENT,
    OLDEST_CASE,
    PENDING_CHURNED,
    PENDING_RETURNED,
    PENDING_RISK,
    PURCHASE_DAYS,
    REARMED,
    RISK,
    STAYED,
    TICK,
    UNLEARNED,
    UNSCORED,
)
from models.customer.merged import PASSED_ON, WAS_ERASED, is_merged
from models.customer.profile import open_cases, take_in, tells
from models.customer.record import Record, hash_of
from models.customer.restrictions import TEST, unpack_restrictions
from models.customer.schedule import phase_of
from models.customer.tail import Tail
from models.customer.worth import Worth
from models.decisions.experience import is_bad
from models.decisions.given import Asks
from models.decisions.points import spread_of
from models.decisions.policy.asking_types import Moment
from models.decisions.policy.conditions import holds
from models.decisions.policy.parts import ms_of
from models.decisions.standing import Standing, number_of
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.decisions.treated import Weighed
from models.engine.asking import COUNTED, REPORTS, TOLD
from models.engine.by_policy import answer_for_nobody, emit_end_of_episode, emit_withdrawals
from models.engine.decide import Row
from models.engine.ledger import close_earned
from models.engine.moving import merge_away, pass_on, take_over
from models.engine.output_buffer import OutputPosition, Work
from models.features.basis import RECENCY_COLUMN
from models.loyalty.account import Account
from models.loyalty.experiences import EXPERIENCES, VOICES
from models.loyalty.loop import LEVEL_STAGES, SLIPPED, STAGES, unpack_loop
from models.loyalty.stored import timer_of, unpack_account
from models.numerics.float16 import from_float16, to_float16
from models.settings import DAY, SECOND
from models.timeline.order import NEVER, Stage, stage_of, time_of, timer_position
from models.touchpoints import Kind, Payload, Touch
from models.touchpoints.kinds import RIGHTS
from models.touchpoints.types.identities import IdentityMergedData, IdentityMovedData
from tests.reference.basis import basis_of
from tests.reference.behaviour import LAST_SECOND, oldest_case, update
from tests.reference.calendar import begins_example, next_tick, tick_number, tick_time
from tests.reference.money import money_of
from tests.reference.risk import close

OF_POINTS = {"return", "reward_redeemed", "reward_cancelled", "points_adjusted"}
"""What the ledger of points reads by itself."""


NO_TOUCH = {Kind.IDENTITY_MERGED, Kind.EXPIRED_UNSENT, Kind.LOOKED_AT, Kind.ASKED_MAY, Kind.PREVIEW_ASKED}
"""Of a merge, and of what no customer does, an id that is another's asks no more than whether it is remembered."""


class Arrival(NamedTuple):
    """A touchpoint in a piece: its row of the batch, shard time as of it."""

    index: int
    now: int
    touch: Touch


class Step(NamedTuple):
    """One row of the line. `what`: what it did. `basis`: what to score, or None when there is nothing to score."""

    at: OutputPosition
    now: int
    what: str
    touch: Touch | None
    basis: array[float] | None = None
    may_open: bool = True
    asks: int = 0


def _by_sign(moment: Moment) -> bool:
    """Whether a moment goes by a sign of staying."""
    return bool(moment.silent_for) or moment.field in ("customer_since", "anniversary")


class Lane:
    """One customer in one piece. `times`: shard time as of each of its records."""

    def __init__(
        self,
        customer: bytes,
        record: Record | None,
        work: Work,
        times: Sequence[int],
    ) -> None:
        self.customer, self.record, self.work = customer, record, work
        self.hash = hash_of(customer)
        self.settings, self.policy = work.settings, work.policy
        self._first, self._times, self._bound = work.piece.first, times, work.piece.bound
        self.arrivals: deque[Arrival] = deque()
        self.loaded_due = record.times[DUE] if record else NEVER
        self.loaded_band = record.band if record else None
        self.loaded_value = (record.worth.counted, record.worth.bucket) if record else (0, 0)
        self.loaded_stage = self.stage
        self.changed, self.now = False, 0
        self.unsure = 0
        # Of the step under way: whether it closed the episode of who objects to profiling, and what it told of them.
        self.objected = False
        self.entry: tuple[Payload, bool] | None = None

    @property
    def stage(self) -> int:
        """Of the loyalty loop, as which the customer counts; 0: none. Who tries things out counts as nobody."""
        tail = self.record.tail if self.record else Tail()
        tries = tail.restrictions and TEST in unpack_restrictions(tail.restrictions)
        return 0 if tries else unpack_loop(tail.loyalty).stage

    def upcoming(self) -> tuple[OutputPosition, float] | None:
        """Where the next step stands, and its due place (0.0: it is a touchpoint); None when the lane is done."""
        due = self.record.times[DUE] if self.record else NEVER
        if self.arrivals:
            arrival = self.arrivals[0]
            if due == NEVER or time_of(due) > arrival.now:
                return (arrival.index, 1, 0.0, b""), 0.0
        elif (due, self.customer) >= self._bound:
            return None
        index = self._first + bisect_left(self._times, time_of(due))
        return (index, 0, due, self.customer), due

    def step(self, at: OutputPosition, due: float) -> Step:
        """Take the step that `upcoming` announced."""
        self.changed, self.objected, self.entry = True, False, None
        self.now = time_of(due) if due else self.arrivals[0].now
        return self._due_step(at, due) if due else self._touch_step(at, self.arrivals.popleft())

    # -- the policy in force

    @property
    def standing(self) -> Standing:
        return unpack_standing(self.record.tail.standing) if self.record else Standing()

    @property
    def timer(self) -> int:
        """The next timer of what waits, of points and of the level; 0: there is none."""
        points = unpack_account(self.record.tail.points) if self.record else Account()
        spread = spread_of(phase_of(self.settings, self.hash))
        level = timer_of(self.record.tail.membership) if self.record else 0  # of one that came over it is at once
        timers = (self.standing.next_timer(), points.next_timer(spread), level)
        return min(filter(None, timers), default=0)

    def keep(self, standing: Standing) -> None:
        if self.record:
            self.record.tail.standing = pack_standing(standing)

    @property
    def levels(self) -> list[float]:
        """The thresholds of this customer, lowest first."""
        if self.policy is None:
            return [self.settings.enter]
        if self.under_contract:
            return [inf]
        return [level.at for level in self.policy.levels(self._class, self._tier, self._stage)]

    @property
    def exit(self) -> float:
        if self.under_contract:
            return 2.0
        return self.settings.exit if self.policy is None else self.policy.exit(self._class, self._tier, self._stage)

    @property
    def _tier(self) -> int:
        """Of value, by whose levels the customer goes: that at which the open episode opened, else as it was before."""
        if self.policy is None or self.record is None or not self.policy.policy.risk.for_tiers:
            return 0
        return self.record.worth.held - 1

    @property
    def _stage(self) -> int:
        """Of the loyalty loop, by whose levels the customer goes: as it was before they slipped."""
        if self.policy is None or self.record is None or not self.policy.policy.risk.for_stages:
            return 0
        loop = unpack_loop(self.record.tail.loyalty)
        stage = (None, *STAGES)[loop.before if loop.stage in SLIPPED else loop.stage]
        return LEVEL_STAGES.index(stage) + 1 if stage in LEVEL_STAGES else 0

    def hold_tier(self) -> None:
        """Before the customer is scored, by which another tier may be found."""
        if self.record is None:
            return
        worth = self.record.worth
        if self.policy is None or not self.policy.policy.risk.for_tiers:
            worth.held = 0
        elif self.record.band != Band.AT_RISK or not worth.held:
            worth.held = 1 + worth.tier

    @property
    def under_contract(self) -> bool:
        """Whether a contract runs, so that silence says nothing."""
        policy, record = self.policy, self.record
        if policy is None or policy.policy.contract.levels or self.settings.alive == "contract" or record is None:
            return False
        contract = unpack_contract(record.tail.contract) if record.tail.contract else None
        if contract is None:
            return False
        return contract.state in ("active", "paused") or (contract.state == "ends" and self.now < contract.renews_at)

    @property
    def _class(self) -> str:
        return (self.record.tail.customer_class if self.record else "") or "consumer"

    @property
    def reached(self) -> float:
        """The highest threshold that has asked."""
        if self.policy is not None:
            return self.standing.reached
        return self.settings.enter if self.record and self.record.band == Band.AT_RISK else 0.0

    def moments(self, touch: Touch) -> tuple[str, ...]:
        """The touchpoint moments that a touchpoint asks."""
        if self.policy is None:
            return ()
        found = []
        for name, moment in self.policy.policy.moment.items():
            if Kind(touch.kind).type in moment.touchpoints:
                when = moment.when
                if when is None or holds(when, lambda field: getattr(touch.data, field, None)):
                    found.append(name)
        return tuple(found)

    def asks(self, touch: Touch) -> int:
        """Whether a touchpoint ends with a decision."""
        if self.policy is None:
            return 0
        taking_back = {name for action in self.policy.policy.action.values() for name in action.withdraw_when or ()}
        for plan in self.policy.policy.plan.values():
            taking_back |= {*plan.ends_with, *(name for step in plan.steps for name in step.unless)}
        wakes = touch.kind in TOLD or touch.kind in REPORTS or Kind(touch.kind).type in taking_back
        wakes = wakes or self._answers(touch) or self._may_be_reached(touch)
        stands = self.record is not None and bool(self.record.tail.standing)
        points = self.policy.policy.points
        if points is not None:
            earning = {one for rule in points.earn.values() for one in rule.touchpoints}
            if Kind(touch.kind).type in earning | OF_POINTS:
                return Asks.TOUCHPOINT
        levels = self.policy.policy.membership
        if levels is not None and levels.counts != "points" and Kind(touch.kind).type in ("purchase", "return"):
            return Asks.TOUCHPOINT
        learned = self.policy.policy.choice.learned
        told_of_a_window = learned and touch.kind == Kind.PURCHASE and bool(self.standing.window_ends)
        if told_of_a_window or self._may_set_a_date(touch):
            return Asks.TOUCHPOINT
        talk = self.policy.policy.conversation
        talks = talk is not None and Kind(touch.kind).type in talk.touchpoints
        if (
            talks
            or is_bad(touch.kind, touch.data)
            or touch.kind in COUNTED
            or self.moments(touch)
            or (wakes and stands)
        ):
            return Asks.TOUCHPOINT
        return self._moves_the_loop(touch)

    def _may_be_reached(self, touch: Touch) -> bool:
        """Whether somebody comes online where that opens a way to them, or it may end a wait for them to leave."""
        if self.policy is None or touch.kind != Kind.PRESENCE:
            return False
        talk, channel = self.policy.policy.conversation, self.policy.policy.channel.get(touch.data.channel)
        if talk is not None and talk.channels:
            return True
        return touch.data.state == "online" and channel is not None and channel.presence

    def _answers(self, touch: Touch) -> bool:
        moments = self.policy.policy.moment.values() if self.policy else ()
        return any(Kind(touch.kind).type in moment.answered_by for moment in moments)

    def _moves_the_loop(self, touch: Touch) -> int:
        """What a touchpoint asks that is an experience which weighs, speaks of us, or is a sign of staying or of
        leaving: a decision only where that changes how we stand with them, or a good word asks."""
        loyalty = self.policy.policy.loyalty if self.policy else None
        if self.policy is None or loyalty is None:
            return 0
        felt = EXPERIENCES.get(touch.kind)
        weighs = felt is not None and loyalty.weights.get(Kind(touch.kind).type, felt.weight) > 0
        alive = self.settings.alive
        if not (weighs or touch.kind in VOICES or touch.kind in SIGNS[alive] or touch.kind in LEAVING[alive]):
            return 0
        thanked = any(moment.sort == "spoke_well" for moment in self.policy.policy.moment.values())
        return Asks.TOUCHPOINT if touch.kind in REPORTS or (thanked and touch.kind in VOICES) else Asks.LOOP

    def _may_set_a_date(self, touch: Touch) -> bool:
        """Whether a touchpoint tells a date that a moment goes by, or ends a silence that has no timer."""
        moments = self.policy.policy.moment.values() if self.policy else ()
        told_by = {
            "points_expire": "none but the ledger's",
            **dict.fromkeys(("customer_since", "anniversary"), "none: like a silence"),
            **dict.fromkeys(("renews_at", "cancel_by", "ends_at"), "subscription_"),
            "minor_until": "profile_updated",
            "consent_expires": "consent_changed",
        }
        kind = Kind(touch.kind).type
        if any(moment.field and kind.startswith(told_by[moment.field]) for moment in moments):
            return True
        timers = {one.moment: one.date for one in self.standing.dates if one.wakes}
        lacks = [
            moment for name, moment in self._moments() if _by_sign(moment) and not self._rings(name, moment, timers)
        ]
        return touch.kind in SIGNS[self.settings.alive] and bool(lacks)

    def _rings(self, name: str, moment: Moment, timers: Mapping[int, int]) -> bool:
        """Whether a silence, or the day of the first sign, has a timer, and that of a silence is not too late."""
        date, last = timers.get(number_of(name)), self.record.times[LAST_PURCHASE] if self.record else 0
        if date is None or moment.silent_for is None:
            return date is not None
        return date <= -(-int(last + ms_of(moment.silent_for)) // SECOND) * SECOND

    def _moments(self) -> Iterable[tuple[str, Moment]]:
        return self.policy.policy.moment.items() if self.policy else ()

    def end_episode(self, step: Step) -> None:
        """The levels may ask again, and what waits for risk is void."""
        if self.policy is not None and self.record is not None and self.record.tail.standing:
            standing = self.standing
            row = Row(step.at, step.now, self.customer, None)
            emit_end_of_episode(self.work, self.policy, row, standing)
            self.keep(standing)

    def learn(self, step: Step, probability: float | None, crossing: int) -> None:
        """At a tick, open learning snapshots if it is this customer's turn; when will the risk cross a threshold?

        crossing: when the risk will cross the threshold before the next tick, in seconds, 0: it won't.
        """
        record = self.record
        if record is None:
            return
        if step.basis is not None and probability is not None:
            if step.what == "tick":
                self._take(record, step, PENDING_RETURNED, BACK, self.settings.tick)
                active = step.now - record.times[LAST_PURCHASE] <= self.settings.horizon
                if active and self._take(record, step, PENDING_CHURNED, STAYED, self.settings.horizon):
                    record.numbers[PENDING_RISK] = probability
            record.seconds[CROSSING] = crossing if record.times[TICK] else 0

    def finish(self, step: Step) -> None:
        """After the decision: when is what due?"""
        if self.record is not None:
            self.record.times[DUE] = self._next_due(self.record, step.now)

    def _take(self, record: Record, step: Step, sort: int, flag: int, window: int) -> bool:
        if record.flags & UNLEARNED or record.pending_ticks[sort]:
            return False
        if not begins_example(self.settings, self.hash, step.now, window):
            return False
        record.pending_ticks[sort] = tick_number(self.settings, self.hash, step.now)
        record.pending_bases[sort] = array("H", to_float16(np.array(step.basis)).tobytes())
        self.drop_money(sort)
        if self.work.values:
            spent, returned = to_float16(np.array(money_of(record), dtype=np.float32)).tolist()
            setattr(record.worth, f"spent_{sort}", spent + 1)
            setattr(record.worth, f"returned_{sort}", returned)
        record.flags &= ~flag
        return True

    # -- what was drawn and done

    def weighed(self, sort: int, step: Step) -> Weighed:
        """What is said of an open snapshot whose label is due; draws that no other meets are forgotten."""
        standing, settings, taken = self.standing, self.settings, self.taken(sort)
        treated = standing.treated
        if self.record is None or treated is None:
            return Weighed()
        end = taken + (settings.horizon if sort == PENDING_CHURNED else settings.tick)
        silence = from_float16(np.array(self.record.pending_bases[sort], dtype=np.uint16))[RECENCY_COLUMN]
        met = []
        for one in treated.draws:
            if taken < one.opened <= end and one.last <= taken:
                met.append(one)
            signed, last, drawn = taken - float(silence) * DAY, one.last // DAY * DAY, one.opened // DAY * DAY
            none_since = signed < last + DAY / 2 if last == drawn else signed < drawn - DAY / 2
            if one.opened <= taken < one.ends and none_since:
                met.append(one)
        kept = tuple(one for one in treated.draws if one.ends > step.now - settings.horizon - settings.lateness)
        standing.treated = treated._replace(draws=kept) if kept else None
        self.keep(standing)
        if not met:
            return Weighed()
        if any(one.given for one in met):
            return Weighed(treated=True)
        alone = 1.0
        for one in met:
            alone *= one.alone / 2**32
        return Weighed(untreated=treated.share + (1.0 - treated.share) * alone)

    # -- money

    def money(self, sort: int) -> bytes:
        """What goes with a label of a sort; nothing where its example was begun without."""
        worth = self.record.worth if self.record else Worth()
        spent, returned = getattr(worth, f"spent_{sort}"), getattr(worth, f"returned_{sort}")
        return array("H", (spent - 1, returned)).tobytes() if spent else b""

    def drop_money(self, sort: int) -> None:
        if self.record:
            setattr(self.record.worth, f"spent_{sort}", 0)
            setattr(self.record.worth, f"returned_{sort}", 0)
            self.record.worth.net = self.record.worth.net if sort == PENDING_RETURNED else 0.0

    def _count_money(self, record: Record, touch: Touch) -> None:
        """A purchase or a return within the horizon of the open snapshot."""
        if record.worth.spent_0 and touch.kind in (Kind.PURCHASE, Kind.RETURN):
            taken = self.taken(PENDING_CHURNED)
            if taken <= touch.time < taken + self.settings.horizon:
                record.worth.net += touch.a if touch.kind == Kind.PURCHASE else -touch.a

    # -- due items

    def _due_step(self, at: OutputPosition, due: float) -> Step:
        record, now = self.record, time_of(due)
        if record is None:
            raise ValueError(f"a due item of {self.customer!r} without a record")
        if stage_of(due) == Stage.LABELS:
            return Step(at, now, "label" if self.label_time(PENDING_CHURNED) == now else "return", None)
        if stage_of(due) == Stage.LEAVING:
            return Step(at, now, "forgotten", None)
        asks = Asks.TIMER if self.policy is not None and self.timer == now else 0
        if not record.times[TICK]:
            return Step(at, now, "timer", None, asks=asks)
        if now - record.times[LAST_PURCHASE] > self.settings.silence:
            return Step(at, now, "lapse", None, asks=asks)
        what = "crossing" if record.seconds[CROSSING] * SECOND == now else "timer"
        if record.times[TICK] == now:
            what = "tick"
            record.times[TICK] = now + self.settings.tick
        return Step(at, now, what, None, basis_of(record, now), asks=asks)

    def taken(self, sort: int) -> int:
        """When the open snapshot of a sort was taken."""
        return tick_time(self.settings, self.hash, self.record.pending_ticks[sort]) if self.record else 0

    def label_time(self, sort: int) -> int | None:
        """When its label is due; None without one."""
        if self.record is None or not self.record.pending_ticks[sort]:
            return None
        window = self.settings.horizon if sort == PENDING_CHURNED else self.settings.tick
        return self.taken(sort) + window + self.settings.lateness

    def _next_due(self, record: Record, now: int) -> float:
        tick, crossing = int(record.times[TICK]), 0 if record.flags & LEFT else record.seconds[CROSSING]
        timer = self.timer if self.policy is not None else 0
        places = [timer_position(time, Stage.SCORES) for time in (tick, crossing * SECOND, timer) if time]
        places += [
            timer_position(time, Stage.LABELS)
            for sort in (PENDING_CHURNED, PENDING_RETURNED)
            if (time := self.label_time(sort))
        ]
        if not places and (leaving := self._leaving(record, now)):
            places.append(timer_position(leaving, Stage.LEAVING))
        return float(min(places, default=NEVER))

    def _leaving(self, record: Record, now: int) -> int | None:
        """When nothing of the customer will be kept any more; None where something must be."""
        erased_for_good = record.flags & ERASED and record.flags & NO_CONSENT
        if not self.settings.forget_after or not record.times[NEWEST] or record.open_cases or erased_for_good:
            return None
        if is_merged(record.flags):
            return None
        silent_until = int(record.times[NEWEST]) + self.settings.silence + self.settings.forget_after
        return next_tick(self.settings, self.hash, max(silent_until, now))

    def forget(self) -> None:
        """Nothing of the customer is kept but an objection."""
        before, self.record = self.record, None
        if before is not None:
            kept = self._without_history(before, erased=False)
            if kept.tail != Tail():
                self.record = kept
                self.record.band = before.band

    def _without_history(self, before: Record, erased: bool) -> Record:
        """A blank record with the objections of the former one."""
        record = Record(self.customer)
        record.tail = kept_of(before.tail, erased)
        record.flags = flags_of(record.tail)
        return record

    # -- touchpoints

    def _touch_step(self, at: OutputPosition, arrival: Arrival) -> Step:
        touch, now = arrival.touch, arrival.now
        record = self.record
        reopened = ""
        merged = record is not None and is_merged(record.flags)
        if merged or touch.kind in (Kind.IDENTITY_MERGED, Kind.IDENTITY_MOVED):
            return self._of_identity(at, arrival, record or Record(self.customer), merged)
        if touch.kind == Kind.EXPIRED_UNSENT:
            stands = self.policy is not None and record is not None and bool(record.tail.standing)
            return Step(at, now, self._rearm(touch), touch, asks=Asks.TOUCHPOINT if stands else 0)
        if touch.kind == Kind.SHARED_MOMENT:
            known = self.policy is not None and record is not None and not record.flags & ERASED
            if not known:
                answer_for_nobody(self.work, Row(at, now, self.customer, None), touch.data)
            return Step(at, now, "asked", touch, asks=Asks.TOUCHPOINT if known else 0)
        if touch.kind in (Kind.LOOKED_AT, Kind.ASKED_MAY, Kind.PREVIEW_ASKED):
            known = self.policy is not None and record is not None and not record.flags & ERASED
            return Step(at, now, "asked", touch, asks=Asks.TOUCHPOINT if known else 0)
        if record is not None and record.flags & ERASED and self.settings.forget_after:
            granted = touch.kind == Kind.CONSENT_CHANGED and touch.a and touch.time > record.times[NEWEST]
            if not granted or touch.time < now - self.settings.lateness:
                if touch.kind in REFUSES:
                    refuse(record.tail, touch.kind, touch.data, touch.time)
                    record.flags |= NO_CONSENT if record.tail.consents else 0
                return Step(at, now, "after_erasure", touch)
            record = self.record = self._without_history(record, erased=True)
            reopened = " reopened"
        between = arrival.index in self.work.batch.columns.between
        if record is None:
            record = self.record = Record(self.customer)
            self.unsure += self._may_be_of_a_former_life(touch, now) and not between
        elif record.has_seen(touch.id_hash) or (not between and record.has_seen(touch.id_hash ^ PASSED_ON)):
            return Step(at, now, "duplicate", touch)
        elif not between and self._is_beyond(record, touch, now):
            return Step(at, now, "beyond", touch)
        record.remember(touch.id_hash)
        if touch.kind == Kind.ERASE_REQUESTED:
            self._erase(at, touch, now)
            return Step(at, now, "erased", touch)
        if record.flags & ERASED:
            return Step(at, now, "after_erasure", touch)
        late = touch.time < now - self.settings.lateness
        asks = self.asks(touch)
        if tells(touch.kind, touch.data) or record.flags & UNLEARNED:
            self._take_in(record, touch, late, now)
        update(record, touch, self.settings, self.hash, late)
        self._count_money(record, touch)
        what = ("late" if late else "applied") + reopened
        if touch.kind in LEAVING[self.settings.alive] and touch.time >= record.times[LAST_PURCHASE]:
            before = record.seconds[CANCELLED] if record.flags & LEFT else 1
            record.flags = (record.flags | LEFT) & ~(STAYED | BACK)
            record.seconds[CANCELLED] = min(max(touch.time // SECOND, before), LAST_SECOND)
            return Step(at, now, what + " leaving", touch, asks=asks)
        alive = touch.kind in SIGNS[self.settings.alive]
        if alive and not record.times[TICK] and not record.flags & (LEFT | UNSCORED):
            record.times[TICK] = next_tick(self.settings, self.hash, now)
        silent = now - record.times[LAST_PURCHASE] > self.settings.silence
        if not record.numbers[PURCHASE_DAYS] or record.flags & (LEFT | UNSCORED) or silent:
            return Step(at, now, what, touch, asks=asks)
        # A customer who has just bought is not lost, whatever the model expects: the next tick estimates again.
        may_open = not late and not alive
        return Step(at, now, what, touch, basis_of(record, now), may_open, asks)

    def _of_identity(self, at: OutputPosition, arrival: Arrival, record: Record, merged: bool) -> Step:
        """The customer's id is another's, or another's is theirs."""
        touch, now = arrival.touch, arrival.now
        if arrival.index not in self.work.batch.columns.between:
            if record.has_seen(touch.id_hash) or record.has_seen(touch.id_hash ^ PASSED_ON):
                return Step(at, now, "duplicate", touch)
            if merged and touch.kind not in NO_TOUCH:
                if self._is_beyond(record, touch, now):
                    return Step(at, now, "beyond", touch)
                if not record.flags & WAS_ERASED:  # there stands when it was
                    record.times[NEWEST] = max(record.times[NEWEST], touch.time)
            record.remember(touch.id_hash ^ PASSED_ON if merged else touch.id_hash)
        row, data = Row(at, now, self.customer, None), touch.data
        phase = phase_of(self.settings, self.hash)
        if merged:
            self.record = pass_on(self.work, row, record, arrival.index, phase)
        elif isinstance(data, IdentityMergedData):
            came = self.work.batch.columns.between.get(arrival.index)
            self.record = merge_away(self.work, row, record, data.into, came, self._named_tier(record))
        elif isinstance(data, IdentityMovedData):
            self.record = take_over(self.work, row, record, data, phase, self._named_tier(record))
        if self.record is not None and self.record.flags & (ERASED | UNLEARNED):
            self.record.worth = Worth()
        return Step(at, now, "identity", touch)

    def _named_tier(self, record: Record) -> str | None:
        """The tier of value that the customer is in."""
        known = self.policy is not None and record.worth.bucket
        return self.policy.tier_named(record.worth.tier) if self.policy is not None and known else None

    def _take_in(self, record: Record, touch: Touch, late: bool, now: int) -> None:
        """What a touchpoint tells of the person; who objects to profiling has no open episode any more."""
        before = record.flags
        take_in(record, touch.kind, touch.time, touch.data, late, now, by_policy=self.policy is not None)
        record.open_cases = open_cases(record.tail)
        if record.tail.cases or not record.tail.more_cases:
            record.seconds[OLDEST_CASE] = oldest_case(record)
        if record.flags & UNLEARNED and not before & UNLEARNED:
            for sort in (PENDING_CHURNED, PENDING_RETURNED):
                record.pending_ticks[sort] = 0
                record.pending_bases[sort] = array("H", bytes(2 * BASIS))
            record.numbers[PENDING_RISK] = 0.0
            record.flags &= ~(STAYED | BACK)
            record.worth = Worth()
        self.entry = (touch.data, late)
        if record.flags & UNSCORED and not before & UNSCORED:
            self.objected = self.lapse()
            record.numbers[RISK] = 0.0
            if not record.numbers[PURCHASE_DAYS]:
                record.band = Band.PROSPECT

    def _is_beyond(self, record: Record, touch: Touch, now: int) -> bool:
        """Whether it may have been here before all that is remembered, and is too old for the benefit of it."""
        if not (all(record.ids) and touch.time <= record.times[NEWEST]) and not self._may_be_of_a_former_life(
            touch, now
        ):
            return False
        window = self.settings.duplicate_window
        if window and touch.time < record.times[NEWEST] - window and touch.kind not in RIGHTS:
            return True
        self.unsure += 1
        return False

    def _may_be_of_a_former_life(self, touch: Touch, now: int) -> bool:
        """Whether it is so old that the customer may have left the store since."""
        forget_after = self.settings.forget_after
        return bool(forget_after) and touch.time < now - self.settings.silence - forget_after

    def _rearm(self, touch: Touch) -> str:
        """A trigger expired before it could be sent: the episode may ask again, once the risk is next estimated."""
        record = self.record
        wanted = getattr(touch.data, "trigger_id", "")
        if record is None or record.band != Band.AT_RISK or record.tail.trigger.hex() != wanted:
            return "stale"
        record.tail.trigger = b""
        record.flags |= REARMED
        return "rearmed"

    def _erase(self, at: OutputPosition, touch: Touch, now: int) -> None:
        """Forget all but that there is nothing to remember: the id check, the ring of event ids, the flag.

        Where records leave, the time of the erasure and an objection in place of the ids.
        """
        if self.policy is not None and self.record is not None and self.record.tail.standing:
            row = Row(at, now, self.customer, None)
            emit_withdrawals(self.work, self.policy, row, self.standing, "erased")
        if self.record is not None:
            close_earned(self.work, Row(at, now, self.customer, None), self.record.tail)
        if self.settings.forget_after and self.record is not None:
            self.record = self._without_history(self.record, erased=True)
            objects = self.record.tail != Tail()
            self.record.flags, self.record.band = ERASED | (NO_CONSENT if objects else 0), Band.ERASED
            self.record.times[NEWEST] = now
            return
        blank = Record(self.customer)
        blank.flags, blank.band = ERASED, Band.ERASED
        blank.remember(touch.id_hash)
        self.record = blank

    def lapse(self) -> bool:
        """Leave the risk bands; True when an episode was open."""
        record = self.record
        if record is None:
            raise ValueError(f"{self.customer!r} can't lapse without a record")
        record.times[TICK] = 0
        record.worth.bucket = record.worth.tier = record.worth.counted = record.worth.held = 0
        if not record.flags & LEFT:
            record.seconds[CROSSING] = 0
        was_open = bool(record.times[EPISODE])
        close(record, Band.LAPSED)
        return was_open
