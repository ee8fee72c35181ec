"""The life of a risk moment and of a touchpoint moment, row by row, on logs of one customer made by hand.

The risk is a function of silence, counted from the day of the purchase: .5 after 30 days, .65 after 46, .8 after 70.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from models.customer.consent import unpack_register
from models.customer.record import unpack
from models.decisions.standing import Stage, Standing, channel_number
from models.decisions.standing_stored import unpack_standing
from models.settings import DAY, HOUR, MINUTE, SECOND, EngineSettings
from streams.operations.audit import Arrival, Line, audit
from tests.support.bench import RECENCY, Kept, Sick, Silence, run_alone
from tests.support.logs import chosen_policy, log_of, ticking, told

POLICY = """
format = 1
zone = "Europe/Berlin"
[risk]
exit = 0.4
levels = [{ name = "slipping", at = 0.5 }, { name = "at_risk", at = 0.65 }, { name = "leaving", at = 0.8 }]
[channel.email]
[moment.risk]
sort = "risk"
[moment.harm]
sort = "touchpoint"
touchpoints = ["complaint"]
within = "2d"
once_per = "3d"
[moment.low]
sort = "touchpoint"
touchpoints = ["nps"]
when = { field = "score", op = "<=", value = 6 }
within = "2d"
[moment.cart]
sort = "touchpoint"
touchpoints = ["cart_abandoned"]
within = "1d"
[action.sorry]
purpose = "care"
kind = "care"
moments = ["harm", "low"]
content = "sorry"
[action.basket]
kind = "useful"
moments = ["cart"]
content = "basket"
[action.offer]
kind = "offer"
moments = ["risk"]
content = "offer"
effect = 1.0
promotion = true
expires = "3d"
valid = "10d"
[contact]
quiet_hours = { start = "21:00", end = "08:00" }
caps = [{ most = 1, within = "10d" }]
rest = { declined = "14d", spam = "90d", soft_failure = "1d", bad_experience = "7d" }
[control]
share = 0.0
[choice]
floor = 0.0
hold_out = 0.0
window = "20d"
"""
CONTROL = POLICY.replace("share = 0.0", "share = 1.0")
WORTHLESS = POLICY.replace("effect = 1.0", "effect = -1.0")
LONG = POLICY.replace('within = "1d"', 'within = "9d"').replace(
    'content = "basket"', 'content = "basket"\nexpires = "2h"\nonce_per = "5d"'
)
USEFUL = POLICY.replace("promotion = true\n", "").replace('valid = "10d"\n', "")
"""Without a promotion, of which there is one in an episode."""
SETTINGS = EngineSettings(phase="spread", boundary=DAY, version_delay=DAY)


def ms(moment: str) -> int:
    return int(datetime.fromisoformat(moment + "Z").timestamp() * 1000)


SILENCE = Silence(30.65)
BOUGHT = ms("2000-01-03T12:00:00")
"""At one in the afternoon in Berlin; the lowest level is reached in an afternoon, too."""


@dataclass
class Story:
    """One customer, who buys once and agrees to email; what else comes is told by `then`."""

    text: str = POLICY
    bought: int = BOUGHT
    settings: EngineSettings = SETTINGS
    days: int = 100
    entries: list[tuple[int, bytes | None, bytes]] = field(default_factory=list)

    def then(self, days: float, kind: str, **data: Any) -> Story:
        """A touchpoint so many days after the purchase."""
        return self.at(self.bought + int(days * DAY), kind, **data)

    def at(self, time: int, kind: str, arrives: int = 0, **data: Any) -> Story:
        name = f"{kind}-{time}-{len(self.entries)}"
        return replace(self, entries=[*self.entries, told(kind, "c", time, data, id=name, at=arrives or time)])

    def policy(self, days: float, text: str, number: int = 2) -> Story:
        """Another policy comes."""
        time = self.bought + int(days * DAY)
        return replace(self, entries=[*self.entries, (time, None, chosen_policy(time, number, text))])

    def log(self) -> list[Any]:
        begin, end = self.bought - DAY, self.bought + self.days * DAY
        first = [(begin, None, chosen_policy(begin, 1, self.text))] if self.text else []
        agreed = {"marketing": True, "channels": ["email"]}
        known = [told("consent_changed", "c", self.bought, agreed), told("purchase", "c", self.bought, {"amount": 9})]
        return log_of(sorted([*first, *known, *self.entries, ticking(end)], key=lambda entry: entry[0]))

    def run(self, scorer: Any = SILENCE, batch: int = 500) -> Told:
        return Told(self, run_alone(self.log(), self.settings, scorer, batch))


@dataclass
class Told:
    """What was said. Whatever the story, the auditor finds no breach, and portions change nothing."""

    story: Story
    kept: Kept

    def __post_init__(self) -> None:
        log = [Arrival(one.offset, one.timestamp, one.key, one.value) for one in self.story.log()]
        topics = [[one.value for one in self.kept.outputs if one.role == role] for role in ("triggers", "decisions")]
        report = audit([Line(0, log, *topics)], SETTINGS.lateness)
        assert not report.breaches, report.breaches

    @property
    def standing(self) -> Standing:
        return unpack_standing(unpack(b"c", self.kept.records[b"c"]).tail.standing)

    @property
    def triggers(self) -> list[tuple[str, str]]:
        return [(one["action"], one.get("level", "")) for one in self.kept.said("triggers") if one["type"] == "trigger"]

    @property
    def first(self) -> dict[str, Any]:
        """The first trigger."""
        return self.kept.said("triggers")[0]

    @property
    def decided(self) -> list[tuple[int, str, str, str]]:
        """(day, level, action, gate)"""
        return [
            (self._day(one), one.get("level", ""), one["action"], one.get("gate", ""))
            for one in self.kept.decisions("decided")
        ]

    @property
    def waits(self) -> list[tuple[int, str, str]]:
        """(day, level, gate)"""
        return [(self._day(one), one.get("level", ""), one["gate"]) for one in self.kept.decisions("waits")]

    def whats(self, *names: str) -> list[str]:
        return [one["what"] for one in self.kept.said("decisions") if one["what"] in names]

    def _day(self, one: dict[str, Any]) -> int:
        return int((one["time"] - self.story.bought) // DAY)


# -- a risk moment


def test_action_drawn_it_is_spent_and_a_higher_level_asks_after_the_window() -> None:
    world = Story(USEFUL).run()
    assert [row[:3] for row in world.decided] == [
        (30, "slipping", "offer"),
        (50, "at_risk", "offer"),
        (70, "leaving", "offer"),
    ]
    assert world.waits[0][1:] == ("at_risk", "in_window")
    assert world.triggers == [("offer", "slipping"), ("offer", "at_risk"), ("offer", "leaving")]
    assert world.first["decision"] == world.first["id"]


def test_one_promotion_in_an_episode() -> None:
    world = Story(days=60).run()
    assert world.first["coupon"] == world.first["id"]
    assert world.triggers == [("offer", "slipping")]
    assert [row[1:] for row in world.waits][:2] == [("at_risk", "in_window"), ("at_risk", "promotion_used")]


@pytest.mark.parametrize("text", [CONTROL, WORTHLESS], ids=["control", "leave alone"])
def test_nothing_goes_out_and_all_else_is_the_same(text: str) -> None:
    world = Story(text).run()
    assert [row[:2] for row in world.decided] == [(30, "slipping"), (50, "at_risk"), (70, "leaving")]
    assert world.waits[0][1:] == ("at_risk", "in_window")
    assert world.triggers == []
    assert world.standing.outstanding == []
    assert world.standing.window_ends == BOUGHT + 90 * DAY or world.standing.window_ends == 0


@pytest.mark.parametrize("bad", ["payment_failed", "delivery_delayed"])
def test_void_when_the_customer_comes_back_and_a_new_crossing_asks(bad: str) -> None:
    story = Story(days=70).then(29, bad, amount=1)
    waits = story.run()
    assert waits.waits[0] == (30, "slipping", "bad_experience")
    world = story.then(31, "purchase", amount=5).run()
    assert world.whats("void", "episode_opened", "decided") == ["episode_opened", "void", "episode_opened", "decided"]
    assert world.decided == [(61, "slipping", "offer", "")]


@pytest.mark.parametrize(
    ("bought", "morning"),
    [
        ("2000-02-24T01:00:00", "2000-03-25T07:00:00"),  # eight o'clock in winter time
        ("2000-02-25T01:00:00", "2000-03-26T06:00:00"),  # the clocks have gone forward in between
        ("2000-09-29T00:30:00", "2000-10-29T07:00:00"),  # and back
    ],
)
def test_it_waits_for_the_morning_in_berlin(bought: str, morning: str) -> None:
    world = Story(bought=ms(bought), days=40).run(Silence(30.1))  # the level is reached in the night
    assert world.waits[0][1:] == ("slipping", "hours")
    assert 0 <= world.first["time"] - ms(morning) < 30 * MINUTE
    assert world.decided[0][1:] == ("slipping", "offer", "")


def test_a_temporary_gate_holds_it_and_it_is_drawn_afterwards() -> None:
    world = Story(days=44).then(28, "complaint").run()
    assert world.waits[0] == (30, "slipping", "bad_experience")
    assert world.decided[-1] == (35, "slipping", "offer", "")


def test_a_case_wakes_it_when_it_is_resolved() -> None:
    text = POLICY.replace('bad_experience = "7d"', 'bad_experience = "1h"')
    story = Story(text, days=44).then(20, "case_opened", case_id="a").then(31.05, "case_resolved", case_id="a")
    world = story.run()
    assert world.waits[0] == (30, "slipping", "open_case")
    assert world.decided == [(31, "slipping", "offer", "")]


def test_a_final_gate_spends_the_level_and_a_higher_one_asks() -> None:
    story = Story(days=60).then(20, "message_unsubscribed", channel="email")
    story = story.then(31, "consent_changed", marketing=True, channels=["email"])
    world = story.run()
    assert world.decided[0] == (30, "slipping", "leave_alone", "refused_channel")
    assert [row[1:3] for row in world.decided[1:]] == [("at_risk", "offer")]


def test_expired_unsent_gives_back_and_the_level_stays_spent() -> None:
    story = Story(days=44)
    trigger = story.run().first["id"]
    held = story.then(33, "cart_abandoned", amount=1).run()
    assert held.triggers == [("offer", "slipping")]
    world = story.then(31, "expired_unsent", trigger_id=trigger).then(33, "cart_abandoned", amount=1).run()
    assert world.triggers == [("offer", "slipping"), ("basket", "")]
    assert world.whats("given_back") == ["given_back"]
    assert len([row for row in world.decided if row[1]]) == 1
    twice = story.then(31, "expired_unsent", trigger_id=trigger).then(32, "expired_unsent", trigger_id=trigger).run()
    assert twice.whats("given_back", "refused") == ["given_back"]


def test_a_withdrawal_keeps_what_was_reserved_until_the_sender_says_so() -> None:
    text = POLICY.replace('bad_experience = "7d"', 'bad_experience = "1h"')
    story = Story(text, days=44)
    trigger = story.run().first["id"]
    story = story.then(30.2, "complaint")
    taken = story.then(31, "cart_abandoned", amount=1).run()
    assert [one["trigger"] for one in taken.kept.said("triggers") if one["type"] == "withdrawal"] == [trigger]
    assert taken.triggers == [("offer", "slipping"), ("sorry", "")]  # the cap still counts it
    world = story.then(30.5, "offer_withdrawn", trigger_id=trigger).then(31, "cart_abandoned", amount=1).run()
    assert world.triggers == [("offer", "slipping"), ("sorry", ""), ("basket", "")]


def test_an_erasure_takes_back_what_is_out_and_ignores_what_comes_of_it() -> None:
    story = Story(days=60)
    trigger = story.run().first["id"]
    world = story.then(30.2, "erase_requested").then(32, "offer_delivered", trigger_id=trigger).run()
    assert [one["reason"] for one in world.kept.said("triggers") if one["type"] == "withdrawal"] == ["erased"]
    assert world.standing == Standing()
    assert world.whats("delivered", "decided") == ["decided"]


def test_an_objection_to_profiling_makes_it_void() -> None:
    story = Story(days=60).then(29, "payment_failed", amount=1)
    world = story.then(31, "consent_changed", marketing=False, purpose="profiling").run()
    assert world.whats("void", "episode_closed", "decided") == ["void", "episode_closed"]
    assert world.standing.waiting == []


# -- touchpoint moments


def test_a_complaint_gets_care_at_once_at_night_too_and_once_in_a_while() -> None:
    night = BOUGHT + 10 * HOUR  # eleven in the evening
    world = Story(days=20).at(night, "complaint").at(night + DAY, "complaint").at(night + 4 * DAY, "complaint").run()
    assert [one["time"] for one in world.kept.said("triggers")] == [night, night + 4 * DAY]
    assert {one["purpose"] for one in world.kept.said("triggers")} == {"care"}


@pytest.mark.parametrize(("score", "sent"), [(6, 1), (7, 0)])
def test_a_low_rating_asks(score: int, sent: int) -> None:
    assert len(Story(days=9).then(1, "nps", score=score).run().triggers) == sent


def test_within_its_life_a_cart_left_at_night_waits_for_the_morning_and_beyond_it_ends() -> None:
    night = BOUGHT + 10 * HOUR
    world = Story(days=9).at(night, "cart_abandoned", amount=1).run()
    assert world.triggers == [("basket", "")]
    assert night + 8 * HOUR < world.first["time"] < night + 10 * HOUR
    brief = Story(POLICY.replace('within = "1d"', 'within = "2h"'), days=9).at(night, "cart_abandoned", amount=1).run()
    assert brief.triggers == []
    assert brief.decided[0][2:] == ("leave_alone", "expired")


def test_of_the_control_group_care_goes_out_and_marketing_does_not() -> None:
    world = Story(CONTROL, days=9).then(1, "cart_abandoned", amount=1).then(2, "complaint").run()
    assert world.triggers == [("sorry", "")]
    assert world.kept.decisions("decided")[0]["control"]


# -- who is online


@pytest.mark.parametrize(("state", "life"), [("online", 20 * MINUTE), ("offline", 2 * HOUR)])
def test_what_goes_to_somebody_while_they_are_online_expires_soon(state: str, life: int) -> None:
    text = LONG.replace("[channel.email]", '[channel.email]\npresence = true\npresence_expires = "20m"')
    story = Story(text, days=9).then(0.99, "presence", state=state, channel="email").then(1, "cart_abandoned", amount=1)
    sent = story.run().first
    assert sent["expires_at"] - sent["time"] == life


# -- a moment of which nothing came


def test_what_was_not_sent_asks_once_more_within_its_life() -> None:
    story = Story(LONG, days=20).then(1, "cart_abandoned", amount=1)
    first = story.run().first["id"]
    story = story.then(1.1, "expired_unsent", trigger_id=first)
    world = story.run()
    assert world.triggers == [("basket", ""), ("basket", "")]
    second = world.kept.said("triggers")[1]["id"]
    assert story.then(1.3, "expired_unsent", trigger_id=second).run().triggers == world.triggers
    late = Story(LONG, days=20).then(1, "cart_abandoned", amount=1).then(10.1, "expired_unsent", trigger_id=first)
    assert late.run().triggers == [("basket", "")]


def test_what_did_not_arrive_asks_once_more_on_another_channel_and_then_for_a_person() -> None:
    story = Story(TWO, days=20).then(1, "complaint")
    trigger = story.run().first
    assert trigger["channel"] == "email"
    story = story.then(1.1, "offer_failed", **{**FAILED, "trigger_id": trigger["id"]}, channel="email")
    world = story.run()
    assert [one["channel"] for one in world.kept.said("triggers")] == ["email", "push"]
    alone = Story(days=20).then(1, "complaint")
    alone = alone.then(1.1, "offer_failed", **{**FAILED, "trigger_id": alone.run().first["id"]}, channel="email")
    assert [row[2:] for row in alone.run().decided][-1] == ("task_for_a_person", "unreachable")


def test_what_was_drawn_asks_no_more() -> None:
    story = Story(days=44)
    world = story.then(31, "offer_failed", **{**FAILED, "trigger_id": story.run().first["id"]}, channel="email").run()
    assert len(world.decided) == 1


# -- what is more important

RANKED = USEFUL.replace("[contact]", "[contact]\noutranking = true").replace(
    'content = "basket"', 'content = "basket"\npriority = 8'
)


def test_what_is_more_important_waits_for_the_place_of_what_is_less() -> None:
    story = Story(RANKED, days=44)
    trigger = story.run().first["id"]
    story = story.then(30.2, "cart_abandoned", amount=1)
    waiting = story.run()
    assert [
        (one["trigger"], one["reason"]) for one in waiting.kept.said("triggers") if one["type"] == "withdrawal"
    ] == [(trigger, "outranking")]
    assert waiting.waits[0] == (30, "", "outranking")
    assert waiting.triggers == [("offer", "slipping")]  # without a word it counts as delivered
    world = story.then(30.3, "offer_withdrawn", trigger_id=trigger).run()
    assert world.triggers == [("offer", "slipping"), ("basket", "")]


def test_what_is_as_important_waits_for_the_cap() -> None:
    world = Story(RANKED.replace("priority = 8", "priority = 5"), days=44).then(30.2, "cart_abandoned", amount=1).run()
    assert "withdrawn" not in world.whats("withdrawn")
    assert world.waits[0][2] == "cap"


# -- channels on which nothing arrives

TWO = POLICY.replace("[channel.email]", "[channel.email]\n[channel.push]").replace(
    'content = "sorry"', 'content = "sorry"\nchannels = ["email", "push"]'
)
FAILED = {"trigger_id": "0" * 32, "failure": "hard"}


def test_after_a_failure_for_good_the_next_channel_is_taken_until_the_former_works_again() -> None:
    story = Story(TWO, days=20).then(1, "offer_failed", channel="email", **FAILED).then(2, "complaint")
    agreed = {"marketing": True, "channels": ["email"]}
    world = story.then(3, "consent_changed", **agreed).then(9, "complaint").run()
    assert [one["channel"] for one in world.kept.said("triggers")] == ["push", "email"]


def test_it_is_no_refusal_and_outlasts_no_erasure() -> None:
    story = Story(TWO, days=20).then(1, "offer_failed", channel="email", **FAILED)
    assert list(story.run().standing.unreachable) == [channel_number("email")]
    record = unpack(b"c", story.run().kept.records[b"c"])
    assert all(said.granted for said in unpack_register(record.tail.consents).values())
    assert story.then(2, "erase_requested").run().standing == Standing()


def test_what_is_due_and_reaches_the_customer_nowhere_is_a_task_for_a_person() -> None:
    world = Story(days=20).then(1, "offer_failed", channel="email", **FAILED).then(2, "complaint").run()
    assert world.triggers == []
    [said] = world.kept.decisions("decided")
    assert (said["action"], said["gate"], said["reason"]) == ("task_for_a_person", "unreachable", "sorry")
    assert [one["gates"] for one in said["candidates"]] == [["unreachable"]]


def test_marketing_that_reaches_the_customer_nowhere_ends() -> None:
    world = Story(days=40).then(1, "offer_failed", channel="email", **FAILED).run()
    assert [row[1:] for row in world.decided] == [("slipping", "leave_alone", "unreachable")]


# -- policies that change


def test_a_policy_that_comes_while_an_episode_is_open_asks_at_its_level() -> None:
    world = Story("", days=80).policy(75, POLICY, 1).run()
    assert world.triggers[0] == ("win_back", "") or world.triggers[0][1] == "leaving"
    assert [row[1] for row in world.decided] == ["leaving"]


def test_expired_unsent_of_a_trigger_from_before_the_policy_changes_nothing() -> None:
    story = Story("", days=90).policy(75, POLICY, 1)
    trigger = story.run().first
    assert trigger["action"] == "win_back"
    world = story.then(76.5, "expired_unsent", trigger_id=trigger["id"]).run()
    assert world.triggers == story.run().triggers


def test_levels_that_move_while_it_waits_and_a_risk_moment_of_another_name() -> None:
    other = POLICY.replace("at = 0.5 ", "at = 0.55 ").replace("[moment.risk]", "[moment.danger]")
    other = other.replace('moments = ["risk"]', 'moments = ["danger"]')
    world = Story(days=44).then(28, "complaint").policy(31, other).run()
    assert world.decided[-1] == (35, "slipping", "offer", "")
    assert world.kept.decisions("decided")[-1]["moment"] == "danger"


# -- timers


def test_a_record_with_something_out_does_not_leave_the_store() -> None:
    settings = replace(SETTINGS, horizon=28 * DAY, forget_after=DAY)
    text = POLICY.replace('valid = "10d"', 'valid = "60d"')
    at = Story(text, settings=settings, days=80).run()
    assert at.standing.outstanding[0].until
    assert b"c" not in Story(text, settings=settings, days=110).run().kept.records


def test_a_timer_on_which_the_engine_raises_is_taken_away_and_what_was_out_counts() -> None:
    story = Story(days=44)
    whole = story.run()
    expires = whole.standing.outstanding[0].time  # it counts as delivered from its expiry on
    assert whole.standing.outstanding[0].stage == Stage.PRESUMED
    days = (expires - BOUGHT + 12 * HOUR) / DAY
    world = Story(days=44).run(Sick(RECENCY, days, well=SILENCE))
    assert len([one for one in world.kept.outputs if one.role == "deadletters"]) == 1
    assert [(one.stage, one.time) for one in world.standing.outstanding] == [(Stage.PRESUMED, expires)]
    assert world.standing.next_timer() == world.standing.window_ends


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_many_at_one_millisecond_come_to_the_same_in_any_portions(batch: int) -> None:
    story = Story(days=60).then(29, "complaint")
    noon = BOUGHT + 40 * DAY
    for kind, data in (("cart_abandoned", {"amount": 1}), ("nps", {"score": 1}), ("payment_failed", {"amount": 1})):
        story = story.at(noon, kind, **data).at(noon, kind, **data)
    whole = story.run()
    assert [one.value for one in story.run(batch=batch).kept.outputs] == [one.value for one in whole.kept.outputs]
    assert whole.standing.next_timer() % SECOND == 0


# -- what a person has to do


def test_who_buys_for_an_account_gets_a_task_for_a_person_and_no_offer() -> None:
    world = Story(days=44).then(1, "profile_updated", customer_class="reseller").then(2, "complaint").run()
    assert world.triggers == [("sorry", "")]  # a wrong is put right all the same
    [told] = [one for one in world.kept.decisions("decided") if one.get("level")]
    assert (told["action"], told["reason"], told["gate"]) == ("task_for_a_person", "offer", "for_a_person")
    assert told["candidates"][0]["gates"] == ["for_a_person"]


def test_the_control_group_gets_no_task_either() -> None:
    world = Story(CONTROL, days=44).then(1, "profile_updated", customer_class="business").run()
    assert [row[1:] for row in world.decided] == [("slipping", "leave_alone", "for_a_person")]


def test_an_action_for_a_person_is_a_task_whatever_it_is_for() -> None:
    world = (
        Story(POLICY.replace('content = "sorry"', 'content = "sorry"\nhuman = true'), days=9).then(1, "complaint").run()
    )
    assert world.triggers == []
    assert world.decided == [(1, "", "task_for_a_person", "for_a_person")]
