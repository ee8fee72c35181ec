"""Any of the example policies, in any order, over customers who do everything: the engine is the plain reference, to
the byte and wherever commits cut the line, and breaks no rule of the auditor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.decisions import may_hold, rules
from models.engine import asked
from models.settings import DAY, HOUR, EngineSettings
from models.simulation.rehearsal import rehearse
from models.timeline.batch import LogRecord
from streams.operations.audit import audit
from tests.auditor.test_engine_keeps_the_rules import BY_STAGE, BY_TIER, EXAMPLE, LEARNED, LIMITED
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.kept_topics import lines_of
from tests.support.logs import CHANNELS, DATA, START, clock, inserted, log_of, synthetic, told
from tests.support.policies import ODDS_AND_ENDS
from tests.support.recounting import counted, recounted
from tests.support.replies import with_policy
from tests.unit.models.engine.test_loyalty import KEPT, POLICY, UNLIKE
from tests.unit.models.simulation.test_rehearsal import VARIANTS

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "policies"
POLICIES = {path.parent.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*/policy.toml"))} | {
    "example": EXAMPLE,
    "by tier": BY_TIER,
    "by stage": BY_STAGE,
    "learned": LEARNED,
    "limited": LIMITED,
    "loyalty": KEPT,
    "loyalty otherwise": POLICY + UNLIKE,
    "no loyalty": POLICY,
    "odds and ends": ODDS_AND_ENDS,
}
NAMES = sorted(POLICIES)


def _done(random: Random) -> tuple[str, dict[str, object]]:
    """What a customer does besides: anything, and more often what changes how we may stand with them."""
    kind = random.choice([*DATA, "complaint", "nps", "purchase", "review", "mention", "return", "erase_requested"])
    day = f"2000-0{random.randint(1, 4)}-{random.randint(10, 28)}T00:00:00Z"
    often: list[tuple[str, dict[str, object]]] = [
        ("consent_changed", {"marketing": random.random() < 0.6, "purpose": "profiling"}),
        ("consent_changed", {"marketing": True, "channels": ["email"]}),
        ("restricted", {"reason": random.choice(("dispute", "vulnerable", "test", "minor")), "until": day}),
        ("subscription_started", {"plan": "monthly", "amount": 3}),
        ("profile_updated", {"account": "acc-1", "birthday": "1982-02-20"}),
        ("presence", {"state": random.choice(("online", "offline")), "channel": random.choice(CHANNELS)}),
        ("campaign_received", {"campaign_id": "x", "promotion": random.random() < 0.5, "until": day}),
        ("preferences_updated", {"silent_until": day}),
        ("consent_changed", {"marketing": True, "channels": random.sample(CHANNELS, 2), "expires": day}),
        ("profile_updated", {"customer_class": random.choice(("consumer", "partner")), "country": "NL"}),
    ]
    return random.choice(often) if random.random() < 0.3 else (kind, DATA[kind](random))


def busier(random: Random, log: list[LogRecord]) -> list[LogRecord]:
    """The same, where customers do more, and much of it comes late or twice."""
    entries = [(entry.timestamp, entry.key, entry.value) for entry in log]
    for entry in log:
        if entry.key is None or entry.key.startswith(b"stray") or random.random() > 0.35:
            continue
        kind, data = _done(random)
        time = max(entry.timestamp + random.choice((0, 999, 1000, random.randint(-5, 9) * DAY)), START)
        come = max(time + random.choice((0, 0, 0, HOUR // 2, HOUR, 2 * DAY, 5 * DAY, 40 * DAY)), entry.timestamp)
        one = told(kind, entry.key.decode(), time, data, id=f"{kind}-{random.random()}", at=come)
        entries += [one] * (1 + (random.random() < 0.15))
    return log_of(sorted(entries, key=lambda entry: entry[0]))


def logs_of(random: Random, names: list[str], days: int) -> list[list[LogRecord]]:
    """Two partitions, in which the policies come into force one after the other, not always at once. Both end at one
    time: a shard waits for the version of a boundary that the other does not reach."""
    made = []
    for log in synthetic(random.randrange(10_000), 2, random.choice((8, 20)), days):
        log = busier(random, log)
        for number, name in enumerate(names, 1):
            at = START + (number - 1) * days * DAY // len(names) + random.choice((0, HOUR))
            log = with_policy(log, POLICIES[name], number, at)
        made.append(log)
    last = max(log[-1].timestamp for log in made) + 15 * DAY
    return [inserted(log, [(last + DAY * n, clock(last + DAY * n)) for n in range(2)]) for log in made]


def whole_looks(logs: list[list[LogRecord]], told_of: EngineSettings) -> dict[str, str]:
    """Where no step is seen to come to nothing, and every gate is asked of everybody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked, "is_inert", lambda *of: False)
        patch.setattr(asked, "with_contact", lambda *of: None)
        patch.setattr(may_hold, "OPEN", {})
        patch.setattr(rules, "_kept", {})
        return digest(rehearse(logs, told_of))


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    st.integers(1, 10_000),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
    st.sampled_from(sorted(VARIANTS)),
    st.integers(1, 9),
    st.sampled_from((1, 3, 7, 500)),
)
@example(1, ["loyalty", "no loyalty", "loyalty"], "much lateness", 1, 1)
@example(3, ["odds and ends", "by stage", "odds and ends"], "the silent leave", 3, 7)
@example(2, ["first_days", "loyalty", "membership"], "long delay", 1, 7)
def test_the_engine_is_its_reference_and_keeps_the_rules(
    seed: int, names: list[str], variant: str, batch: int, items: int
) -> None:
    told_of = VARIANTS[variant]
    logs = logs_of(Random(seed), names, 60)
    fast = rehearse(logs, told_of)
    expected = digest(fast)
    assert digest(rehearse(logs, told_of, engine=plainly)) == expected
    assert whole_looks(logs, told_of) == expected
    for shard in fast.shards:
        assert counted(shard.state) == recounted(shard.records)
    assert digest(rehearse(logs, replace(told_of, piece_items=items), batch=lambda at: batch)) == expected
    known = {"leaves": told_of.leaves, "alive": told_of.alive, "silence": told_of.silence}
    assert audit(lines_of(fast), told_of.lateness, **known).breaches == []
