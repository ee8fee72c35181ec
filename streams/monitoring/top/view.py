"""The view model of `retention top`: plain, immutable data.

Everything that draws, prints or exports takes a `View` and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of a duration. p50_s, p99_s: seconds; inf above the histogram's last bound `top_s`. count: observations.

    window_s: how far back they were made; None: since the workers' start.
    """

    p50_s: float
    p99_s: float
    count: int
    top_s: float
    window_s: float | None


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One shard, as its owner tells. time: log time, ms. state: idle, working, waiting or "". why it waits."""

    shard: int
    lag: int | None = None
    outbox: int | None = None
    due: int | None = None
    time: int | None = None
    state: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker. ready, healthy: None where it did not say. why: in words, whatever is not well.

    events: since its start. memory: resident bytes.
    """

    name: str
    reachable: bool
    ready: bool | None = None
    healthy: bool | None = None
    why: tuple[str, ...] = ()
    shards: tuple[int, ...] = ()
    events: int = 0
    memory: int | None = None

    @property
    def well(self) -> bool:
        return self.reachable and self.ready is True and self.healthy is True


@dataclass(frozen=True, slots=True)
class TriggerRow:
    """A trigger or a withdrawal, fit to be shown.

    time, until: log time, ms; time 0: no trigger of this release, until 0: a withdrawal. probability None: it says
    none, as where a policy decides. kind: of the action, as the policy has it; empty: it has none.
    """

    time: int
    customer: str
    action: str
    channel: str
    probability: float | None
    reasons: tuple[str, ...]
    until: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget of the policy, in units of its running period, summed over the shards in view.

    allowed: handed out to the shards by now. reserved: taken. unmet: lacked room since the last version boundary.
    """

    name: str
    allowed: int
    reserved: int
    unmet: int


@dataclass(frozen=True, slots=True)
class QualityPoint:
    """Quality of all predictions whose outcome was known at log time `time` (ms)."""

    time: int
    labels: int
    auc: float | None
    log_loss: float | None


@dataclass(frozen=True, slots=True)
class View:
    """One look.

    at: wall clock, ms. time: log time that every shard has reached, ms; None while not all have begun.
    events, triggers, duplicates, dead, redelivered: since the workers' start. rate: events per second, over the last
    seconds; rates: one per look, oldest first, the newest last. goal: events there will be in all, if that is known.
    decided: by a policy since the workers' start, by what came of it, where there is any; held: by the gate that held
    a moment, most first. budgets: by name. alarms: that hold marketing, with their shards.
    uncounted: shards of which nobody can say how many customers are at which stage; then `stages` has none.
    lag, outbox, due: sums over shards; None where no worker tells. partitions: shards there are in all, None: unknown.
    champion: name of the model that decides, "" where it is not known; pinned: an operator chose it.
    latest: triggers, oldest first; fresh: how many of them, at the end, are new in this look.
    triggers_trouble: why the triggers can't be read, "" when they can.
    """

    title: str
    at: int
    time: int | None = None
    events: int = 0
    rate: float | None = None
    rates: tuple[float, ...] = ()
    goal: int | None = None
    triggers: int = 0
    duplicates: int = 0
    dead: int = 0
    redelivered: int | None = None
    decided: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    budgets: tuple[BudgetRow, ...] = ()
    alarms: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lag: int | None = None
    outbox: int | None = None
    due: int | None = None
    latency: Quantiles | None = None
    commits: Quantiles | None = None
    bands: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, int] = field(default_factory=dict)
    uncounted: tuple[int, ...] = ()
    quality: Mapping[str, float] = field(default_factory=dict)
    history: tuple[QualityPoint, ...] = ()
    version: int | None = None
    champion: str = ""
    pinned: bool = False
    partitions: int | None = None
    mode: str = ""
    shards: tuple[ShardRow, ...] = ()
    workers: tuple[WorkerRow, ...] = ()
    latest: tuple[TriggerRow, ...] = ()
    fresh: int = 0
    triggers_trouble: str = ""

    @property
    def customers(self) -> int:
        return sum(self.bands.values())

    @property
    def kinds(self) -> dict[str, int]:
        """How many of the latest triggers are of which kind, most first."""
        return dict(Counter(row.kind for row in self.latest if row.kind).most_common())

    @property
    def unowned(self) -> int:
        """Shards that no worker in view owns; 0 where their number is not known."""
        return max(0, (self.partitions or 0) - len(self.shards))
