"""One customer under a policy: touchpoints, estimates and the standing's own timers, in the order of time."""

from __future__ import annotations

from typing import Any

from models.customer.consent import MARKETING, Statement, pack_register
from models.customer.tail import Tail
from models.decisions.given import Asks, Given, Said, Touched
from models.decisions.moments import decide
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing import Standing
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, WEEK
from models.timeline.stop_types import Stop
from models.touchpoints import Touch, event, read

NOW = 1_791_000_000_000
GRANTED = pack_register({(MARKETING, channel): Statement(True, NOW - DAY) for channel in ("email", "call")})
OPEN = Tail(consents=GRANTED)
DATA: dict[str, dict[str, Any]] = {
    "purchase": {"amount": 5},
    "call": {"direction": "outbound"},
    "payment_recovered": {},
    "subscription_cancelled": {},
    "payment_failed": {},
    "visit": {},
    "consent_changed": {"marketing": True},
    "cancel_started": {},
    "delivery_delayed": {"amount": 40},
    "price_change_announced": {},
    "complaint": {},
}


class Customer:
    """Who agreed to email and calls, a week after their last purchase."""

    def __init__(self, policy: PolicyInForce, purchases: int = 1, name: bytes = b"c") -> None:
        self.name, self.tail = name, OPEN
        self.policy, self.standing, self.purchases, self.now = policy, Standing(), purchases, NOW
        self.stops: tuple[Stop, ...] = ()
        self.said: list[tuple[int, Said]] = []

    def touch(self, kind: str, at: int | None = None, **data: Any) -> list[Said]:
        at = self.now if at is None else at
        self.wait(at)
        value = event(
            kind,
            id=f"{kind}-{at}",
            source="shop",
            subject=self.name.decode(),
            time_ms=at,
            data={**DATA.get(kind, {}), **data},
        )
        found = read(value, self.name, at)
        assert isinstance(found, Touch)
        told = Touched(int(found.kind), found.id, at, found.data, self.policy.asking.get(int(found.kind), ()))
        return self._step(at, Asks.TOUCHPOINT, told)

    def estimate(self, risk: float, stood: float = 0.0) -> list[Said]:
        """stood: the risk before, estimated under an earlier policy."""
        return self._step(self.now, Asks.LEVEL, None, risk, stood)

    def wait(self, until: int) -> None:
        """Let all timers ring up to a time."""
        while (timer := self.standing.next_timer()) and timer <= until:
            self._step(timer, Asks.TIMER, None)
        self.now = until

    def _step(
        self, now: int, why: Asks, touched: Touched | None, risk: float | None = None, stood: float = 0.0
    ) -> list[Said]:
        self.now, self.standing = now, unpack_standing(pack_standing(self.standing))
        person = Person(self.name, self.tail, 0, NOW - WEEK, self.purchases, 100.0, risk, NOW - WEEK)
        said = decide(
            Given(self.policy, person, self.standing, now, WEEK, 0, risk, why, touched, stood, stops=self.stops)
        )
        timer = self.standing.next_timer()
        assert not timer or timer > now
        self.said += [(now, one) for one in said]
        return said

    def triggers(self) -> list[tuple[float, str, str]]:
        """Days since the beginning, step and action."""
        return [((at - NOW) / DAY, one.moment, one.action) for at, one in self.said if one.sending is not None]

    def told(self, what: str) -> list[tuple[str, str]]:
        return [(one.moment, one.reason) for _, one in self.said if one.what == what]
