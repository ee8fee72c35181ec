"""What became of the newest decisions: what each gate held back and its price, what waits, what came of actions.

Prices are reckoned as `retention simulate` does, from the candidates that each decision says it looked at. Of the topic
the newest records are read; what a gate held for good without any action being looked at has no price.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from models.decisions.shared_moments import SHARED_MOMENTS
from models.decisions.words import BECAME, told
from models.outputs import Decision
from models.simulation.funnel import CONTROL, ENDS, LEFT_ALONE, VOID, Funnel
from streams.config import Config
from streams.errors import EngineError
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.operations.policy import newest, shard_now, shards_now
from streams.operations.redis_access import store_of

MOST: Final = 40_000
"""Records that are read at most."""
OFFERED: Final = "offered"
"""Of a shared moment: one of the two has the trigger."""
STEPS: Final = ("proposed", "reserved", OFFERED, "refused", "ended")
"""Of shared moments, as they follow each other."""
_decode: Final = msgspec.json.Decoder(Decision).decode


class Recent:
    """Takes decisions, those of one customer in the order of the log.

    Attributes:
        funnel, ended: of moments that were answered.
        waits: by gate, how often a moment began to wait; waiting: those that still do, by customer and moment.
        shared: of shared moments, how often each of `STEPS` was said, by the gate that says why not.
        became: by action, what came of its triggers, and how many there were; of those alone that were taken here.
        time: of the last, log time, ms.
    """

    def __init__(self) -> None:
        self.funnel = Funnel()
        self.ended: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.waiting: dict[tuple[str, str], str] = {}
        self.shared: Counter[tuple[str, str]] = Counter()
        self.became: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.time = 0
        self._triggers: dict[str, str] = {}

    def take(self, said: Decision) -> None:
        """Trials are passed over: nothing came of them for a customer."""
        self.time = max(self.time, said.time)
        if said.test:
            return
        asked = said.customer, said.moment
        if said.what in SHARED_MOMENTS:
            self.shared[said.what.removeprefix("shared_"), said.gate] += 1
        if said.what == "waits":
            self.waits[said.gate] += 1
            self.waiting[asked] = said.gate
        elif said.what == VOID:
            self.waiting.pop(asked, None)
            self.ended[VOID] += 1
        elif said.what == "decided":
            self.waiting.pop(asked, None)
            self.ended[self.funnel.take(said)] += 1
            if said.trigger:
                self._triggers[said.trigger] = said.action
                self.shared[OFFERED, ""] += bool(said.group)
                self.became[said.action]["triggers"] += 1
        elif said.what in BECAME and said.trigger in self._triggers:
            self.became[self._triggers[said.trigger]][said.what] += 1
        elif said.what in ("erased", "forgotten"):
            for waiting in [one for one in self.waiting if one[0] == said.customer]:
                del self.waiting[waiting]

    def data(self, kinds: Mapping[str, str]) -> dict[str, Any]:
        """JSON types. kinds: of actions, as far as they are known."""
        gates = self.funnel.gates.items()
        still = Counter(self.waiting.values())
        return {
            "time": self.time,
            "moments": self.ended.total(),
            "ends": {end: self.ended[end] for end in ENDS},
            "left_alone_money": round(self.funnel.money[LEFT_ALONE], 2),
            "control_money": round(self.funnel.money[CONTROL], 2),
            "gates": [
                {
                    "gate": code,
                    "why": told(code),
                    "candidates": gate.candidates,
                    "alone": gate.alone,
                    "moments": gate.moments,
                    "money": round(gate.money, 2) if gate.candidates else None,
                }
                for code, gate in sorted(gates, key=lambda one: (-one[1].money, -one[1].candidates, one[0]))
            ],
            "waits": [
                {"gate": gate, "why": told(gate), "began": many, "waiting": still[gate]}
                for gate, many in self.waits.most_common()
            ],
            "shared": [
                {"step": step, "gate": gate, "why": told(gate), "many": many}
                for step in STEPS
                for (of, gate), many in self.shared.most_common()
                if of == step and many
            ],
            "actions": [
                {"action": action, "kind": kinds.get(action), **{name: found[name] for name in ("triggers", *BECAME)}}
                for action, found in sorted(self.became.items(), key=lambda one: (-one[1]["triggers"], one[0]))
            ],
        }


def recent_decisions(config: Config) -> dict[str, Any]:
    """Of the running application, as JSON types. since: from when on all shards' decisions were taken, log time in ms;
    0: from the topic's beginning. unread: records of another release.

    Raises BrokerUnreachable, BrokerRefused, TopicMissing.
    """
    found, unread, read = Recent(), 0, 0
    with TopicReader(kafka_connection(config), config.topic("decisions"), verified=False) as topic:
        starts, ends = topic.bounds()
        each = MOST // max(1, len(ends))
        lows = {partition: max(starts[partition], end - each) for partition, end in ends.items()}
        firsts = (next(topic.up_to(one, low, ends[one]), None) for one, low in lows.items() if low > starts[one])
        since = max((one.timestamp for one in firsts if one is not None), default=0)
        for partition, low in lows.items():
            for record in topic.up_to(partition, low, ends[partition]):
                read += 1
                try:
                    said = _decode(record.value)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    unread += 1
                    continue
                if said.time >= since:
                    found.take(said)
    return {**found.data(_kinds(config)), "since": since, "read": read, "unread": unread}


def _kinds(config: Config) -> dict[str, str]:
    """By action, of the newest policy; empty where Redis does not tell."""

    async def looking() -> dict[str, str]:
        async with store_of(config) as store:
            first = await shard_now(store, "0")
            now = await shards_now(store, config.app, 1 if first is None else first.body.state.partitions)
        policy = newest(now)
        return {} if policy is None else {name: action.kind for name, action in policy.policy.action.items()}

    try:
        return asyncio.run(looking())
    except EngineError:
        return {}
