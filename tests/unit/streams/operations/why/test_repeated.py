"""What was decided about a customer is made again from the log, to the byte, and what stands otherwise is named."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pytest

from models.engine.changes import NumberedOutput
from models.outputs import Decision
from models.timeline.partitioning import partition_of
from streams.operations.verify import stored
from streams.operations.why.repeated import ROLES, OutputDifference, Public, Span, compared
from streams.store.fake import FakeStore
from tests.support.workers import Site, play
from tests.unit.models.engine.test_by_policy import log_with
from tests.unit.models.simulation.test_rehearsal import VARIANTS
from tests.unit.streams.operations.test_verify import _verified as verified

ALWAYS = Span(0, 2**62)
CUSTOMERS = 12


class Told(NamedTuple):
    """Of one customer. public: by role, in the order of the log. made: again."""

    public: dict[str, list[bytes]]
    made: list[NumberedOutput]
    next_offset: int

    def held(self, span: Span = ALWAYS, whole_after: tuple[int, bool] | None = None, **other: list[bytes]) -> Any:
        public = {role: Public(other.get(role, self.public[role]), whole_after) for role in ROLES}
        return compared(self.made, public, span, self.next_offset)


@cache
def told(policy: str) -> list[Told]:
    """Each customer of a shop, repeated alone."""
    found = list[Told]()

    async def scenario() -> None:
        store = FakeStore()
        logs = log_with(policy, customers=CUSTOMERS, days=100)
        site = Site(store, store.snapshot, logs, VARIANTS["live"], batch=lambda offset: 60)
        await site.live(check=False)
        names = {record.key for log in logs for record in log if record.key}
        for customer in sorted(name.decode() for name in names):
            shard = partition_of(customer, 2)
            public = {
                role: [entry.value for entry in site.said(role, shard) if entry.key == customer.encode()]
                for role in ROLES
            }
            if public["triggers"]:
                again = await verified(site, store, stored.named([customer], 2), hears=True)
                assert (again.differences, again.unverified) == ([], {})
                found.append(Told(public, again.said, again.positions[shard]))

    play(scenario)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["eager", "with budgets"])
def test_all_that_was_said_of_a_customer_is_said_again_to_the_byte(policy: str) -> None:
    everybody = told(policy)
    assert len(everybody) > 5
    counts = Counter[str]()
    for one in everybody:
        found = one.held()
        assert (found.differences, found.gone) == ([], 0)
        assert sum(found.compared.values()) == sum(map(len, one.public.values()))
        counts += found.compared
    assert set(counts) == {"decision", "trigger"}
    due = [one for who in everybody for one in map(_decision, who.public["decisions"]) if one.policy and one.at.due]
    assert due, "no timer asked"


def test_a_field_that_stands_otherwise_is_named() -> None:
    one, at = _with_a_trigger()
    values = list(one.public["decisions"])
    decided = _decision(values[at])
    values[at] = msgspec.json.encode(msgspec.structs.replace(decided, action="something_else", level="none"))
    found = one.held(decisions=values)
    assert found.differences == [
        OutputDifference("decision", decided.id, decided.time, "action", "something_else", decided.action),
        OutputDifference("decision", decided.id, decided.time, "level", "none", decided.level or None),
    ]
    values[at] = b" " + one.public["decisions"][at]
    [form] = one.held(decisions=values).differences
    assert form.field == "output"


def test_one_that_lacks_is_told_and_what_a_topic_no_longer_holds_is_counted_apart() -> None:
    one, at = _with_a_trigger()
    values = one.public["decisions"]
    lost = _decision(values[at])
    found = one.held(decisions=values[:at] + values[at + 1 :])
    assert found.differences == [OutputDifference("decision", lost.id, lost.time, "output", "missing", "there")]
    begins = (lost.at.offset, not lost.at.due)
    kept = [value for value in values if _place(value) > begins]
    late = one.held(whole_after=begins, decisions=kept, triggers=[])
    assert late.gone >= len(values) - len(kept) > 0
    assert all(difference.what != "decision" for difference in late.differences)


def test_one_that_the_log_does_not_give_is_told_and_one_behind_its_end_is_not() -> None:
    one, at = _with_a_trigger()
    decided = _decision(one.public["decisions"][at])
    extra = msgspec.structs.replace(decided, id="extra")
    later = msgspec.structs.replace(extra, at=msgspec.structs.replace(decided.at, offset=one.next_offset))
    found = one.held(decisions=[*one.public["decisions"], *map(msgspec.json.encode, (extra, later))])
    assert found.differences == [OutputDifference("decision", "extra", extra.time, "output", "there", "missing")]


def test_of_one_decision_it_is_that_its_trigger_and_what_became_of_it() -> None:
    one, at = _with_a_trigger()
    decided = _decision(one.public["decisions"][at])
    found = one.held(Span(0, 2**62, decided))
    assert found.differences == []
    assert found.compared["trigger"] == 1
    assert 1 <= found.compared["decision"] < len(one.public["decisions"])
    about = [_decision(value) for value in one.public["decisions"]]
    assert found.compared["decision"] == sum(decided.trigger == other.trigger for other in about)
    since = one.held(Span(decided.time, decided.time))
    assert 0 < since.compared["decision"] < len(about)


def _with_a_trigger() -> tuple[Told, int]:
    """Somebody, and which of their decisions asked for one."""
    return next(
        (one, n)
        for one in told("eager")
        for n, decided in enumerate(map(_decision, one.public["decisions"]))
        if n and decided.what == "decided" and decided.trigger
    )


def _decision(value: bytes) -> Decision:
    return msgspec.json.decode(value, type=Decision)


def _place(value: bytes) -> tuple[int, bool]:
    at = _decision(value).at
    return at.offset, not at.due
