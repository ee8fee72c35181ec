"""Policies for tests: the example as it ships, and one under which a small log has every sort of decision."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from random import Random
from typing import Any, Final

from models.settings import MINUTE, EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from tests.support.logs import DATA, log_of, touchpoint
from tests.support.world import Raw

EXAMPLE = files("models.decisions.policy").joinpath("example.toml").read_text()
EAGER = (
    EXAMPLE.replace("at = 0.50", "at = 0.30")
    .replace("at = 0.65", "at = 0.42")
    .replace("at = 0.80", "at = 0.55")
    .replace("exit = 0.40", "exit = 0.25")
    .replace('needs = "existing_customer"\nlasts = "104w"', 'needs = "nothing"')
    .replace('window = "28d"', 'window = "10d"')
    .replace("# -- channels", "[contract]\nlevels = true\n# -- channels")
)
"""The example with lower levels and shorter windows."""
POINT_PER_UNIT = """[points.earn.purchases]
touchpoints = ["purchase"]
points = 1
per = 1.0
pending = "14d"
"""
"""A rule of `[points]`."""
CLASSES = EAGER.replace(
    "# -- channels",
    """[[risk.for_classes]]
classes = ["business", "partner"]
exit = 0.3
levels = [
    { name = "slipping", at = 0.35 },
    { name = "at_risk", at = 0.5 },
    { name = "leaving", at = 0.6 },
]

# -- channels""",
)
"""The same, with levels of its own for businesses and partners."""
PEACE: Final = """
[ad_free]
plans = ["monthly"]
programmes = ["gold"]
[conversation]
touchpoints = ["chat", "call", "visit", "nps"]
lasts = "3d"
channels = ["whatsapp"]
[[freeze]]
from = 2000-02-20T00:00:00
until = 2000-02-27T00:00:00
[[freeze]]
from = 2000-05-01T00:00:00Z
until = 2000-05-04T00:00:00Z
purposes = ["care", "contract"]
then = "drop"
[best_hour]
moments = ["risk", "cart"]
"""
QUIETER = (
    EAGER.replace("presence = true", 'presence = true\npresence_expires = "40m"')
    .replace("[contact]", "[contact]\noutranking = true")
    .replace('most = 5, within = "30d"', 'most = 5, within = "30d", reserve = 2, reserve_for = 4')
    + PEACE
)
"""The first, and all keys by which people are left alone; `log_with` begins in the year 2000."""
PLANNED = (
    EAGER.replace(
        "[action.something_useful]", '[action.something_useful]\nthen = { action = "second", at = "leaving" }'
    )
    .replace("[action.win_back]", '[action.win_back]\nmode = "shadow"')
    .replace("format = 1", "format = 1\nramp = 20")
    + """
[action.second]
kind = "useful"
content = "useful/second"
[action.by_hand]
purpose = "contract"
kind = "service"
content = "contract/by_hand"
mode = "shadow"
moments = ["case_resolved"]
priority = 9
[plan.dunning]
moments = ["payment_failed", "bad_experience"]
holds = true
ends_with = ["payment_recovered", "subscription_cancelled"]
steps = [
    { action = "update_payment" },
    { action = "update_payment", after = "2d", within = "6h" },
    { action = "second", after = "15d", unless = ["visit"] },
]
[plan.first_days]
moments = ["welcome"]
once_per = "20d"
ends_with = ["subscription_cancelled"]
steps = [{ action = "second", after = "1d" }, { action = "first_steps", after = "9d", within = "3d" }]
"""
)
"""The first with plans, actions in shadow, a second step, and turns for who stood above a level."""
DATES: Final = (
    EAGER.replace("[contract]\nlevels = true\n", "")
    + """
[moment.renewal]
sort = "date"
field = "renews_at"
offset = "-3d"
within = "2d"
[moment.ending]
sort = "date"
field = "ends_at"
offset = "+1d"
[moment.grown_up]
sort = "date"
field = "minor_until"
[moment.consent_ends]
sort = "date"
field = "consent_expires"
offset = "-1d"
[moment.lapsed]
sort = "date"
silent_for = "40d"
within = "5d"
when = { field = "purchase_days", op = ">=", value = 1 }
[moment.kept_waiting]
sort = "unanswered"
touchpoints = ["chat", "complaint", "case_opened"]
answered_by = ["reply_sent", "case_resolved", "visit"]
after = "4h"
[moment.again_unhappy]
sort = "touchpoint"
touchpoints = ["return", "nps", "search", "content_viewed"]
nth = 2
in = "90d"
[action.renew]
purpose = "contract"
kind = "service"
moments = ["renewal", "ending", "grown_up", "consent_ends"]
content = "renew"
[action.miss_you]
kind = "useful"
moments = ["lapsed", "again_unhappy"]
content = "miss"
[action.answer_them]
purpose = "care"
kind = "care"
moments = ["kept_waiting"]
content = "answer"
"""
)
"""The first, with moments of dates, of silence, of what is unanswered, and that count."""
LIMITED: Final = ("something_useful", "reward", "offer", "win_back", "cart_reminder")


