"""A synthetic world with a known truth: what contact does to customers who drift away, by reasons nobody sees.

Customers of six kinds buy in a rhythm of their own, drift for a reason, come back or leave. An action helps some, is
wasted on others, and makes some leave. The engine's side sees only what a shop would: purchases, complaints, cases,
opened messages, visits. Of every episode the expected net value of each action is known exactly, to the judge alone.

Luck has one place for each customer and week, whatever was done to anybody: a purchase count is the inverse of the
Poisson distribution at one uniform number a customer. So two policies in the same world meet the same luck, and what
differs is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np

from benchmarks.choice_episodes import Episodes, Floats, Whole
from benchmarks.choice_kinds import (
    ACTIONS,
    ANNOYED,
    BACK,
    BORED,
    COST,
    COUPONS,
    DRIFT,
    FACE,
    HARM,
    HELP,
    LEAST_HARM,
    LEAVE,
    OFFER,
    OPENS,
    PACE,
    SERVICE,
    SHARES,
    SHARES_DOGS,
    UNSUBSCRIBES,
    VISITS,
)

Effects = Literal["full", "dogs", "negative", "none", "idle", "turns"]

OK, DRIFTING, LEFT = range(3)
FEATURES: Final = (
    *("one", "tenure", "purchases", "silence", "complaints", "case", "sentiment", "opens", "visits", "coupons"),
    *("irregularity", "value", "risk", "contacts"),
)
WINDOW: Final = 8
"""Weeks until the outcome of an episode is told."""
BURN: Final = 40
"""Weeks that pass before the log begins."""
ENTER, EXIT = 0.5, 0.35
"""Risk at which an episode opens, and below which the next one may."""


_MOST_PURCHASES: Final = 24
"""In a week; at the fastest pace there is the chance of more is below 1e-14."""


class World:
    """Steps of a week: `weeks()` gives what opens at each week's end, `act` answers it, `matured` is what has ended.

    effects: `full`; `dogs`, with a fifth of sleeping dogs, where no action for everybody is worth its harm; `negative`,
    where every contact harms everybody; `none`, where contact changes nothing and costs nothing (A/A); `idle`, where it
    changes nothing and costs what it costs; `turns`, which is `full` and at half time becomes `negative`.
    """

    def __init__(self, seed: int, customers: int, weeks: int, effects: Effects = "full") -> None:
        self.seed, self.customers, self.weeks_in_all, self.effects = seed, customers, weeks, effects
        self._answers = effects not in ("none", "idle")
        self.week = -BURN
        self.matured: list[Episodes] = []
        self.net = 0.0
        """Margin less cost of all customers since week 0."""
        self._open: list[Episodes] = []
        self._born()
        self._tables()
        for _ in range(BURN):
            self._live()

    def _born(self) -> None:
        rng = np.random.default_rng([self.seed, 1])
        n = self.customers
        self.kinds = rng.choice(6, n, p=SHARES_DOGS if self.effects == "dogs" else SHARES)
        self._rate = np.clip(rng.gamma(3.0, 0.2, n), 0.12, 2.5)
        self._price = np.exp(rng.normal(2.35, 0.55, n))
        self._begin = rng.integers(-BURN, self.weeks_in_all - 8, n)
        self._begin[: n // 2] = -BURN

        def seen(means: Floats) -> Floats:
            return 1.6 * means[self.kinds] + rng.normal(0.0, 1.0, n)

        self._coupons = 0.7 * seen(COUPONS)
        self._opening = _logistic(0.8 * seen(OPENS))
        self._visiting = _logistic(0.8 * seen(VISITS) - 0.5)
        self._state = np.zeros(n, dtype=np.int8)
        self._purchases, self._spent = np.zeros(n), np.zeros(n)
        self._last = self._begin.astype(np.float64)
        self._gaps, self._log_gaps, self._log_gaps_squared = np.zeros(n), np.zeros(n), np.zeros(n)
        self._complaints, self._sentiment, self._contacts = np.zeros(n), np.zeros(n), np.zeros(n)
        self._case = np.zeros(n, dtype=np.bool_)
        self._opens, self._visits = np.full(n, 0.4), np.full(n, 0.4)
        self._unsubscribed = np.zeros(n, dtype=np.bool_)
        self._armed = np.ones(n, dtype=np.bool_)  # an episode may open
        self._busy_until = np.full(n, -BURN - 1)
        self._window_margin, self._window_redeemed = np.zeros(n), np.zeros(n)
        self._window_kept, self._coupon_out = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)

    def _tables(self) -> None:
        """Help, harm and moves between states, by kind."""
        negative = self.effects == "negative" or (self.effects == "turns" and self.week >= self.weeks_in_all // 2)
        contact = np.arange(5) > 0
        self._help = HELP * (not negative and self._answers)
        self._harm = np.maximum(HARM, LEAST_HARM) * contact if negative else HARM * self._answers
        self.cost = COST * (self.effects != "none")
        self._face = FACE * (self.effects != "none")
        self._moves = np.zeros((6, 3, 3))
        self._moves[:, OK, OK], self._moves[:, OK, DRIFTING] = 1.0 - DRIFT, DRIFT
        self._moves[:, DRIFTING, OK], self._moves[:, DRIFTING, LEFT] = BACK, LEAVE
        self._moves[:, DRIFTING, DRIFTING] = 1.0 - BACK - LEAVE
        self._moves[:, LEFT, LEFT] = 1.0
        self._paces = np.column_stack([np.ones(6), PACE, np.zeros(6)])

    # A week

    def weeks(self) -> Iterator[Episodes]:
        """What opens at the end of each week, until all windows are over; `matured` is then what has ended there."""
        while self.week < self.weeks_in_all + WINDOW:
            if self.effects == "turns" and self.week == self.weeks_in_all // 2:
                self._tables()
            self._live()
            self.matured = [one for one in self._open if self.week - one.week == WINDOW]
            self._open = [one for one in self._open if self.week - one.week < WINDOW]
            for one in self.matured:
                at = one.customers
                one.margin, one.redeemed = self._window_margin[at].copy(), self._window_redeemed[at].copy()
                one.kept = self._window_kept[at].copy()
            yield self._opened()

    def _live(self) -> None:
        now, n = self.week, self.customers
        rng = np.random.default_rng([self.seed, 2, now + BURN])
        moving, complaining, casing, talking, visiting, buying = rng.random((6, n))
        spending, mood = rng.normal(0.0, 1.0, (2, n))
        here = self._begin <= now
        state, kinds = self._state, self.kinds
        drifts = here & (state == OK) & (moving < DRIFT[kinds])
        back = (state == DRIFTING) & (moving < BACK[kinds])
        leaves = (state == DRIFTING) & (moving > 1.0 - LEAVE[kinds])
        self._state = state = np.select([drifts, back, leaves], [DRIFTING, OK, LEFT], state).astype(np.int8)

        bought = purchases(self._rate * self._paces[kinds, state] * _season(now), buying) * here
        bought = np.where(here & (self._begin == now), np.maximum(bought, 1), bought)
        margin = bought * self._price * np.exp(0.5 * spending - 0.125)
        self._note_purchases(now, bought, margin)

        complains = (drifts & (kinds == SERVICE) & (complaining < 0.8)) | (here & (complaining < 0.01))
        self._complaints = 0.85 * self._complaints + complains
        opens_case = (drifts & (kinds == SERVICE) & (casing < 0.6)) | (here & (complaining < 0.01) & (casing < 0.3))
        self._case = opens_case | (self._case & (casing > 0.12))
        sour = (state == DRIFTING) & (kinds == SERVICE)
        tone = np.where(complains, -1.5, np.where(sour, -0.6, 0.2)) + 0.8 * mood
        talks = here & ((talking < 0.15) | complains)
        self._sentiment = np.where(talks, 0.6 * self._sentiment + 0.4 * tone, self._sentiment)
        tired = np.where((state == DRIFTING) & (kinds == BORED), 0.6, np.where(state == LEFT, 0.25, 1.0))
        self._opens = 0.85 * self._opens + 0.15 * (talking < self._opening * tired)
        self._visits = 0.7 * self._visits + 0.3 * (visiting < self._visiting * np.where(state == LEFT, 0.2, 1.0))
        self._contacts *= 0.96

        inside = self._busy_until > now
        redeems = inside & self._coupon_out & (bought > 0)
        redeemed = np.where(redeems, self._face, 0.0)
        self._coupon_out &= inside & ~redeems
        self._window_margin += np.where(inside, margin, 0.0)
        self._window_redeemed += redeemed
        self._window_kept |= inside & (bought > 0)
        if now >= 0:
            self.net += float(margin.sum() - redeemed.sum())
        self.week = now + 1

    def _note_purchases(self, now: int, bought: Floats, margin: Floats) -> None:
        buys = bought > 0
        again = buys & (self._purchases > 0)
        gap = np.log(np.maximum(now - self._last, 0.5))
        self._log_gaps += np.where(again, gap, 0.0)
        self._log_gaps_squared += np.where(again, gap * gap, 0.0)
        self._gaps += again
        self._purchases += bought
        self._spent += margin
        self._last = np.where(buys, now, self._last)

    # What a shop sees

    def _pace(self) -> Floats:
        """Purchases a week, shrunk to .6, up to the last one: silence must not lower what a customer was."""
        return (self._purchases + 2.4) / (np.maximum(self._last - self._begin, 0) + 5.0)

    def _risk(self) -> tuple[Floats, Floats]:
        """What the shop estimates, and the silence in a customer's own rhythm."""
        silence = np.maximum(self.week - 1 - self._last, 0) * self._pace()
        signs = 1.6 * np.log(silence + 0.15) + 1.2 * self._case + 0.4 * np.minimum(self._complaints, 2)
        return _logistic(signs - 2.0), silence

    def _opened(self) -> Episodes:
        risk, silence = self._risk()
        free = (self._begin < self.week) & (self._busy_until <= self.week)
        crosses = (risk > ENTER) & self._armed & free
        self._armed = np.where(risk < EXIT, True, self._armed & ~crosses)
        if self.week > self.weeks_in_all:
            crosses[:] = False
        at = np.flatnonzero(crosses)
        features, worth = self._features(at, risk, silence)
        eligible = np.ones((len(at), len(ACTIONS)), dtype=np.bool_)
        eligible[self._unsubscribed[at], 1:] = False
        tier = np.digitize(worth, [35.0, 75.0])
        return Episodes(self.week, at, features, worth, tier, eligible, *self._truth(at), self.kinds[at])

    def _features(self, at: Whole, risk: Floats, silence: Floats) -> tuple[Floats, Floats]:
        mean = self._log_gaps[at] / np.maximum(self._gaps[at], 1)
        squares = (self._log_gaps_squared[at] + 3 * (mean * mean + 0.5)) / (self._gaps[at] + 3)
        irregular = np.sqrt(np.maximum(squares - mean * mean, 0.02))
        worth = self._pace()[at] * (self._spent[at] + 24.0) / (self._purchases[at] + 2.0) * WINDOW
        columns = [
            np.log((self.week - self._begin[at]) / 30),
            np.log((self._purchases[at] + 1) / 12),
            np.log((silence[at] + 0.3) / 2.0),
            self._complaints[at] - 0.2,
            self._case[at].astype(np.float64),
            self._sentiment[at],
            3 * (self._opens[at] - 0.4),
            3 * (self._visits[at] - 0.35),
            self._coupons[at],
            2 * (irregular - 0.7),
            np.log(worth / 50),
            4 * (risk[at] - 0.5),
            self._contacts[at] - 0.3,
        ]
        bounded = np.clip(np.column_stack(columns), -2.5, 2.5)
        return np.concatenate([np.ones((len(at), 1)), bounded], axis=1), worth

    def seen(self, silent: int) -> tuple[Whole, Floats, Floats]:
        """Whoever has begun and was silent for at most so many weeks: customers, features, and estimated risk."""
        at = np.flatnonzero((self._begin < self.week) & (self.week - 1 - self._last < silent))
        risk, silence = self._risk()
        return at, self._features(at, risk, silence)[0], risk[at]

    def silences(self) -> Floats:
        """Weeks since the last purchase, of all customers."""
        return self.week - 1 - self._last

    def lost(self, at: Whole, weeks: int) -> Floats:
        """The chance of no purchase in the weeks to come if nothing is done: exact, backwards over the chain."""
        never, kinds = np.ones((len(at), 3)), self.kinds[at]
        for week in reversed(range(weeks)):
            pace = self._rate[at][:, None] * self._paces[kinds] * _season(self.week + week)
            # The state of a week is that after its move, and purchases of the week follow it.
            never = np.einsum("nij,nj->ni", self._moves[kinds], np.exp(-pace) * never)
        found: Floats = never[np.arange(len(at)), self._state[at]]
        return found

    # What an action does

    def _after(self, at: Whole, action: Whole) -> Floats:
        """Chances of the three states at once after the actions, shape (n, 3)."""
        kinds, state = self.kinds[at], self._state[at]
        helps, harms = self._help[kinds, action], self._harm[kinds, action]
        found = np.zeros((len(at), 3))
        found[:, OK] = np.select([state == DRIFTING, state == OK], [helps * (1 - harms), 1 - harms], 0.0)
        found[:, LEFT] = np.where(state == LEFT, 1.0, harms)
        found[:, DRIFTING] = 1.0 - found[:, OK] - found[:, LEFT]
        return found

    def _truth(self, at: Whole) -> tuple[Floats, Floats]:
        """Of each action the expected margin of the window less expected cost, and the chance of a purchase in it:
        exact, backwards over the chain."""
        kinds, rate = self.kinds[at], self._rate[at][:, None]
        buys, never = np.zeros((len(at), 3)), np.ones((len(at), 3))
        for week in reversed(range(WINDOW)):
            pace = rate * self._paces[kinds] * _season(self.week + week)
            buys = np.einsum("nij,nj->ni", self._moves[kinds], pace + buys)
            never = np.einsum("nij,nj->ni", self._moves[kinds], np.exp(-pace) * never)
        found, kept = np.zeros((len(at), len(ACTIONS))), np.zeros((len(at), len(ACTIONS)))
        for action in range(len(ACTIONS)):
            after = self._after(at, np.full(len(at), action))
            found[:, action] = (after * buys).sum(axis=1) * self._price[at] - self.cost[action]
            kept[:, action] = 1.0 - (after * never).sum(axis=1)
            if action == OFFER:
                found[:, action] -= self._face * kept[:, action]
        return found, kept

    def act(self, episodes: Episodes, action: Whole) -> None:
        """The world's answer; each window opens. Raises ValueError for an action that was not eligible."""
        at = episodes.customers
        if not episodes.eligible[np.arange(len(at)), action].all():
            raise ValueError("an action that was not eligible")
        episodes.action = action.copy()
        rng = np.random.default_rng([self.seed, 3, self.week])
        luck, complaining, unsubscribing = rng.random((3, self.customers))[:, at]
        after = self._after(at, action)
        # One number, states in the order of their worth: no better action has the worse luck.
        self._state[at] = np.select(
            [luck < after[:, OK], luck < after[:, OK] + after[:, DRIFTING]], [OK, DRIFTING], LEFT
        )
        contact = (action > 0) & self._answers
        kinds = self.kinds[at]
        annoyed = np.where((kinds == SERVICE) & (action != OFFER), 0.3, 1.0) * ANNOYED[kinds]
        self._complaints[at] += contact & (complaining < 0.01 + annoyed)
        self._unsubscribed[at] |= unsubscribing < 0.003 + np.where(contact, UNSUBSCRIBES[kinds], 0.0)
        self._window_margin[at] = self._window_redeemed[at] = 0.0
        self._window_kept[at] = False
        self._coupon_out[at] = action == OFFER
        self._busy_until[at] = self.week + WINDOW
        self._contacts[at] += action > 0
        self.net -= float(self.cost[action].sum())
        if len(at):
            self._open.append(episodes)


def purchases(rates: Floats, luck: Floats) -> Floats:
    """Poisson counts: the inverse of the distribution at `luck`, one uniform number each."""
    chance = np.exp(-rates)
    below = chance.copy()
    found = np.zeros(len(rates))
    for count in range(1, _MOST_PURCHASES + 1):
        more = luck >= below
        if not more.any():
            break
        found[more] = count
        chance = chance * rates / count
        below = below + chance
    return found


def _logistic(values: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-values))
    return found


def _season(week: int) -> float:
    return float(1.0 + 0.15 * np.sin(2 * np.pi * week / 52))
