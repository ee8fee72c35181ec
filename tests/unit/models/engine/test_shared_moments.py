"""Two customers of two shards are offered the same: whoever says what, and however records travel."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from msgspec.json import decode

from models.decisions.standing import Stage
from models.decisions.standing_stored import unpack_standing
from models.engine.apply import apply as compiled
from models.settings import DAY, HOUR, MINUTE
from models.simulation.rehearsal import rehearse
from models.timeline.partitioning import partition_of
from streams.operations.audit import audit
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.families import slow_but
from tests.support.identities import Shards, told_in_disorder
from tests.support.kept_topics import lines_of
from tests.support.logs import DATA, chosen_policy, clock, told
from tests.support.two_ids import NOON
from tests.support.two_who_talk import ANNA, BERT, CORA, SHARED, Talk, at_home
from tests.unit.models.engine.test_loyalty import LOOP
from tests.unit.models.simulation.test_rehearsal import VARIANTS


def ends(talk: Talk) -> None:
    """Nothing is held or waited for in the end."""
    talk.go(NOON + 20 * HOUR)
    for record in talk.records().values():
        standing = unpack_standing(record.tail.standing)
        assert not standing.shared
        assert not [one for one in standing.outstanding if one.stage in (Stage.HELD, Stage.OUT)]
    assert audit(lines_of(talk.shards.world)).breaches == []


def test_both_are_offered_the_same_at_the_same_time_and_neither_is_told_of_the_other() -> None:
    talk = Talk()
    talk.chat(ANNA, BERT)
    talk.go(NOON + 3 * MINUTE)
    assert talk.whats() == [(ANNA, "shared_proposed", ""), (BERT, "shared_reserved", "")]
    sent = talk.offered()
    assert sent.keys() == {ANNA, BERT}
    for name in ("group", "action", "not_before", "content", "moment"):
        assert sent[ANNA][name] == sent[BERT][name], name
    assert sent[ANNA]["not_before"] == NOON + 7 * MINUTE
    assert sent[ANNA]["id"] != sent[BERT]["id"]
    for one, other in ((ANNA, BERT), (BERT, ANNA)):
        assert other not in str(sent[one])
        assert other not in str([said for said in talk.said("decided", "shared_proposed", "shared_reserved")
                                 if said.customer == one])  # fmt: skip
    ends(talk)


def test_two_of_one_shard_take_the_same_way() -> None:
    talk = Talk(names=(ANNA, CORA))
    talk.chat(ANNA, CORA)
    talk.go(NOON + 3 * MINUTE)
    assert talk.offered().keys() == {ANNA, CORA}
    ends(talk)


@pytest.mark.parametrize(
    ("chat", "said"),
    [
        ({"topic": "tea"}, [(ANNA, "shared_proposed", ""), (BERT, "shared_reserved", "")]),
        ({"topic": "soup"}, []),
        ({"channel": "email"}, []),
    ],
)
def test_it_is_asked_on_the_topic_of_an_action_and_a_channel_of_ours(chat: dict[str, str], said: Any) -> None:
    talk = Talk()
    talk.chat(ANNA, BERT, **chat)
    talk.go(NOON + 3 * MINUTE)
    assert talk.whats() == said


def test_three_who_talk_are_offered_nothing() -> None:
    talk = Talk(names=(ANNA, BERT, CORA))
    talk.chat(ANNA, BERT, CORA)
    talk.go(NOON + 3 * MINUTE)
    assert not talk.whats()


@pytest.mark.parametrize("old", ["a-0", "o-0"])
def test_who_talks_under_another_id_of_theirs_is_offered_it_as_well(old: str) -> None:
    """The chat names that id, whichever of the two has the smaller one."""
    talk = Talk(names=(ANNA, BERT, old))
    talk.tell(NOON + MINUTE + 5, "identity_merged", old, into=ANNA)
    talk.go(NOON + 2 * MINUTE)
    talk.chat(old, BERT, time=NOON + 3 * MINUTE)
    talk.go(NOON + 4 * MINUTE)
    assert talk.offered().keys() == {ANNA, BERT}
    ends(talk)


def test_nothing_is_said_to_an_id_that_no_customer_can_have() -> None:
    talk = Talk()
    talk.tell(NOON + 2 * MINUTE, "chat", ANNA, participants=["z\n"], channel="app", topic="espresso")
    talk.go(NOON + 3 * MINUTE)
    assert not talk.whats()
    assert not any(shard.state.totals.dead for shard in talk.shards.world.shards)


@pytest.mark.parametrize("who", [ANNA, BERT])
def test_who_has_not_agreed_shares_nothing(who: str) -> None:
    talk = Talk()
    talk.agrees(who, granted=False, time=NOON + MINUTE)
    talk.chat(ANNA, BERT)
    talk.go(NOON + 3 * MINUTE)
    if who == ANNA:
        assert not talk.whats()
    else:
        assert talk.whats() == [
            (ANNA, "shared_proposed", ""),
            (ANNA, "shared_ended", "other_side"),
            (BERT, "shared_refused", "not_agreed"),
        ]
    assert not talk.offered()
    ends(talk)


def test_a_word_for_one_channel_is_none_for_another() -> None:
    talk = Talk()
    talk.agrees(BERT, granted=False, time=NOON + MINUTE)
    talk.agrees(BERT, time=NOON + MINUTE + 1, channels=["forum"])
    talk.chat(ANNA, BERT)
    talk.go(NOON + 3 * MINUTE)
    assert not talk.offered()
    talk.chat(ANNA, BERT, channel="forum", time=NOON + 20 * MINUTE)
    talk.go(NOON + 21 * MINUTE)
    assert talk.offered().keys() == {ANNA, BERT}


@pytest.mark.parametrize("who", [ANNA, BERT])
def test_what_a_gate_holds_for_one_is_offered_to_neither(who: str) -> None:
    talk = Talk()
    talk.tell(NOON + MINUTE, "campaign_received", who, campaign_id="x")
    talk.chat(ANNA, BERT)
    talk.go(NOON + 3 * MINUTE)
    assert not talk.offered()
    assert ("cap" in [one.gate for one in talk.said("decided", "shared_refused")]) is True
    ends(talk)


def test_control_gets_none_of_it() -> None:
    talk = Talk(SHARED.replace("share = 0.0", "share = 1.0"))
    talk.chat(ANNA, BERT)
    talk.go(NOON + 3 * MINUTE)
    assert not talk.offered()
    assert [(one.customer, one.control) for one in talk.said("decided")] == [(ANNA, True)]
    some = Talk(SHARED.replace("share = 0.0", 'share = 0.5\nsalt = "4"'))
    some.chat(ANNA, BERT)
    some.go(NOON + 3 * MINUTE)
    assert not some.offered()


def test_what_is_reserved_counts_until_it_is_over() -> None:
    talk = Talk()
    talk.chat(ANNA, BERT)
    talk.shards.work()  # proposed, and on its way
    talk.tell(NOON + 3 * MINUTE, "cart_abandoned", ANNA, amount=5)
    talk.shards.work()
    waits = [one for one in talk.said("waits") if one.customer == ANNA]
    assert [one.gate for one in waits] == ["cap"]
    talk.tell(NOON + 30 * MINUTE, "visit", ANNA)  # time passes: the other one did not answer
    talk.go(NOON + 90 * MINUTE)
    assert talk.whats()[1] == (ANNA, "shared_ended", "too_late")
    talk.go(NOON + 8 * DAY)  # it is looked at within a tick
    assert [one["action"] for one in talk.triggers() if one["customer"] == ANNA] == ["basket"]
    ends(talk)


@pytest.mark.parametrize("who", [ANNA, BERT])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("erase_requested", {}),
        ("message_unsubscribed", {"channel": "email"}),
        ("consent_changed", {"purpose": "conversation", "marketing": False}),
        ("case_opened", {"case_id": "a", "severity": "high"}),
        ("restricted", {"reason": "dispute"}),
    ],
)
def test_what_is_taken_back_from_one_is_taken_back_from_the_other(who: str, kind: str, data: dict[str, Any]) -> None:
    talk = Talk()
    talk.chat(ANNA, BERT)
    talk.go(NOON + 3 * MINUTE)
    talk.tell(NOON + 4 * MINUTE, kind, who, **data)
    talk.go(NOON + 5 * MINUTE)
    sent = talk.offered()
    assert sorted(one["trigger"] for one in talk.withdrawals()) == sorted(one["id"] for one in sent.values())
    other = BERT if who == ANNA else ANNA
    assert (other, "withdrawn", "other_side") in talk.whats()
    ends(talk)


def test_what_has_arrived_stays() -> None:
    talk = Talk()
    talk.chat(ANNA, BERT)
    talk.go(NOON + 3 * MINUTE)
    talk.tell(NOON + 8 * MINUTE, "offer_delivered", ANNA, trigger_id=talk.offered()[ANNA]["id"])
    talk.tell(NOON + 9 * MINUTE, "erase_requested", BERT)
    talk.go(NOON + 10 * MINUTE)
    assert [one["customer"] for one in talk.withdrawals()] == [BERT]
    ends(talk)


@pytest.mark.parametrize("who", [ANNA, BERT])
def test_what_was_never_sent_to_one_is_taken_back_from_the_other(who: str) -> None:
    talk = Talk()
    talk.chat(ANNA, BERT)
    talk.go(NOON + 3 * MINUTE)
    talk.tell(NOON + 8 * MINUTE, "expired_unsent", who, trigger_id=talk.offered()[who]["id"])
    talk.go(NOON + 9 * MINUTE)
    assert (who, "shared_ended", "taken_back") in talk.whats()
    assert [one["customer"] for one in talk.withdrawals()] == [BERT if who == ANNA else ANNA]
    assert len([one for one in talk.triggers() if one.get("moment") == "talk"]) == 2, "asked once more"
    ends(talk)


@pytest.mark.parametrize(("old", "new"), [(ANNA, CORA), (BERT, CORA), (BERT, ANNA), (ANNA, BERT), (CORA, ANNA)])
@pytest.mark.parametrize("after", range(7))
def test_an_id_becomes_anothers_in_between(old: str, new: str, after: int) -> None:
    talk = Talk(names=(ANNA, BERT, CORA))
    talk.chat(ANNA, BERT)
    way, steps = talk.shards, 0
    way.work()
    while steps < after and any(way.sent.values()):
        way.deliver(next(one for one, waiting in way.sent.items() if waiting))
        way.work()
        steps += 1
    talk.tell(NOON + 4 * MINUTE, "identity_merged", old, into=new)
    talk.go(NOON + 5 * MINUTE)
    talk.tell(NOON + 6 * MINUTE, "message_unsubscribed", new, channel="email")
    talk.go(NOON + 6 * MINUTE)
    ends(talk)
    sent = [one["id"] for one in talk.triggers() if one.get("group")]
    taken = {one["trigger"] for one in talk.withdrawals()}
    assert len(sent) in (0, 1, 2)
    if len(sent) == 2:
        assert len(taken & set(sent)) in ((0, 2) if new == CORA or old == CORA else (0, 1, 2))
    if len(sent) == 1:
        assert set(sent) <= taken, talk.whats()


def test_who_is_not_known_or_has_no_policy_answers_all_the_same() -> None:
    talk = Talk(names=(ANNA,))
    talk.tell(NOON + 2 * MINUTE, "chat", ANNA, participants=[BERT], channel="app", topic="espresso")
    talk.go(NOON + 3 * MINUTE)
    assert talk.whats() == [(ANNA, "shared_proposed", ""), (ANNA, "shared_ended", "other_side")]
    assert BERT not in talk.records()
    plain = Talk("")
    time = NOON + MINUTE
    plain.shards.tell(partition_of(ANNA, 2), (time, None, chosen_policy(time, 1, SHARED)))
    plain.chat(ANNA, BERT)
    plain.go(NOON + 3 * MINUTE)
    assert plain.whats() == [(ANNA, "shared_proposed", ""), (ANNA, "shared_ended", "other_side")]


def test_a_word_of_another_shard_is_no_cause_of_a_stage_of_the_loyalty_loop() -> None:
    """It is nothing that the customer has done."""
    talk = Talk()
    talk.chat(ANNA, BERT)
    talk.shards.work()
    for partition in range(2):
        talk.shards.tell(partition, (NOON + 3 * MINUTE, None, chosen_policy(NOON + 3 * MINUTE, 2, SHARED + LOOP)))
    talk.go(NOON + 4 * MINUTE)
    assert talk.offered().keys() == {ANNA, BERT}
    said = [one.loyalty for one in talk.said("loyalty") if one.loyalty is not None]
    assert [one.cause for one in said] == ["", ""]
    ends(talk)


def answered_after(kind: str, **data: Any) -> tuple[dict[str, Any], int]:
    """What a shard first sends ever, to who forges a word to nobody, and the number of its line. kind: of what another
    customer did before."""
    way = Shards(2, VARIANTS["live"])
    way.tell(0, (NOON, None, clock(NOON)))
    way.tell(1, told("purchase", BERT, NOON, {"amount": 9}, id="bought"))
    way.tell(1, told(kind, BERT, NOON + MINUTE, data, id="before"))
    word = {"sender": 0, "line": 5, "count": 1, "path": [ANNA], "by": ANNA, "group": "5" * 32, "step": "proposed"}
    nobody = next(name for name in at_home(1) if name != BERT)
    way.tell(1, told("shared_moment", nobody, NOON + 2 * MINUTE, word, id="forged"))
    way.work()
    ((_, _, value),) = way.sent[1, 0]
    answer = decode(value or b"")
    return answer, answer["data"].pop("line")


def test_whoever_forges_a_word_can_not_know_the_line_of_the_answer() -> None:
    """It hangs on what the shard has done for others: else they could make its later records look like repetitions."""
    answer, line = answered_after("visit")
    same, other = answered_after("erase_requested")
    assert answer == same
    assert answer["data"]["step"] == "refused"
    assert line != other


# -- any story

NAMES = [ANNA, BERT, CORA, "n-30", "n-31"]
KINDS = sorted(DATA.keys() - {"preview_asked", "asked_may", "looked_at", "expired_unsent", "chat"})


def story(random: Random, merges: int) -> list[tuple[int, bytes | None, bytes | None]]:
    """Chats of pairs, what else customers do around them, and merges; in order."""
    entries = []
    for number, who in enumerate(NAMES):
        for purpose in ({}, {"purpose": "conversation"}):
            agreed = {"marketing": True, **purpose} if purpose else {"marketing": True, "channels": ["email"]}
            entries.append(told("consent_changed", who, NOON, agreed, id=f"{number}-{len(purpose)}"))
        entries.append(told("purchase", who, NOON, {"amount": 9}, id=f"p-{number}"))
    for number in range(random.randint(4, 12)):
        pair, time = random.sample(NAMES, 2), NOON + random.randrange(20 * DAY)
        topic, channel = random.choice(("espresso", "tea")), random.choice(("app", "app", "forum", "email"))
        data = {"participants": pair, "channel": channel, "topic": topic}
        entries += [told("chat", who, time + random.randrange(3) * MINUTE, data, id=f"chat-{number}") for who in pair]
        for some in range(random.randint(0, 3)):
            kind, later = random.choice((*KINDS, "erase_requested", "case_opened")), random.randrange(30 * MINUTE)
            data = DATA[kind](random)
            entries.append(told(kind, random.choice(pair), time + later, data, id=f"{number}-{some}-then"))
    for number in range(merges):
        old, new = random.sample(NAMES, 2)
        time = NOON + random.randrange(20 * DAY)
        entries.append(told("identity_merged", old, time, {"into": new}, id=f"merge-{number}"))
    return sorted(entries, key=lambda entry: entry[0])


def shards_of(random: Random, text: str, merges: int, variant: str = "live") -> Shards:
    shards = Shards(2, VARIANTS[variant])
    for partition in range(2):
        shards.tell(partition, (NOON - DAY, None, clock(NOON - DAY)))
        shards.tell(partition, (NOON - DAY, None, chosen_policy(NOON - DAY, 1, text)))
    told_in_disorder(shards, story(random, merges), random, 40)
    return shards


OFTEN = (
    SHARED.replace('caps = [{ most = 1, within = "10d" }]', 'cool_down = "1h"')
    .replace("promotion = true\n", "")
    .replace('valid = "10d"\n', "")
)
BUDGETED = OFTEN.replace('topic = "espresso"', 'topic = "espresso"\nbudgets = ["offers"]') + (
    '[budget.offers]\ncounts = "contacts"\nmost = 400\nper = "week"\n'
)


@pytest.mark.parametrize("text", [SHARED, OFTEN, BUDGETED], ids=["shared", "often", "budgeted"])
@pytest.mark.parametrize("seed", slow_but(range(8), (1, 5)))
def test_any_story_gives_the_same_bytes_and_both_or_neither(seed: int, text: str) -> None:
    random = Random(seed)
    shards = shards_of(random, text, merges=seed % 3)
    whole = digest(shards.world)
    batch, items = random.randint(1, 30), random.randint(1, 9)
    parts = replace(shards.settings, piece_items=items)
    assert digest(rehearse(shards.logs, parts, batch=lambda at: batch, engine=compiled)) == whole
    assert digest(rehearse(shards.logs, shards.settings, engine=plainly)) == whole
    assert not [shard.state.totals.dead for shard in shards.world.shards if shard.state.totals.dead]
    assert audit(lines_of(shards.world)).breaches == []