def budgeted(text: str, letters: int = 9, gifts: float = 190.5) -> str:
    """A policy with two budgets that run dry, and an alarm that fires where boundaries are at most a day apart."""
    named = re.sub(
        rf"(\[action\.(?:{'|'.join(LIMITED)})\]\n)", r'\1budgets = ["letters", "gifts"]\nliability = 8\n', text
    )
    return named.replace(
        "# -- what asks for a decision",
        f"""[budget.letters]
counts = "contacts"
most = {letters}
per = "week"
tranche = "3d"

[budget.gifts]
counts = "money"
most = {gifts}
per = "month"
tranche = "7d"

[alarm]
least = 3
excess = 3.0

# -- what asks for a decision""",
    )


BUDGETS = budgeted(EAGER)
"""The first with both."""
FEWER = budgeted(CLASSES, letters=5, gifts=99)
"""The second with less of both."""
VALUED = (
    FEWER
    + """
[value]
fewest = 4
rest = "others"
margin = 0.4
[[value.tiers]]
name = "best"
share = 0.1
[[value.tiers]]
name = "good"
share = 0.4
"""
)
"""The same, with values, and tiers even of few customers."""
BY_TIER = (
    VALUED.replace(
        "[control]",
        '[control]\nexempt_tiers = ["best"]\nexempt_programmes = ["bean-counters"]\nexempt_plans = ["monthly"]',
    )
    + """
[[risk.for_tiers]]
tiers = ["best"]
exit = 0.1
levels = [
    { name = "slipping", at = 0.15 },
    { name = "at_risk", at = 0.33 },
    { name = "leaving", at = 0.5 },
]
[[risk.for_tiers]]
tiers = ["others", "good"]
classes = ["consumer", "reseller"]
levels = [
    { name = "slipping", at = 0.36 },
    { name = "at_risk", at = 0.48 },
    { name = "leaving", at = 0.6 },
]
"""
)
"""The same, with levels of risk by tier, and who is exempt from control by more than the class."""
_OF_STAGES = """
[loyalty]
half_life = "30d"
active_from = 3
advocate_from = 1
won_back_for = "30d"
[[risk.for_stages]]
stages = ["new"]
exit = 0.3
levels = [
    { name = "slipping", at = 0.42 },
    { name = "at_risk", at = 0.5 },
    { name = "leaving", at = 0.7 },
]
[[risk.for_stages]]
stages = ["advocate", "won_back"]
classes = ["consumer", "partner"]
exit = 0.12
levels = [
    { name = "slipping", at = 0.2 },
    { name = "at_risk", at = 0.3 },
    { name = "leaving", at = 0.44 },
]
"""
BY_STAGE, BY_STAGE_ALONE = BY_TIER + _OF_STAGES, EAGER + _OF_STAGES
"""The same, with levels of risk by the stage of the loyalty loop, too; and by nothing else, without values."""
LEARNED = VALUED.replace(
    'window = "10d"', 'window = "10d"\nlearned = true\nharm = 2\nunproven_each = 0.8\nforget = "60d"'
)
"""The same, with the learned choice."""
ODDS_AND_ENDS: Final = """
format = 1
markets = ["NL", "US"]
ramp = 20
holidays = { ours = { dates = ["01-20", "2000-02-14"] } }
notice = { terms = {} }
[risk]
exit = 0.2
levels = [{ name = "slipping", at = 0.3 }, { name = "at_risk", at = 0.42 }, { name = "leaving", at = 0.55 }]
[[risk.for_stages]]
stages = ["new", "advocate"]
classes = ["consumer"]
exit = 0.1
levels = [{ name = "slipping", at = 0.15 }, { name = "at_risk", at = 0.4 }, { name = "leaving", at = 0.6 }]
[channel.email]
cost = 0.01
presence = true
presence_expires = "40m"
lead = "5h"
[channel.app]
withdrawable = false
rest = "5d"
[channel.sms]
cost = 0.5
presence = true
[moment.danger]
sort = "risk"
levels = ["slipping", "leaving"]
[moment.low]
sort = "touchpoint"
touchpoints = ["nps", "consent_changed", "presence"]
within = "20d"
[moment.again]
sort = "touchpoint"
touchpoints = ["visit", "chat"]
nth = 2
in = "30d"
once_per = "2d"
[moment.quiet]
sort = "date"
silent_for = "10d"
[moment.ends]
sort = "date"
field = "consent_expires"
offset = "-1d"
[moment.praise]
sort = "spoke_well"
when = { field = "stage", op = "!=", value = "prospect" }
[moment.higher]
sort = "membership"
change = "reached"
[action.useful]
kind = "useful"
moments = ["danger", "again", "ends"]
content = "useful"
effect = 0.5
topic = "tea"
languages = ["nl", "en"]
then = { action = "offer", at = "leaving", reached = 0.3 }
levels = ["slipping"]
once_per = "1s"
[action.offer]
kind = "offer"
moments = ["danger", "low", "praise"]
channels = ["sms", "app"]
content = "offer"
effect = 1.0
discount = 1
promotion = true
valid = "14d"
rollout = 0.9
liability = 8
withdraw_when = ["presence", "return"]
[action.gift]
kind = "reward"
moments = ["higher", "quiet"]
content = "gift"
mode = "shadow"
from = 2000-01-20T00:00:00Z
[action.sorry]
purpose = "care"
kind = "care"
moments = ["low", "quiet", "again"]
content = "sorry"
priority = 8
until = 2000-03-20T00:00:00Z
[action.sorry.when]
any = [{ field = "loyalty_index", op = "<", value = 0 }, { field = "missing", op = "contains", value = "country" }]
[plan.onboard]
moments = ["higher", "again"]
ends_with = ["subscription_cancelled", "presence"]
holds = true
steps = [{ action = "sorry" }, { action = "useful", after = "2d", unless = ["chat"] }]
[contact]
discounts = 1_000_000_000
cool_down = "5h"
outranking = true
caps = [{ most = 2, within = "7d", reserve = 1, reserve_for = 5 }, { most = 1, within = "1d", purpose = "care" }]
rest = { declined = "30m", spam = "3d", soft_failure = "90s", bad_experience = "1d" }
hours = [
    { channels = ["sms", "app"], spans = [{ start = "08:00", end = "12:00" }], holidays = ["ours"] },
    { channels = ["app", "sms"], spans = [{ start = "12:00", end = "23:30" }], days = [1, 3, 5, 6, 7] },
    { countries = ["NL"], spans = [{ start = "22:00", end = "20:00" }] },
    { channels = ["email"], most = 2, within = "10d", rest = "3d" },
]
[[basis]]
purpose = "care"
channels = ["sms"]
needs = "consent"
[[basis]]
needs = "nothing"
[ad_free]
plans = ["monthly"]
[conversation]
touchpoints = ["presence", "call"]
lasts = "10m"
channels = ["whatsapp"]
[best_hour]
moments = ["danger", "low"]
weight = 0
[contract]
session = "1d"
[[freeze]]
from = 2000-02-01T00:00:00Z
until = 2000-02-04T00:00:00Z
purposes = ["marketing", "care"]
then = "drop"
[control]
share = 0.2
care = false
[choice]
window = "6h"
hold_out = 0.2
[points.earn.all]
touchpoints = ["purchase", "referral", "campaign_received"]
points = 3
[[points.multiply]]
when = { field = "stage", op = "==", value = "advocate" }
times = 0
[[points.multiply]]
when = { field = "purchase_days", op = ">=", value = 3 }
times = 0.5
[membership]
counts = "purchases"
window = "30d"
grace = "1s"
levels = [{ name = "silver", at = 2 }, { name = "gold", at = 4, times = 2 }]
paid = [{ name = "club", plans = ["monthly"], level = "silver" }]
[loyalty]
half_life = "10d"
advocate_from = 1
advocate_for = "5d"
lapses_after = "20d"
won_back_for = "1d"
weights = { nps = 9, purchase = 0 }
"""
"""What the others lack: options that meet seldom, in one policy."""
ANSWERS: Final = (
    (),
    ("offer_delivered",),
    ("offer_sent", "offer_delivered", "offer_accepted"),
    ("offer_delivered", "offer_declined"),
    ("offer_failed",),
    ("offer_failed_for_good",),
    ("coupon_redeemed",),
    ("complaint",),
    ("complaint", "offer_withdrawn"),
    ("restricted",),
    ("consent_changed",),
    ("erase_requested",),
)
"""What may become of a trigger."""
WORDS: Final[dict[str, dict[str, Any]]] = {
    "offer_failed": {"failure": "refused_by_sender"},
    "offer_failed_for_good": {"failure": "hard"},
    "restricted": {"reason": "dispute"},
    "consent_changed": {"marketing": False},
}
IN_SECONDS: Final = tuple(
    re.sub(r"\nquiet_hours = .*", "", re.sub(r'(?<!valid = )"(\d+)[hdw]"', r'"\1s"', text)).replace(
        "[contact]", "[contact]\ndiscounts = 1_000_000_000"
    )
    for text in (budgeted(EAGER, letters=30, gifts=400), CLASSES)
)
"""For worlds whose weeks are seconds: durations in seconds but those of promotions and periods of budgets, and no
night."""
SORTS: Final = frozenset(
    {"policy_in_force", "decided", "waits", "void", "delivered", "given_back", "withdrawal", "trigger"}
)
"""What a run under a policy is to have said, for its comparison to mean something."""
RUN_DRY: Final = SORTS | {"budget"}
"""The same where it has budgets: something waits for room."""


