"""The rows of the control group are those that the rule finds, and one leaves with its customer."""

from __future__ import annotations

from collections import Counter

import msgspec

from models.decisions.draw import ONE
from models.outputs import Decision
from models.outputs.control import ControlMember
from models.settings import DAY, HOUR
from models.simulation.rehearsal import rehearse
from streams.client import in_control_group
from streams.operations.control.members import Members
from tests.auditor.test_engine_keeps_the_rules import EXAMPLE, SETTINGS, START
from tests.support.replies import busy, with_policy
from tests.support.two_ids import NOON, World
from tests.unit.models.engine.test_life_of_a_moment import LONG

HALF = EXAMPLE.replace("share = 0.05", "share = 0.5", 1)
SALTS = "2026", "2027"
OTHER = HALF.replace(*SALTS, 1)


def decided(*texts: str, days: int = 60) -> list[Decision]:
    """What is decided of customers without accounts: these would be drawn in their place."""
    [log] = busy(3, 1, 60, days, START)
    log = [one._replace(value=(one.value or b"").replace(b'"account"', b'"other"')) for one in log]
    for number, text in enumerate(texts, start=1):
        log = with_policy(log, text, number, START + (number - 1) * days * DAY // len(texts))
    outputs = rehearse([log], SETTINGS).shards[0].outputs
    return [msgspec.json.decode(one.value, type=Decision) for one in outputs if one.role == "decisions"]


def rows_after(decisions: list[Decision], rows: dict[str, ControlMember] | None = None) -> dict[str, ControlMember]:
    found, members = dict(rows or {}), Members(rows or ())
    for one in decisions:
        if (change := members.hears(one)) is not None:
            found.pop(change.customer, None)
            if change.member is not None:
                found[change.customer] = change.member
    assert len(members) == len(found)
    return found


def test_who_is_found_in_it_is_who_the_rule_finds() -> None:
    decisions = decided(HALF)
    rows = rows_after(decisions)
    assert len(rows) > 10
    assert all(in_control_group(customer, 0.5, SALTS[0]) for customer in rows)
    asked = Counter(one.customer for one in decisions if one.control)
    assert rows.keys() == asked.keys() - {one.customer for one in decisions if one.what in ("erased", "forgotten")}
    first = {
        customer: min(one.time for one in decisions if one.control and one.customer == customer) for customer in rows
    }
    assert {customer: row.since for customer, row in rows.items()} == first


def test_under_another_salt_who_is_drawn_leaves_and_others_come() -> None:
    decisions = decided(HALF, OTHER, days=120)
    rows = rows_after(decisions)
    newer = {customer for customer, row in rows.items() if row.policy.startswith("2-")}
    assert newer
    assert all(in_control_group(customer, 0.5, SALTS[1]) for customer in newer)
    under = [one for one in decisions if one.policy.startswith("2-") and not one.test]
    drawn = {one.customer for one in under if sum(candidate.chance for candidate in one.candidates) == ONE}
    assert drawn - rows.keys(), "some were drawn for themselves"
    assert {one for one in drawn & rows.keys() if not in_control_group(one, 0.5, SALTS[1])} == set()


def test_wherever_the_writer_begins_anew_the_rows_come_to_the_same() -> None:
    decisions = decided(HALF, OTHER, days=120)
    whole = rows_after(decisions)
    for cut in range(0, len(decisions), 97):
        assert rows_after(decisions[cut:], rows_after(decisions[:cut])) == whole
        assert rows_after(decisions[max(cut - 20, 0) :], rows_after(decisions[:cut])).keys() == whole.keys()


def test_an_erasure_takes_a_row_away_and_says_so_though_none_is_known() -> None:
    of = decided(HALF)[-1]
    member = msgspec.structs.replace(of, what="decided", customer="anna", control=True, policy="1", test=False)
    erased = msgspec.structs.replace(of, what="erased", customer="anna")
    members = Members()
    assert members.hears(msgspec.structs.replace(member, test=True)) is None
    change = members.hears(member)
    assert change is not None
    assert change.member == ControlMember("anna", of.time, "1")
    assert members.hears(member) is None
    gone = members.hears(erased)
    assert gone is not None
    assert gone.member is None
    assert members.hears(erased) == gone, "who reads the topic may have the row from before"
    assert members.hears(msgspec.structs.replace(erased, what="forgotten")) is None


def test_who_inherits_it_from_another_id_is_of_it_at_once() -> None:
    """The old id's row leaves with the merge: without the customer's, other senders would write to them meanwhile."""
    world, names = World(LONG.replace("share = 0.0", "share = 0.5")), [f"c-{n}" for n in range(20)]
    of_it = [name for name in names if in_control_group(name, 0.5, "1")]
    old, new = of_it[0], next(name for name in names if name not in of_it)
    world.knows(*names)
    for name in names:
        world.tell(NOON + HOUR, "cart_abandoned", name, amount=20)
    world.go(NOON + 2 * HOUR)
    world.tell(NOON + 3 * HOUR, "identity_merged", old, into=new)
    world.go(NOON + 4 * HOUR)
    decisions = world.said("decided", "merged", "taken_over")
    rows = rows_after([one for one in decisions if one.what == "decided"])
    assert old in rows
    assert new not in rows
    rows = rows_after(decisions)
    assert old not in rows
    [taken] = world.said("taken_over")
    assert rows[new] == ControlMember(new, taken.time, taken.policy)
