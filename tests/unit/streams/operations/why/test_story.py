"""A customer's story of decisions, of a shop of 60 customers under a policy, for the team and for the customer."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pytest

from models.customer.record import Record, unpack
from models.decisions.gates import CODES
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import KINDS
from models.decisions.standing_stored import unpack_standing
from models.decisions.waits import LEAVE_ALONE
from models.decisions.words import BECAME, KIND_WORDS, SENTENCES, WAITS, told
from models.engine.changes import counted_as
from models.outputs import Decision, Position, Trigger, Withdrawal, encode
from models.settings import MINUTE
from models.simulation.rehearsal import Shard, rehearse
from streams.cli.output_lines import line
from streams.monitoring.decision_metrics import GATES, WHATS
from streams.monitoring.top.plain import trigger as trigger_line
from streams.monitoring.top.triggers import row
from streams.operations.customer.portrait import lines
from streams.operations.customer.standing import short_view, standing_view
from streams.operations.why.for_customer import Words
from streams.operations.why.outputs import Outputs
from streams.operations.why.past import last_asked, past
from streams.operations.why.text import entry_lines, now_lines
from tests.support.two_ids import NOON
from tests.support.two_who_talk import ANNA, BERT, Talk
from tests.unit.models.engine.test_by_policy import log_with
from tests.unit.models.simulation.test_rehearsal import VARIANTS

END = 2**62
SETTINGS = VARIANTS["live"]


class Story(NamedTuple):
    """Of one customer: the record, how we stand with them, and what was decided."""

    customer: str
    record: Record
    policy: PolicyInForce
    time: int
    now: dict[str, Any]
    outputs: Outputs
    past: list[dict[str, Any]]

    @property
    def words(self) -> list[str]:
        return list(Words(self.record, self.policy, self.time).lines(self.now, self.past, "2000-01-01T00:00:00Z"))


@cache
def stories() -> tuple[Story, ...]:
    return tuple(story for shard in rehearse(log_with("eager"), SETTINGS).shards for story in _of(shard))


def _of(shard: Shard) -> list[Story]:
    assert shard.policy is not None
    found = []
    for name, value in sorted(shard.records.items()):
        customer, record = name.decode(), unpack(name, value)
        mine = [output for output in shard.outputs if output.key == name]
        decisions = [msgspec.json.decode(one.value, type=Decision) for one in mine if one.role == "decisions"]
        said = [msgspec.json.decode(one.value, type=Trigger | Withdrawal) for one in mine if one.role == "triggers"]
        outputs = Outputs(decisions, {one.id: one for one in said if isinstance(one, Trigger)})
        now = standing_view(customer, record, shard.policy, SETTINGS, shard.state.time)
        found.append(Story(customer, record, shard.policy, shard.state.time, now, outputs, past(outputs, END)))
    return found


def test_every_decision_is_told_once_and_with_its_trigger() -> None:
    for story in stories():
        told_of = len(story.past) + sum(len(one["became"]) for one in story.past if one["what"] not in BECAME)
        assert told_of == len(story.outputs.decisions)
        assert {one["trigger"]["id"] for one in story.past if one["trigger"]} == set(story.outputs.triggers)
    became = Counter(one["what"] for story in stories() for entry in story.past for one in entry["became"])
    assert set(became) >= {"delivered", "unused"}


def test_whatever_waits_or_is_held_has_its_reason_in_words() -> None:
    waits = [wait for story in stories() for wait in story.now["waits"]]
    assert len(waits) == sum(len(unpack_standing(story.record.tail.standing).waiting) for story in stories()) > 0
    for wait in waits:
        assert wait["why"]
        assert wait["until"] or wait["gate"]
    entries = [one for story in stories() for one in story.past]
    assert all(one["gate"] and one["why"] for one in entries if one["what"] == "waits")
    held = [gate for one in entries for candidate in one["candidates"] for gate in candidate["gates"]]
    assert held
    assert all(gate["why"] for gate in held)
    assert "no words for it" not in "\n".join(line for one in entries for line in entry_lines(one))


def test_what_a_draw_fell_on_is_told_with_all_chances_and_scores() -> None:
    drawn = [one for story in stories() for one in story.past if one["level"] and one["candidates"] and not one["gate"]]
    drawn = [one for one in drawn if one["what"] == "decided"]
    assert {LEAVE_ALONE} < {one["action"] for one in drawn}
    for one in drawn:
        assert sum(candidate["chance"] for candidate in one["candidates"]) == pytest.approx(1.0, abs=1e-5)
        text = "\n".join(entry_lines(one))
        assert text.count("chance ") == sum(candidate["chance"] > 0 for candidate in one["candidates"])
        assert f"policy {one['policy']}" in text


def test_why_somebody_was_left_alone_is_said_once_and_what_unproven_contact_had_to_bring() -> None:
    entry = next(one for story in stories() for one in story.past if one["what"] == "decided" and not one["became"])
    drawn = {"why": "no_positive_value", "because": "No action is worth it.", "worth": 12.5, "price": 0.0}
    told = "\n".join(entry_lines({**entry, "reason": "no action is worth it", "drawn": drawn}))
    assert told.lower().count("no action is worth it") == 1
    told = "\n".join(entry_lines({**entry, "reason": None, "drawn": {**drawn, "price": 1.5}}))
    assert "12.50 at stake. No action is worth it. Contact that is not proven had to bring 1.50 more." in told
    useful = {"action": "useful", "channel": "email", "gates": [], "score": 1.0, "chance": 0.5}
    dear = {**useful, "sd": 0.2, "arm": "0a", "state": "proven", "price": 0.4}
    told = "\n".join(entry_lines({**entry, "candidates": [dear, {**dear, "price": 0.0}]}))
    assert told.count("after 0.40 for what it takes of budgets") == told.count("for what it takes of budgets") == 1


def test_the_last_decision_at_a_time_is_the_last_before_it() -> None:
    story = max(stories(), key=lambda story: len(story.past))
    asked = [one for one in story.outputs.decisions if one.moment or one.action]
    for decision in asked:
        found = last_asked(past(story.outputs, decision.time))
        assert found is not None
        assert found["id"] in {one.id for one in asked if one.time == decision.time}
    assert last_asked(past(story.outputs, asked[0].time - 1)) is None


def test_what_became_of_a_trigger_is_told_to_the_end() -> None:
    story = next(story for story in stories() if any(one["trigger"] and one["became"] for one in story.past))
    whole = next(one for one in story.past if one["trigger"] and one["became"])
    time = next(one.time for one in story.outputs.decisions if one.id == whole["id"])
    assert last_asked(past(story.outputs, time)) is not None
    assert next(one for one in past(story.outputs, time) if one["id"] == whole["id"]) == whole


def test_how_we_stand_is_told_short_and_long() -> None:
    seen = Counter[str]()
    for story in stories():
        json.dumps(story.now)
        long, short = list(now_lines(story.now)), list(lines(short_view(story.now)))
        assert long[0] == f"policy {story.policy.name}"
        assert any("policy" in line for line in short)
        seen.update(line.split()[0] for line in long)
    assert set(seen) >= {"policy", "of", "at", "nothing", "waits:", "out:", "contacts:"}


def test_the_tier_by_whose_levels_a_customer_is_asked_is_told_where_levels_go_by_it() -> None:
    story = stories()[0]
    entry = next(one for one in story.past if one["level"])
    assert "levels of tier" not in "".join(entry_lines(entry))
    assert "by the levels of tier best" in "".join(entry_lines({**entry, "levels_of": "best"}))
    of_tier = list(now_lines({**story.now, "levels_of": "best", "level": None}))
    assert "at no level of risk, by those of tier best" in of_tier


def test_the_stage_by_whose_levels_a_customer_is_asked_comes_before_the_tier() -> None:
    story = stories()[0]
    entry = next(one for one in story.past if one["level"])
    told = "".join(entry_lines({**entry, "levels_of": "best", "levels_of_stage": "won_back"}))
    assert "by the levels of stage won back" in told
    assert "tier best" not in told.replace("(tier best)", "")
    of_stage = list(now_lines({**story.now, "levels_of_stage": "new", "level": None}))
    assert "at no level of risk, by those of stage new" in of_stage


CODE = re.compile(r"\b[a-z]+_[a-z_]+\b")


def test_the_customer_is_told_no_chance_no_code_and_what_they_can_change() -> None:
    assert len(stories()) > 20
    for story in stories():
        text = "\n".join(story.words)
        assert not CODE.search(text), CODE.search(text)
        assert "chance" not in text.replace("chosen by chance", "")
        assert not re.search(r"\d\.\d|%|risk|policy", text)
        assert not any(re.search(rf"\b{one}\b", text) for one in ("control", "gate", "trigger", "score"))
        after = text.split("What you can change\n")[1]
        for part in ("channels", "hours", "advertising you get", "agreed to", "turn away"):
            assert part in after
        sent = text.split("and why\n")[1].split("\n\n")[0]
        assert len(re.findall(r"^  \d.*because", sent, re.MULTILINE)) == len(story.outputs.triggers)


def test_one_customer_of_the_control_group_is_told_so() -> None:
    of_control = [story for story in stories() if story.now["control_group"]]
    assert of_control
    for story in of_control:
        assert any("small group, chosen by chance" in line for line in story.words)


def test_each_code_has_a_sentence_for_the_team_and_for_the_customer() -> None:
    for code in (*CODES, *SENTENCES, *WAITS, *BECAME):
        for to_customer in (False, True):
            assert told(code, to_customer).endswith(".")
    assert told("complaint") == ""
    assert set(KIND_WORDS) == set(KINDS)


def test_whatever_is_decided_has_a_place_in_the_metrics() -> None:
    counted = Counter(counted_as(one) for story in stories() for one in story.outputs.decisions if one.policy)
    assert {what for what, _ in counted} <= set(WHATS)
    assert {what for what, _ in counted} >= {"triggered", "control", "left_alone", "held", "waits", "void", "delivered"}
    assert {gate for what, gate in counted if what != "withdrawn"} <= {"", *GATES}


def test_as_lines_of_a_topic_decisions_say_why_and_triggers_by_whom_they_were_asked() -> None:
    for story in stories():
        for decision in story.outputs.decisions:
            text = line(encode(decision))
            if decision.gate:
                assert f"held by {decision.gate} ({told(decision.gate).rstrip('.')})" in text
            if decision.what in BECAME:
                assert f"trigger {decision.trigger}" in text
            if any(one.chance for one in decision.candidates):
                assert "drawn at " in text
        for trigger in story.outputs.triggers.values():
            shown = row(encode(trigger))
            assert shown.time == trigger.time
            assert (shown.probability is None) == bool(trigger.policy)
            assert ("asked by" in shown.reasons[0]) == bool(trigger.policy)
            assert f"  {trigger.customer}  {trigger.action} by {trigger.channel}" in trigger_line(shown)


def test_as_lines_of_a_topic_withdrawals_say_what_they_take_back_and_why() -> None:
    withdrawal = Withdrawal("1" * 32, "anna", "2" * 32, "no_basis", 1_000, Position(0, 1, False))
    assert line(encode(withdrawal)).endswith(f"withdraws {'2' * 32}: no_basis ({told('no_basis').rstrip('.')})")
    assert trigger_line(row(encode(withdrawal))).endswith(f"anna  withdrawal  'no_basis; {'2' * 32}'")


def talked() -> tuple[Story, ...]:
    """Two who agreed on one channel of a shared moment, and talked there."""
    talk = Talk()
    for who in (ANNA, BERT):
        talk.agrees(who, granted=False, time=NOON + MINUTE)
        talk.agrees(who, time=NOON + MINUTE + 2, channels=["forum"])
    talk.chat(ANNA, BERT, channel="forum")
    talk.go(NOON + 3 * MINUTE)
    return tuple(story for shard in talk.shards.world.shards for story in _of(shard))


def test_of_what_is_offered_to_two_it_is_told_from_when_on_it_goes_out() -> None:
    both = talked()
    assert {story.customer for story in both} == {ANNA, BERT}
    for story in both:
        (trigger,) = story.outputs.triggers.values()
        (told_of,) = (one["trigger"] for one in story.past if one["trigger"])
        assert told_of["not_before"] == "2000-01-03T11:07:00Z"
        assert "from 2000-01-03T11:07:00Z on, before" in "\n".join(entry_lines(story.past[-1]))
        assert "from 2000-01-03 11:07:00 until" in line(encode(trigger))
        assert story.now["shares_moments"]
        headline = next(entry_lines(story.past[-1]))
        assert headline.endswith("two_for_one by email, offered to the other one of a conversation, too")


def halfway() -> list[Story]:
    """The two, each as a word of the other one is awaited and once the trigger is out."""
    talk, found = Talk(), dict[tuple[str, str], Story]()
    talk.chat(ANNA, BERT)
    for _ in range(4):
        talk.shards.work()
        for story in (one for shard in talk.shards.world.shards for one in _of(shard)):
            for one in story.now["shared"]:
                found.setdefault((story.customer, one["where"]), story)
        for way in [way for way, waiting in talk.shards.sent.items() if waiting]:
            talk.shards.deliver(way)
    return [found[one] for one in ((ANNA, "proposed"), (BERT, "reserved"), (ANNA, "out"), (BERT, "out"))]


def test_while_two_are_to_be_offered_the_same_it_is_told_how_far_that_is_and_not_with_whom() -> None:
    others, awaited = (BERT, ANNA, BERT, ANNA), ("the other one's answer", "word of the other one", "", "")
    for story, other, waits in zip(halfway(), others, awaited, strict=True):
        (shared,) = story.now["shared"]
        told = "\n".join(now_lines(story.now))
        [line_] = [one for one in told.split("\n") if one.startswith("shared: ")]
        assert line_.startswith("shared: two_for_one is ")
        assert (f"waits for {waits} until " in line_) == bool(waits) == (shared["trigger"] is None)
        assert "2000-01-03T11:07:00Z" in line_
        assert line_.removeprefix("shared: ") in "\n".join(lines(short_view(story.now)))
        to_them = story.words
        assert any("you and somebody with whom you talk" in one for one in to_them) == bool(waits)
        assert not any("Nothing at present" in one for one in to_them)
        assert other not in json.dumps(story.now)
        assert shared["trigger"] == next(iter(story.outputs.triggers), None)
        assert shared["group"] == story.past[-1]["group"]
