"""What is out under two ids when they become one customer: taken back where either says so, and each has its end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from models.engine.apply import apply as compiled
from models.engine.step import Engine
from models.settings import DAY, HOUR
from models.timeline.partitioning import partition_of
from tests.reference.engine import apply as plainly
from tests.support.identities import Shards
from tests.support.logs import START, chosen_policy, clock, told
from tests.unit.models.engine.test_life_of_a_moment import LONG
from tests.unit.models.simulation.test_rehearsal import VARIANTS

NOON = START - START % DAY + 11 * HOUR
USEFUL = LONG.replace('once_per = "5d"', 'once_per = "30m"').replace("most = 1, within", "most = 90, within")
USEFUL = USEFUL.replace('quiet_hours = { start = "21:00", end = "08:00" }\n', "")
OFFERS = (
    LONG.replace('moments = ["cart"]', 'moments = ["cart"]\npromotion = true\nvalid = "20d"')
    .replace('kind = "useful"\nmoments', 'kind = "offer"\nmoments')
    .replace('expires = "2h"', 'expires = "5d"')
    .replace("most = 1, within", "most = 5, within")
)
AGAINST: dict[str, tuple[str, dict[str, Any], str]] = {
    "refusal": ("consent_changed", {"marketing": False, "channels": ["email"]}, "refused_channel"),
    "case": ("case_opened", {"case_id": "k1"}, "case_opened"),
    "restriction": ("restricted", {"reason": "minor"}, "restricted"),
}


class Story:
    """Two ids of which both have bought and consent, on two shards under a policy."""

    def __init__(self, text: str, apply: Engine) -> None:
        self.shards = Shards(2, VARIANTS["live"], apply)
        for partition in range(2):
            self.shards.tell(partition, (NOON - DAY, None, clock(NOON - DAY)))
            self.shards.tell(partition, (NOON - DAY, None, chosen_policy(NOON - DAY, 1, text)))
        for name in ("old", "new"):
            self.tell("consent_changed", name, NOON, {"marketing": True, "channels": ["email"]})
            self.tell("purchase", name, NOON, {"amount": 9})

    def tell(self, kind: str, name: str, time: int, data: dict[str, Any]) -> None:
        entry = told(kind, name, time, data, id=f"{kind}-{name}-{time}")
        self.shards.tell(partition_of(name, 2), entry)

    def go_to(self, time: int) -> None:
        for partition in range(2):
            self.shards.tell(partition, (time, None, clock(time)))
        self.shards.come_to_rest()

    def outputs(self, role: str) -> list[dict[str, Any]]:
        outputs = [one for shard in self.shards.world.shards for one in shard.outputs if one.role == role]
        return [msgspec.json.decode(one.value) for one in outputs]

    def said(self, *what: str) -> list[dict[str, Any]]:
        return [one for one in self.outputs("decisions") if one["what"] in what]

    @property
    def triggers(self) -> dict[str, str]:
        """By id, whose each is."""
        return {one["id"]: one["customer"] for one in self.outputs("triggers") if one["type"] == "trigger"}


@pytest.mark.parametrize("apply", [compiled, plainly])
@pytest.mark.parametrize("out", ["old", "new"])
@pytest.mark.parametrize("name", AGAINST)
def test_what_either_id_says_against_it_takes_back_what_is_out(apply: Engine, name: str, out: str) -> None:
    kind, data, reason = AGAINST[name]
    story = Story(OFFERS, apply)
    story.tell("cart_abandoned", out, NOON + HOUR, {"amount": 20})
    story.go_to(NOON + 2 * HOUR)
    (trigger,) = story.triggers
    story.tell(kind, "new" if out == "old" else "old", NOON + 2 * HOUR, data)
    story.go_to(NOON + 3 * HOUR)
    assert story.said("withdrawn") == []
    story.tell("identity_merged", "old", NOON + 3 * HOUR, {"into": "new"})
    story.go_to(NOON + 4 * HOUR)
    withdrawn = [(one["customer"], one["trigger"], one["reason"]) for one in story.said("withdrawn")]
    assert withdrawn == [("new", trigger, reason)]
    assert [one["trigger"] for one in story.outputs("triggers") if one["type"] == "withdrawal"] == [trigger]


@pytest.mark.parametrize("apply", [compiled, plainly])
def test_what_expired_on_the_way_is_not_taken_back(apply: Engine) -> None:
    story = Story(OFFERS, apply)
    story.tell("cart_abandoned", "old", NOON + HOUR, {"amount": 20})
    story.tell("message_unsubscribed", "new", NOON + HOUR, {"channel": "email"})
    story.go_to(NOON + 2 * HOUR)
    (trigger,) = story.triggers
    story.tell("identity_merged", "old", NOON + 3 * HOUR, {"into": "new"})
    story.shards.work()
    story.shards.tell(partition_of("new", 2), (NOON + 6 * DAY, None, clock(NOON + 6 * DAY)))
    for day in (7, 8):
        story.go_to(NOON + day * DAY)
    assert [(one["what"], one["trigger"]) for one in story.said("withdrawn", "delivered")] == [("delivered", trigger)]


@pytest.mark.parametrize("apply", [compiled, plainly])
def test_each_trigger_of_both_ids_has_its_end(apply: Engine) -> None:
    story = Story(USEFUL, apply)
    for n in range(1, 8):
        for name in ("old", "new"):
            story.tell("cart_abandoned", name, NOON + n * HOUR, {"amount": 20})
    story.go_to(NOON + 9 * HOUR)
    story.tell("identity_merged", "old", NOON + 9 * HOUR, {"into": "new"})
    for day in range(1, 20):
        story.go_to(NOON + day * DAY)
    assert Counter(story.triggers.values())["old"] >= 6 <= Counter(story.triggers.values())["new"]
    ends = Counter(one["trigger"] for one in story.said("delivered", "given_back"))
    assert ends == Counter(list(story.triggers))


@pytest.mark.parametrize("apply", [compiled, plainly])
@pytest.mark.parametrize("redeems", [True, False])
def test_promotions_of_both_ids_are_redeemed_or_end_unused(apply: Engine, redeems: bool) -> None:
    story = Story(OFFERS, apply)
    for name in ("old", "new"):
        story.tell("cart_abandoned", name, NOON + HOUR, {"amount": 20})
    story.go_to(NOON + 2 * HOUR)
    mine = {name: trigger for trigger, name in story.triggers.items()}
    for name in ("old", "new"):
        story.tell("offer_delivered", name, NOON + 3 * HOUR, {"trigger_id": mine[name], "channel": "email"})
    story.tell("identity_merged", "old", NOON + 5 * HOUR, {"into": "new"})
    story.go_to(NOON + 6 * HOUR)
    if redeems:
        story.tell("coupon_redeemed", "old", NOON + 7 * HOUR, {"coupon_id": mine["old"]})
    for day in range(1, 40):
        story.go_to(NOON + day * DAY)
    ends = {one["trigger"]: (one["what"], one["customer"]) for one in story.said("redeemed", "unused")}
    assert ends == {mine["old"]: ("redeemed" if redeems else "unused", "new"), mine["new"]: ("unused", "new")}
