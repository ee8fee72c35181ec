"""The loyalty loop on the live path: what is kept is said, moments ask by it, and portions change nothing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.customer.record import unpack
from models.decisions.given import Asks, Touched
from models.decisions.inert import is_inert
from models.decisions.policy.in_force import PolicyInForce
from models.engine import asked
from models.engine.changes import counted_as
from models.engine.effects import HANDLERS
from models.engine.ground import Ground, ReportedEffect
from models.engine.lanes import Effect
from models.loyalty.loop import STAGES, Loop, unpack_loop
from models.outputs import Decision
from models.settings import DAY, EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.touchpoints.kinds import Kind
from streams.operations.audit import Breach, audit
from streams.operations.customer.standing import standing_view
from tests.reference.engine import apply as plainly
from tests.support.bench import digest, run_alone
from tests.support.kept_topics import lines_of
from tests.support.logs import DATA, START, clock, inserted, log_of, synthetic, told
from tests.support.replies import with_policy
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, SETTINGS, SILENCE, Story, Told
from tests.unit.models.simulation.test_rehearsal import VARIANTS

LOOP = """
[loyalty]
half_life = "30d"
active_from = 2
advocate_from = 2
advocate_for = "60d"
won_back_for = "20d"
[loyalty.weights]
nps = 20
"""
THANKS = """
[moment.praised]
sort = "spoke_well"
when = { field = "spoke_well", op = ">=", value = 2 }
[moment.one_year]
sort = "date"
field = "anniversary"
within = "5d"
[moment.thin]
sort = "date"
field = "customer_since"
offset = "12d"
within = "5d"
when = { field = "missing", op = "contains", value = "topics" }
[action.thank]
purpose = "care"
kind = "care"
moments = ["praised"]
content = "thanks"
when = { field = "stage", op = "!=", value = "slipping" }
[action.greet]
purpose = "care"
kind = "care"
moments = ["one_year", "thin"]
content = "years"
"""
KEPT = POLICY + LOOP + THANKS
PRAISES = ("review", "mention", "recommendation", "referral", "community_help")
TEXTS = ("Great beans, I love them!", "Never again, this was terrible.", "It came on Tuesday.", "Nicht toll, 😀 mies")
UNLIKE = """
[loyalty]
losses = 3.0
lapses_after = "40d"
advocate_from = 1
[loyalty.weights]
purchase = 0
complaint = 40
[loyalty.words.de]
good = ["toll"]
bad = ["mies"]
negations = ["nicht"]
"""


def entries(world: Told | Rehearsal) -> list[dict[str, Any]]:
    """What is said of the loop, in order."""
    if isinstance(world, Told):
        return world.kept.decisions("loyalty")
    said = (json.loads(one.value) for shard in world.shards for one in shard.outputs if one.role == "decisions")
    return [one for one in said if one["what"] == "loyalty"]


def course(world: Told) -> list[tuple[float, str]]:
    """(day after the purchase, stage)"""
    return [
        (round((one["time"] - BOUGHT) / DAY, 1), one["loyalty"]["stage"])
        for one in entries(world)
        if one["loyalty"]["stage"] != one["loyalty"].get("former")
    ]


def breaches_of(world: Rehearsal, told: EngineSettings) -> list[Breach]:
    """What the auditor finds, who knows the settings."""
    known = {"leaves": told.leaves, "alive": told.alive, "silence": told.silence}
    return audit(lines_of(world), told.lateness, **known).breaches


def loop_of(value: bytes, name: bytes = b"c") -> Loop:
    return unpack_loop(unpack(name, value).tail.loyalty)


def answered(world: Told, moment: str) -> list[tuple[str, int]]:
    asked = [one for one in world.kept.decisions("decided") if one.get("moment") == moment]
    return [(one["action"], round((one["time"] - BOUGHT) / DAY)) for one in asked]


def test_a_customer_goes_round_the_loop() -> None:
    story = Story(KEPT, days=120).then(-0.5, "review", rating=5).then(5, "purchase", amount=3)
    story = story.then(6, "referral").then(60, "purchase", amount=3).then(82, "complaint")
    assert course(story.run()) == [
        (-0.5, "prospect"),
        (0.0, "new"),
        (5.0, "active"),
        (6.0, "advocate"),
        (35.2, "slipping"),
        (60.0, "won_back"),
        (82.0, "active"),
        (90.2, "slipping"),
    ]


def test_who_lapses_and_buys_is_won_back() -> None:
    text = KEPT.replace("[loyalty]\n", '[loyalty]\nlapses_after = "20d"\n')
    story = Story(text, days=60).then(22, "purchase", amount=3).then(50, "nps", score=7)
    assert course(story.run()) == [(0.0, "new"), (22.0, "won_back"), (50.0, "lapsed")]


def test_who_bought_before_they_were_seen_slipping_is_not_won_back_by_that() -> None:
    story = Story(KEPT, days=40).at(BOUGHT + 29 * DAY, "purchase", arrives=BOUGHT + 31 * DAY, amount=3)
    assert course(story.run()) == [(0.0, "new"), (30.2, "slipping"), (31.0, "active")]


def test_who_slips_and_is_given_up_is_said_to_be_lapsed_at_that_tick() -> None:
    story = Story(KEPT, days=400)
    assert course(story.run())[-2:] == [(30.2, "slipping"), (183.2, "lapsed")]


def test_the_index_is_said_and_is_what_the_record_has() -> None:
    story = Story(KEPT, days=40).then(1, "nps", score=10).then(31, "complaint", severity="high")
    world = story.then(31, "review", rating=4).run()
    said = [one["loyalty"]["index"] for one in entries(world)]
    assert said[0] == 2.0
    # 2 for the purchase, 20 a day later; half of that a half-life later, less twice 15, and 5 for four stars.
    assert said[-1] == pytest.approx((2 / 2 ** (1 / 30) + 20) / 2 - 30 + 5, abs=1e-3)
    assert loop_of(world.kept.records[b"c"]).index == round(said[-1] * 10_000)


def test_who_speaks_well_of_us_is_thanked_by_the_policy() -> None:
    story = Story(KEPT, days=20).then(3, "review", rating=5).then(5, "mention", sentiment=-0.9)
    story = story.then(7, "mention", sentiment=0.9).then(9, "mention")
    world = story.run()
    assert answered(world, "praised") == [("thank", 7)]
    voices = [(one["loyalty"].get("way"), one["loyalty"].get("voice")) for one in entries(world)]
    assert voices == [
        (None, None),
        ("review", "good"),
        ("mention", "bad"),
        ("mention", "good"),
        ("mention", "unknown"),
    ]
    assert (entries(world)[-1]["loyalty"]["praise"], entries(world)[-1]["loyalty"]["blame"]) == (2, 1)


def test_texts_without_a_sentiment_are_read_where_the_language_is_known() -> None:
    def voices(text: str, language: str, policy: str = KEPT, **more: Any) -> list[tuple[str, bool]]:
        story = Story(policy, days=9).then(1, "profile_updated", language=language)
        world = story.then(2, "mention", text=text, **more).run()
        told = [one["loyalty"] for one in entries(world) if one["loyalty"].get("way")]
        return [(one["voice"], one.get("by_words", False)) for one in told]

    assert voices("I love this shop", "en-GB") == [("good", True)]
    assert voices("I love this shop", "en-GB", sentiment=-0.5) == [("bad", False)]
    assert voices("I love this shop", "fr") == [("unknown", False)]
    assert voices("The parcel came", "en") == [("unknown", False)]
    assert voices("I love this shop", "en", KEPT.replace("[loyalty]\n", "[loyalty]\ntexts = false\n")) == [
        ("unknown", False)
    ]
    german = KEPT + '[loyalty.words.de]\ngood = ["toll"]\nbad = ["mies"]\nnegations = ["nicht"]\n'
    assert voices("Ein Laden, der toll ist!", "de", german) == [("good", True)]
    assert voices("Das war nicht toll", "de", german) == [("bad", True)]


def test_what_is_said_in_a_chat_weighs_by_its_words() -> None:
    story = Story(KEPT, days=9).then(1, "profile_updated", language="en")
    world = story.then(2, "chat", participants=["c", "a"], text="This is terrible, I am angry").run()
    assert loop_of(world.kept.records[b"c"]).index < -30_000


def test_anniversaries_ask_each_year_and_a_thin_record_once() -> None:
    story = Story(KEPT, days=800).then(300, "purchase", amount=3)
    world = story.run()
    assert answered(world, "one_year") == [("greet", 366), ("greet", 731)]  # 2000 is a leap year
    assert answered(world, "thin") == [("greet", 12)]
    known = Story(KEPT, days=30).then(2, "preferences_updated", topics=["tea"]).run()
    assert answered(known, "thin") == []


def test_a_customer_of_29_february_has_it_on_the_first_of_march() -> None:
    leap = Story(KEPT, bought=951_825_600_000, days=800)
    asked = [one["time"] for one in leap.run().kept.decisions("decided") if one.get("moment") == "one_year"]
    assert [(time - 951_825_600_000) // DAY for time in asked] == [366, 731]


def test_of_whom_nothing_is_learned_nothing_is_kept() -> None:
    story = Story(KEPT, days=20).then(3, "review", rating=5)
    story = story.then(4, "consent_changed", marketing=False, purpose="profiling").then(5, "review", rating=5)
    world = story.run()
    assert unpack(b"c", world.kept.records[b"c"]).tail.loyalty == b""
    assert [round((one["time"] - BOUGHT) / DAY) for one in entries(world)] == [0, 3]


def test_who_tries_things_out_gets_all_of_it_and_changes_no_count_of_stages() -> None:
    story = Story(KEPT, days=20).then(0.1, "restricted", reason="test").then(1, "review", rating=5)
    world = story.then(2, "referral").run()
    assert answered(world, "praised") == [("thank", 2)]
    assert [(one["loyalty"]["stage"], one.get("test", False)) for one in entries(world)] == [
        ("new", False),
        ("new", True),
        ("advocate", True),
    ]
    said = [msgspec.json.decode(one.value, type=Decision) for one in world.kept.outputs if one.role == "decisions"]
    assert [counted_as(one) for one in said if one.loyalty] == [("loyalty", "new"), ("loyalty", ""), ("loyalty", "")]
    record = unpack(b"c", world.kept.records[b"c"])
    shown = standing_view("c", record, PolicyInForce.of(1, KEPT), SETTINGS, BOUGHT + 20 * DAY)["loyalty"]
    assert shown["stage"] == "advocate"
    refuses = story.then(3, "consent_changed", marketing=False, purpose="profiling").run()
    assert unpack(b"c", refuses.kept.records[b"c"]).tail.loyalty == b""


def test_the_end_of_a_restriction_counts_before_a_touchpoint_comes() -> None:
    only = '[action.greet]\nwhen = { field = "stage", op = "==", value = "new" }'
    story = Story(KEPT.replace("[action.greet]", only), days=20)
    until = story.then(3, "restricted", reason="dispute", until="2000-01-10T00:00:00Z").run()
    assert answered(until, "thin") == [("greet", 12)]
    assert course(until) == [(0.0, "new"), (12.0, "new")]
    for_good = story.then(3, "restricted", reason="dispute").run()
    assert ("greet", 12) not in answered(for_good, "thin")


@pytest.mark.parametrize("batch", [1, 500])
def test_a_row_on_which_the_engine_raises_takes_nothing_of_it_away(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def sick(policy: PolicyInForce, stored: bytes, touch: Touched, now: int, contract: bool) -> bool:
        if touch.kind == Kind.RESTRICTED:
            raise ZeroDivisionError("sick")
        return is_inert(policy, stored, touch, now, contract)

    monkeypatch.setattr(asked, "is_inert", sick)
    story = Story(KEPT, days=9).then(1, "review", rating=5).then(2, "referral").then(2, "nps", score=1)
    story = story.then(3, "restricted", reason="dispute").then(3.1, "shared")
    kept = run_alone(story.log(), SETTINGS, SILENCE, batch)
    assert [letter["code"] for letter in kept.said("deadletters")] == ["engine_error"]
    assert loop_of(kept.records[b"c"]).praised == 2


def test_an_erasure_takes_it_away_and_whoever_comes_back_begins_anew() -> None:
    story = Story(KEPT, days=20).then(3, "review", rating=5).then(4, "erase_requested")
    assert unpack(b"c", story.run().kept.records[b"c"]).tail.loyalty == b""


def test_without_the_table_nothing_is_kept_or_said() -> None:
    world = Story(POLICY, days=30).then(3, "review", rating=5).run()
    assert entries(world) == []
    assert unpack(b"c", world.kept.records[b"c"]).tail.loyalty == b""


def test_a_policy_that_loses_the_table_drops_what_was_kept() -> None:
    story = Story(KEPT, days=60).then(3, "review", rating=5).policy(10, POLICY, 2).then(12, "complaint")
    assert unpack(b"c", story.run().kept.records[b"c"]).tail.loyalty == b""
    again = story.policy(40, KEPT, 3).then(41, "nps", score=10).run()
    kept = loop_of(again.kept.records[b"c"])
    assert (kept.index, kept.praised) == (200_000, 0)


def test_history_moves_the_loop_and_nobody_is_thanked_for_it() -> None:
    logs = kept(7, [KEPT], 2, 12, 90)
    quiet = rehearse(logs, VARIANTS["live"], quiet_until=START + 60 * DAY)
    sent = [json.loads(one.value) for shard in quiet.shards for one in shard.outputs if one.role == "triggers"]
    assert min((one["time"] for one in sent), default=START + 60 * DAY) >= START + 60 * DAY
    assert min(one["time"] for one in entries(quiet)) < START + 30 * DAY


# -- on logs of many customers


def outspoken(seed: int, logs: list[list[LogRecord]]) -> list[list[LogRecord]]:
    """The same, where customers speak of us more often, and much of it comes late or twice."""
    random, made = Random(seed), []
    for log in logs:
        more = [(entry.timestamp, entry.key, entry.value) for entry in log]
        for entry in log:
            if entry.key is None or entry.key.startswith(b"stray") or random.random() > 0.2:
                continue
            kind = random.choice((*PRAISES, "complaint", "nps", "purchase", "chat", "profile_updated"))
            data = DATA[kind](random)
            if kind in ("mention", "chat") and random.random() < 0.5:
                data = data | {"sentiment": None, "text": random.choice(TEXTS)}
            if kind == "profile_updated":
                data = {"language": random.choice(("en-GB", "de", "fr"))}
            time = entry.timestamp + random.randint(0, 9) * DAY
            late = random.choice((0, 0, 0, 5, 40)) * DAY
            name = f"{kind}-{random.random()}"
            more.append(told(kind, entry.key.decode(), time, data, id=name, at=time + late))
        made.append(log_of(sorted(more, key=lambda entry: entry[0])))
    return made


def kept(seed: int, texts: list[str], partitions: int, customers: int, days: int) -> list[list[LogRecord]]:
    logs = outspoken(seed, synthetic(seed, partitions, customers, days))
    for number, text in enumerate(texts, start=1):
        at = START + (number - 1) * days // len(texts) * DAY
        logs = [with_policy(log, text, number, at) for log in logs]
    last = max(log[-1].timestamp for log in logs) + 15 * DAY
    return [inserted(log, [(last + DAY * n, clock(last + DAY * n)) for n in range(2)]) for log in logs]


@pytest.mark.parametrize("variant", [pytest.param("live", marks=pytest.mark.slow), "evaluation"])
def test_it_equals_the_plain_reference(variant: str) -> None:
    logs = kept(5, [KEPT, POLICY + UNLIKE], 2, 25, 120)
    fast = rehearse(logs, VARIANTS[variant])
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    stages = Counter(one["loyalty"]["stage"] for one in entries(fast))
    assert {*stages} == {*STAGES}, stages
    tolerances = VARIANTS[variant]
    assert breaches_of(fast, tolerances) == []


@pytest.mark.parametrize("text", [KEPT, POLICY + UNLIKE], ids=["with dates", "without"])
def test_what_only_counts_in_the_loop_asks_for_no_decision(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever we stand with in whatever way: plain Python hears of another stage, and sees to who speaks of us."""
    logs, went = kept(7, [text], 1, 25, 90), Counter[str]()

    def counted(what: Effect) -> None:
        handler = HANDLERS[what]

        def handle(ground: Ground, effect: ReportedEffect) -> None:
            went[what.name] += what != Effect.DECIDE or effect.flag == Asks.LOOP
            went["stands"] += what == Effect.STAGED and bool(ground.lanes["stands"][effect.lane])
            handler(ground, effect)

        monkeypatch.setitem(HANDLERS, what, handle)

    for what in (Effect.STAGED, Effect.LOOPED, Effect.DECIDE):
        counted(what)
    assert digest(rehearse(logs, VARIANTS["live"])) == digest(rehearse(logs, VARIANTS["live"], engine=plainly))
    assert went["STAGED"] > went["stands"] > 1, went
    assert went["LOOPED"] > 5, went
    assert not went["DECIDE"], went


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.integers(1, 10_000), st.integers(1, 90), st.integers(1, 9))
def test_any_portions_give_the_same_bytes(seed: int, batch: int, items: int) -> None:
    logs = kept(seed, [KEPT, POLICY + UNLIKE], 2, 5, 80)
    whole = rehearse(logs, VARIANTS["live"])
    cut = rehearse(logs, replace(VARIANTS["live"], piece_items=items), batch=lambda at: batch)
    assert digest(cut) == digest(whole)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(1, 10_000), st.sampled_from(sorted(VARIANTS)))
@example(363, "evaluation")  # an erased customer gives consent and praises us where no consent reopens a record
def test_on_any_log_it_equals_the_plain_reference(seed: int, variant: str) -> None:
    texts = [[KEPT, POLICY + UNLIKE], [KEPT, POLICY, KEPT], [POLICY, POLICY + UNLIKE, POLICY, KEPT]][seed % 3]
    logs = kept(seed, texts, 2, 8, 90)
    fast = rehearse(logs, VARIANTS[variant])
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    tolerances = VARIANTS[variant]
    assert breaches_of(fast, tolerances) == []
