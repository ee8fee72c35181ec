"""Who took over another id is judged by what that cannot change; a withdrawal may be of another partition's trigger."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest

from models.settings import DAY, HOUR
from streams.operations.audit import Arrival, Line, audit
from streams.operations.audit.breaches import Breach
from streams.operations.audit.run import ABSENT
from tests.support.kept_topics import lines_of
from tests.support.logs import told
from tests.support.two_ids import NOON, World
from tests.unit.models.engine.test_identities import under_policy
from tests.unit.models.engine.test_life_of_a_moment import LONG
from tests.unit.models.engine.test_membership import TEXTS

LASTS = LONG.replace('expires = "2h"', 'expires = "5d"')
OLD, NEW = "c-0", "customer"
"""Of two partitions."""


def merged(text: str = LASTS) -> World:
    world = World(text)
    world.knows(OLD, NEW)
    world.tell(NOON + HOUR, "cart_abandoned", OLD, amount=20)
    world.go(NOON + 2 * HOUR)
    world.tell(NOON + 3 * HOUR, "identity_merged", OLD, into=NEW)
    world.go(NOON + 4 * HOUR)
    return world


def test_what_went_out_under_another_id_is_taken_back_at_the_customers() -> None:
    world = merged()
    world.tell(NOON + 5 * HOUR, "erase_requested", NEW)
    world.go(NOON + 6 * HOUR)
    [withdrawal] = world.withdrawals()
    assert withdrawal["customer"] == NEW
    whole = lines_of(world.shards.world)
    assert audit(whole).breaches == []
    [found] = audit([_with_another(line) for line in whole]).breaches
    assert (found.rule, found.says) == ("stray_withdrawal", "no such trigger of any id")


def _with_another(line: Line) -> Line:
    """The withdrawal is of what nobody was sent."""
    return replace(line, triggers=[_TAKES_BACK.sub(b'"trigger":"' + b"ab" * 16 + b'"', one) for one in line.triggers])


_TAKES_BACK = re.compile(rb'"trigger":"[0-9a-f]{32}"')
"""Of a withdrawal alone."""
FORBIDS = {
    "refused": ("consent_changed", {"marketing": False, "channels": ["email"]}),
    "open_case": ("case_opened", {"case_id": "k"}),
    "restricted": ("restricted", {"reason": "fraud"}),
}


@pytest.mark.parametrize("rule", FORBIDS)
def test_what_is_told_after_the_merge_is_judged(rule: str) -> None:
    """The engine's log, with a touchpoint before the trigger that the engine has not read."""
    world = merged()
    world.tell(NOON + 12 * DAY, "cart_abandoned", NEW, amount=20)
    world.go(NOON + 12 * DAY + 2 * HOUR)
    assert len(world.triggers()) == 2
    whole = lines_of(world.shards.world)
    kept = audit(whole)
    assert kept.breaches == []
    assert [note for note in kept.notes if "began before the log" in note] == []
    assert [note for note in kept.notes if "1 triggers are judged in part" in note]
    assert {one.rule for one in _forbidden(whole, rule)} == {rule}


def _forbidden(whole: list[Line], rule: str) -> list[Breach]:
    """In place of a clock."""
    kind, data = FORBIDS[rule]
    time, key, value = told(kind, NEW, NOON + 4 * HOUR, data, id="said")
    changed = [
        replace(line, touchpoints=[_instead(one, time, key, value) for one in line.touchpoints])
        if any(one.key == key for one in line.touchpoints)
        else line
        for line in whole
    ]
    return audit(changed).breaches


def _instead(one: Arrival, time: int, key: bytes | None, value: bytes | None) -> Arrival:
    return one._replace(key=key, value=value) if one.key is None and one.timestamp == time else one


def test_what_an_id_is_in_that_is_its_own_again_is_not_known() -> None:
    """Of three ids in a circle: what it counts comes round, and was here before."""
    world = under_policy(206, TEXTS["brief"], days=40, customers=12).world
    decisions = [
        msgspec.json.decode(out.value) for shard in world.shards for out in shard.outputs if out.role == "decisions"
    ]
    assert [one for one in decisions if one["what"] == "revived"]
    assert [one for one in audit(lines_of(world)).breaches if one.rule not in ABSENT] == []


@pytest.mark.parametrize("out", [OLD, NEW])
@pytest.mark.parametrize("rule", FORBIDS)
def test_what_arrives_with_another_id_has_to_take_back_what_is_out(rule: str, out: str) -> None:
    """The engine's log, and the same without the withdrawal."""
    kind, data = FORBIDS[rule]
    world = World(LASTS)
    world.knows(OLD, NEW)
    world.tell(NOON + HOUR, "cart_abandoned", out, amount=20)
    world.go(NOON + 2 * HOUR)
    world.tell(NOON + 2 * HOUR, kind, OLD if out == NEW else NEW, **data)
    world.tell(NOON + 3 * HOUR, "identity_merged", OLD, into=NEW)
    world.go(NOON + 4 * HOUR)
    [withdrawal] = world.withdrawals()
    assert withdrawal["customer"] == NEW
    whole = lines_of(world.shards.world)
    assert audit(whole).breaches == []
    [found] = audit([_without_withdrawals(line) for line in whole]).breaches
    assert (found.rule, found.name, found.customer) == ("withdrawal_owed", withdrawal["trigger"], NEW)
    assert "another id" in found.says


def _without_withdrawals(line: Line) -> Line:
    return replace(line, triggers=[one for one in line.triggers if not _TAKES_BACK.search(one)])
