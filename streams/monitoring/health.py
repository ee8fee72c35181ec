"""Health and readiness of a worker: which shards make progress, which stand still and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["idle", "working", "waiting"]


@dataclass(slots=True)
class _Shard:
    state: State
    since: float  # of the last progress: a commit, or work that came to an idle shard
    why: str = ""


class Progress:
    """Whether the shards move. Fed by their owner, once per batch; one thread.

    A shard is *idle* (nothing to do), *working* or *waiting* (it has work and says why it can't do it). The last two
    must move within `stall_after_s`. Beside that its outputs may be *unpublished*: commits go on then, and so does
    idleness, so that only a published transaction ends it. And its input may be *held* by an open transaction of a
    producer: it looks idle then, since Kafka hands nothing out. One that can't go on is *parked*, at once unhealthy.
    """

    def __init__(self, stall_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.stall_after_s = stall_after_s
        self._clock = clock
        self._shards: dict[int, _Shard] = {}
        self._unpublished: dict[int, tuple[float, str]] = {}  # since when, and why
        self._held: dict[int, tuple[float, str]] = {}
        self._takeover: dict[int | str, tuple[float, str]] = {}  # by shard, or the learner: since when, and why
        self._parked: dict[int | str, tuple[float, str, str]] = {}  # since when, over which error, in words
        self._learner: tuple[float, str] | None = None  # since when it waits, and why
        self._ready = False
        self.learner_trouble: str | None = None
        """Why the learner of this worker stands still, if it does."""
        self.relearning: str | None = None
        """How far the learner of this worker is, while it learns all anew beside another model's versions."""
        self.topic_trouble: str | None = None
        """Why the input topic can't be read by any shard, if it can't."""

    @property
    def complete(self) -> bool:
        """An assignment is taken over."""
        return self._ready

    @property
    def ready(self) -> bool:
        """An assignment is taken over (it may be empty: more workers than shards) of a topic that is there."""
        return self._ready and self.topic_trouble is None

    def taken_over(self, shards: Collection[int], complete: bool = True) -> None:
        """Who of an assignment has begun; shards that stay keep what was known of them. complete: all of it."""
        now = self._clock()
        self._shards = {shard: self._shards.get(shard) or _Shard("idle", now) for shard in shards}
        self._unpublished = {shard: why for shard, why in self._unpublished.items() if shard in self._shards}
        self._held = {shard: why for shard, why in self._held.items() if shard in self._shards}
        self._ready = complete

    def revoked(self) -> None:
        """A rebalance has begun: no shard is ours until the next `taken_over`. A publisher's trouble is told once only,
        so that it is kept for the shards that stay."""
        self._shards.clear()
        self._ready = False

    def working(self, shard: int) -> None:
        """A batch was taken in."""
        self._enter(shard, "working", "")

    def moved(self, shard: int) -> None:
        """A commit stands."""
        self._shards[shard] = _Shard("working", self._clock())

    def waiting(self, shard: int, why: str) -> None:
        """There is work, but it can't be done now."""
        self._enter(shard, "waiting", why)

    def idle(self, shard: int) -> None:
        """Nothing to do."""
        self._shards[shard] = _Shard("idle", self._clock())

    def unpublished(self, shard: int, why: str) -> None:
        """The shard's outputs can't be made public; the clock runs from the first time on."""
        since, _ = self._unpublished.get(shard, (self._clock(), ""))
        self._unpublished[shard] = since, why

    def published(self, shard: int) -> None:
        """They can, or are no longer ours to publish."""
        self._unpublished.pop(shard, None)

    def held(self, shard: int, seconds: float, why: str) -> None:
        """For so long Kafka has handed out nothing of what has come for the shard."""
        self._held[shard] = self._clock() - seconds, why

    def flows(self, shard: int) -> None:
        """What comes is handed out, or is no longer ours to read."""
        self._held.pop(shard, None)

    def takeover_waits(self, place: int | str, why: str | None) -> None:
        """A takeover of a shard, or the learner's, waits; None: it does no more."""
        if why is None:
            self._takeover.pop(place, None)
        else:
            since, _ = self._takeover.get(place, (self._clock(), ""))
            self._takeover[place] = since, why

    def parked(self, place: int | str, error: str | None, why: str = "") -> None:
        """A shard, or the learner, is parked over a named error; None: it is no more."""
        if error is None:
            self._parked.pop(place, None)
        else:
            since, _, _ = self._parked.get(place, (self._clock(), "", ""))
            self._parked[place] = since, error, why

    def parks(self) -> list[dict[str, Any]]:
        """Who is parked, for people."""
        now = self._clock()
        return [
            {"shard": str(place), "seconds": round(now - since, 1), "error": error, "reason": why}
            for place, (since, error, why) in sorted(self._parked.items(), key=lambda told: str(told[0]))
        ]

    def learner_waits(self, why: str | None) -> None:
        """The learner of this worker waits; None: it does no more."""
        since, _ = self._learner or (self._clock(), "")
        self._learner = None if why is None else (since, why)

    def takeover(self) -> list[dict[str, Any]]:
        """What a takeover waits for, for people."""
        now = self._clock()
        return [
            {"shard": str(place), "seconds": round(now - since, 1), "reason": why}
            for place, (since, why) in self._takeover.items()
        ]

    @property
    def learner(self) -> str | None:
        """Why the learner stands still, what it waits for, or how far it is."""
        return self.learner_trouble or (self._learner[1] if self._learner is not None else self.relearning)

    @property
    def healthy(self) -> bool:
        """Nothing is parked or stands still for too long, the learner has no trouble, and the input topic is there."""
        waits = [*self._takeover.values(), *([self._learner] if self._learner is not None else [])]
        overdue = any(self._clock() - since > self.stall_after_s for since, _ in waits)
        trouble = bool(self._parked) or self.learner_trouble is not None or self.topic_trouble is not None
        return not overdue and not self.stalled() and not trouble

    def _enter(self, shard: int, state: State, why: str) -> None:
        known = self._shards.get(shard)
        # Waiting is no progress: the clock goes on from the last movement. Only idle time does not count.
        since = known.since if known is not None and known.state != "idle" else self._clock()
        self._shards[shard] = _Shard(state, since, why)

    def stalled(self) -> dict[int, tuple[float, str]]:
        """Shards that have work and have not moved, or that have not published, for too long: seconds since, and why as
        far as it is known."""
        now = self._clock()
        found = {}
        for shard, known in sorted(self._shards.items()):
            if shard in self._parked:  # told as such
                continue
            causes = []
            if known.state != "idle":
                causes.append((known.since, known.why or "no commit and no reason given"))
            causes += [why[shard] for why in (self._unpublished, self._held) if shard in why]
            overdue = [(since, why) for since, why in causes if now - since > self.stall_after_s]
            if overdue:
                found[shard] = now - min(since for since, _ in overdue), "; ".join(why for _, why in overdue)
        return found

    def states(self) -> dict[int, dict[str, Any]]:
        """Every shard's state, for people."""
        now = self._clock()
        return {
            shard: {"state": known.state, "seconds": round(now - known.since, 1)}
            | ({"reason": why} if (why := self._why(shard)) else {})
            for shard, known in sorted(self._shards.items())
            if shard not in self._parked
        } | {
            shard: {"state": "parked", "seconds": round(now - since, 1), "reason": why}
            for shard, (since, _, why) in self._parked.items()
            if isinstance(shard, int)
        }

    def _why(self, shard: int) -> str:
        beside = [why[shard][1] for why in (self._unpublished, self._held) if shard in why]
        return "; ".join(why for why in (self._shards[shard].why, *beside) if why)