def sorts(world: Rehearsal) -> set[str]:
    """What decisions and triggers under a policy are about."""
    found = set()
    for output in (output for shard in world.shards for output in shard.outputs):
        if output.role in ("decisions", "triggers"):
            told = json.loads(output.value)
            if told.get("policy") or told["type"] == "withdrawal":
                found.add(told.get("what") or told["type"])
                found |= {"budget"} if told.get("gate") == "budget" else set()
    return found


def answered(log: Sequence[Sequence[Raw]], engine: EngineSettings, seed: int) -> list[list[Raw]]:
    """The log, and within the hour after each of its triggers what became of it: the sender's words, or a change of
    heart that takes it back. What follows is another log: some of its triggers are unanswered."""
    world = rehearse([log_of((at, key, value) for key, value, at in entries) for entries in log], engine)
    random, found = Random(seed), [list(entries) for entries in log]
    for number, shard in enumerate(world.shards):
        for output in shard.outputs:
            if output.role != "triggers" or not (told := json.loads(output.value)).get("policy"):
                continue
            found[number] += answers_to(
                told["id"], told["customer"], random, told["time"] + random.randint(1, 55) * MINUTE
            )
        # By time, as far as the log is: a record that came late stays where it is.
        found[number] = _merged(log[number], found[number][len(log[number]) :])
    return found


def answers_to(trigger: str, customer: str, random: Random, time: int) -> list[Raw]:
    """What becomes of a trigger, at a time (ms)."""
    found: list[Raw] = []
    for kind in random.choice(ANSWERS):
        data = {**DATA[kind.removesuffix("_for_good")](random), **WORDS.get(kind, {})}
        data |= {name: trigger for name in ("trigger_id", "coupon_id") if name in data}
        kind = kind.removesuffix("_for_good")
        found.append((customer.encode(), touchpoint(kind, customer, time, data, id=f"{kind}-of-{trigger}"), time))
    return found


def _merged(log: Sequence[Raw], more: list[Raw]) -> list[Raw]:
    found: list[Raw] = []
    rest = sorted(more, key=lambda entry: entry[2])
    for entry in log:
        while rest and rest[0][2] < entry[2]:
            found.append(rest.pop(0))
        found.append(entry)
    return [*found, *rest]
