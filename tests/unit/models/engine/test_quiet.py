"""History triggers nobody: what a backfill's cut changes, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.bands import Band
from models.customer.record import Record, unpack
from models.settings import DAY
from models.simulation.rehearsal import Rehearsal, rehearse
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.families import slow_but
from tests.support.logs import START, synthetic
from tests.unit.models.simulation.test_rehearsal import VARIANTS

CUT = START + 70 * DAY


def said(world: Rehearsal, role: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(out.value) for shard in world.shards for out in shard.outputs if out.role == role]


def records(world: Rehearsal) -> dict[bytes, Record]:
    return {name: unpack(name, value) for shard in world.shards for name, value in shard.records.items()}


@cache
def loud_and_quiet(variant: str) -> list[Rehearsal]:
    """Without a cut and with it, over the same logs; to be looked at only."""
    logs = synthetic(7, partitions=2, customers=80, days=130)
    return [rehearse(logs, VARIANTS[variant], quiet_until=cut) for cut in (0, CUT)]


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("evaluation", "live")))
def test_nobody_is_triggered_before_the_cut_and_who_is_at_risk_then_is_at_the_next_look(variant: str) -> None:
    loud, quiet = loud_and_quiet(variant)
    triggers = said(quiet, "triggers")
    assert min(trigger["time"] for trigger in said(loud, "triggers")) < CUT
    assert min(trigger["time"] for trigger in triggers) >= CUT
    # Whoever was at risk at the cut, and still is when they are looked at next, is asked then: within a tick; who is
    # between the thresholds then, when the risk has risen again.
    open_then = [trigger for trigger in triggers if trigger["episode"] < CUT]
    soon = [trigger for trigger in open_then if trigger["time"] < CUT + VARIANTS[variant].tick]
    assert len(soon) > len(open_then) / 2 > 0
    assert all(trigger["step"] == 1 for trigger in open_then)
    assert [trigger for trigger in triggers if trigger["episode"] >= CUT] == [
        trigger for trigger in said(loud, "triggers") if trigger["episode"] >= CUT
    ]


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("evaluation", "live")))
def test_the_cut_changes_nothing_but_triggers_and_what_remembers_them(variant: str) -> None:
    loud, quiet = loud_and_quiet(variant)
    assert loud.versions == quiet.versions
    assert said(loud, "examples") == said(quiet, "examples")
    one, two = records(loud), records(quiet)
    assert one.keys() == two.keys()
    for name, record in one.items():
        other = two[name]
        assert (record.band, list(record.times), list(record.numbers)) == (
            other.band,
            list(other.times),
            list(other.numbers),
        )
        assert record.tail.opener == other.tail.opener or record.band != Band.AT_RISK


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 200), st.integers(1, 20), st.integers(0, 70))
def test_portions_change_nothing_about_it(seed: int, batch: int, items: int, day: int) -> None:
    given_settings = VARIANTS["live"]
    logs = synthetic(seed, partitions=2, customers=12, days=60)
    cut = START + day * DAY
    plain = rehearse(logs, given_settings, engine=plainly, quiet_until=cut)
    fast = rehearse(logs, replace(given_settings, piece_items=items), batch=lambda at: batch, quiet_until=cut)
    assert digest(fast) == digest(plain)
