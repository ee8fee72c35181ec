"""Made-up sources of the console's pages."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from models.decisions.words import BECAME
from models.outputs import DeadLetter
from models.timeline.stop_types import Stop
from streams.console.background import Made
from streams.console.sources import Course, DeadLetters, PolicyPage, Stopped, StopsSource, Story, Touch, ValueSource
from streams.errors import EngineError
from streams.monitoring.top.view import BudgetRow, ShardRow, TriggerRow, View, WorkerRow
from streams.operations.champion import Choice
from streams.operations.policy.bringing import Asked, Brought
from streams.operations.policy.changing import Changed, Proposed
from streams.operations.policy.forecast import Forecast
from streams.operations.stopping import Resumed
from streams.operations.stopping import Stopped as Done
from streams.operations.stops import Where
from tests.support.console_proof import lift_data

NOW = 1_791_000_000_000
DAY = 86_400_000
EVIL = '<script>alert("x")</script>'


class Away(EngineError):
    remedy = "start it"


def entry(at: int, **changed: Any) -> dict[str, Any]:
    told = {
        "time": f"2026-09-{at:02d}T10:00:00Z", "id": str(at), "what": "decided", "moment": "risk", "level": "at_risk",
        "action": "offer", "channel": "email", "control_group": False, "gate": None, "why": None, "until": None,
        "reason": "silent 31 days", "candidates": [], "trigger": None, "became": [], "risk": 0.61, "policy": "1-abc",
        "model_version": NOW, "asked_by": {"by": "timer", "partition": 0, "offset": 3}, "group": None,
    }  # fmt: skip
    return told | changed


STORY = Story(
    "anna",
    NOW,
    {
        "kept": "everything",
        "profile": {"country": "DE", "customer_class": "consumer", "topics": [], "quiet_hours": {"from": "21:00"}},
        "behaviour": {"days_between_purchases": 12.0, "last_purchase": "2026-09-02T12:00:00Z"},
        "risk": {"band": "at_risk"},
    },
    {
        "level": "at_risk",
        "control_group": False,
        "episode_since": "2026-09-20T10:00:00Z",
        "waits": [
            {"moment": "risk", "level": "at_risk", "until": "2026-10-04T08:00:00Z", "gate": "hours", "why": "No hour."}
        ],
        "shared": [
            {"where": "proposed", "moment": "talk", "action": "two_for_one", "talked_on": "app", "group": "ab" * 16,
             "until": "2026-10-03T12:05:00Z", "not_before": "2026-10-03T12:05:00Z", "trigger": None},
        ],
    },
    (
        entry(1, what="shared_refused", moment="talk", level=None, action="two_for_one", channel=None, reason=None,
              group="cd" * 16, gate="not_agreed", why="The customer has not agreed."),
        entry(2, moment="talk", level=None, action="two_for_one", reason=None, group="ef" * 16, trigger={"id": "b"}),
        entry(3, trigger={"id": "a"}, became=[{"what": "delivered", "time": "2026-09-03T11:00:00Z"}]),
        entry(9, gate="open_case", why="A service case is open.", action="leave_alone", channel=None,
              candidates=[{"action": "offer", "gates": [{"gate": "open_case"}], "score": 2.0}]),
        entry(12, what="waits", gate="hours", why="It is no hour."),
    ),
    (Touch(NOW - 40 * DAY, "purchase", "of 20"), Touch(NOW - 20 * DAY, "complaint"), Touch(NOW - 2 * DAY, "visit")),
    Course(0.69, 0.6, 0.77, tuple((NOW + n * 7 * DAY, 0.69 + n / 50) for n in range(1, 9))),
    (("slipping", 0.5), ("at_risk", 0.65), ("leaving", 0.8)),
)  # fmt: skip
VIEW = View(
    "x",
    NOW,
    time=NOW,
    events=1000,
    rate=12.5,
    rates=(1.0, 12.5),
    triggers=7,
    decided={"triggered": 7, "held": 3},
    held={"open_case": 2, "cap": 1},
    budgets=(BudgetRow("gifts", 100, 40, 0),),
    alarms={"arrivals": (0,)},
    lag=0,
    bands={"safe": 90, "at_risk": 10},
    stages={"prospect": 0, "new": 5, "active": 60, "advocate": 3, "slipping": 10, "lapsed": 20, "won_back": 2},
    shards=(ShardRow(0, 0, 0, 5, NOW, "idle", ""),),
    workers=(WorkerRow("w", True, True, True, (), (0,), 1000),),
    latest=(TriggerRow(NOW, EVIL, "offer", "email", 0.66, ("silent",), NOW + DAY, "offer"),),
)


VALUE = ValueSource(
    {
        "policy": "3-abc",
        "horizon_days": 28.0,
        "classes": {
            "consumer": {
                "customers": 1000,
                "tiers": [
                    {"tier": "top", "from_value": 900.0, "customers": 10, "value": 12_000.0},
                    {"tier": "high", "from_value": 300.0, "customers": 40, "value": 16_000.0},
                    {"tier": "base", "from_value": 0.0, "customers": 950, "value": 20_000.0},
                ],
            },
            "business": {"customers": 0, "tiers": [{"tier": "all", "from_value": None, "customers": 0, "value": 0.0}]},
        },
    },
    "",
    Made(
        {
            "time": NOW,
            "share": 0.5,
            "looked_at": 500,
            "classes": {
                "consumer": {
                    name: {
                        "customers": customers, "value": value, "at_risk": value / 4, "leave": customers / 5,
                        "spent": 50.0 * customers, "heard": customers // 10, "unhappy": customers // 40, "mood": 0.31,
                    }
                    for name, customers, value in (("top", 10, 12e3), ("high", 40, 16e3), ("base", 950, 2e4))
                }
            },
            "stages": {
                "active": {"customers": 900, "index": 12.5, "spoke_well": 30},
                "lapsed": {"customers": 100, "index": None, "spoke_well": 0},
            },
            "levels": {"slipping": 60, "leaving": 12},
            "below_levels": 928,
        },
        NOW / 1000,
        2.5,
    ),
)  # fmt: skip


def _quality(loss: float, **more: Any) -> dict[str, Any]:
    groups = {
        "new": {"labels": 900, "expected": 0.4, "churned": 0.38},
        "old": {"labels": 99, "expected": 0.1, "churned": 0.2},
    }
    return {
        "champion": False, "labels": 9_000, "log_loss": loss, "auc": 0.78, "brier": 0.17, "mean_predicted": 0.31,
        "churn_rate": 0.3, "drifts": {"loss": 1, "calibration": 0}, "groups": groups,
    } | more  # fmt: skip


MODEL: dict[str, Any] = {
    "standing": {
        "app": "x", "version": NOW, "learned": 9_000, "champion": "mixture", "pinned": False, "promotions": 1,
        "promotion": {"champion": "mixture", "former": "adagrad", "boundary": NOW - 30 * DAY, "by": "evidence"},
        "relearning": None,
        "models": {
            "mixture": _quality(0.41, champion=True), "adagrad": _quality(0.43, better_by_at_least=-0.04),
        },
    },
    "weeks": [
        {
            "from": NOW - (n + 1) * 7 * DAY, "until": NOW - n * 7 * DAY,
            "models": {
                name: {"labels": 800, "log_loss": loss + n / 90, "mean_predicted": 0.3, "churn_rate": 0.29}
                for name, loss in (("mixture", 0.4), ("adagrad", 0.43))
            },
        }
        for n in (4, 3, 2, 1, 0)
    ],
    "calibration": {
        "mixture": [
            {"predicted": n / 20 + 0.025, "labels": 900 - 40 * n, "churned": min(1.0, n / 20 + 0.05)} for n in range(20)
        ]
    },
    "thresholds": {
        "mixture": [
            {"at": n / 20, "reached": (1 - n / 20) ** 2, "left": 0.3 + 0.65 * n / 20, "found": 1 - (n / 20) ** 2}
            for n in range(1, 20)
        ]
    },
}  # fmt: skip


PROPOSED: dict[str, Any] = {
    "name": "5-fee", "number": 5, "sha256": "fee", "base": "3-abc", "by": "bert", "reason": "fewer messages",
    "rolls_back": None, "sections": ["contact"], "approvers": [],
    "lacks": ["contact needs 1 of cleo, and has nobody's approval"], "outdated": False,
}  # fmt: skip
TOUCHED: dict[str, Any] = {
    "share": 1.0, "looked_at": 900, "hour": 3, "day": 40, "day_error": 0, "above": 55, "by_level": {"leaving": 40},
    "by_kind": {"offer": 40}, "held": {"no_basis": 12},
}  # fmt: skip
CHANGED: dict[str, list[Any]] = {"contact.caps[0].most": [4, 2], "people": [None, {"may": {}}]}


RECENT = {
    "time": NOW,
    "moments": 1_240,
    "ends": {"triggered": 900, "left_alone": 120, "control": 60, "held": 150, "void": 10},
    "left_alone_money": 41.5,
    "control_money": 20.25,
    "gates": [
        {"gate": "cap", "why": "Enough was sent.", "candidates": 310, "alone": 290, "moments": 0, "money": 212.4},
        {"gate": "open_case", "why": "A case is open.", "candidates": 0, "alone": 0, "moments": 31, "money": None},
    ],
    "waits": [{"gate": "hours", "why": "It is no hour for that.", "began": 200, "waiting": 12}],
    "shared": [
        {"step": "proposed", "gate": "", "why": "", "many": 40},
        {"step": "offered", "gate": "", "why": "", "many": 50},
        {"step": "refused", "gate": "not_agreed", "why": "The customer has not agreed.", "many": 15},
    ],
    "actions": [
        {"action": "a_call", "kind": "care", "triggers": 700, "delivered": 650, "withdrawn": 20},
        {"action": "offer", "kind": None, "triggers": 200, "delivered": 150, "withdrawn": 5},
    ],
    "since": NOW - 30 * DAY,
    "read": 40_000,
    "unread": 3,
}  # fmt: skip
RECENT["actions"] = [dict.fromkeys(BECAME, 0) | one for one in RECENT["actions"]]  # type: ignore[attr-defined]


class Pages:
    """Sources of what is made up; `trouble` is raised in place of an answer."""

    def __init__(self, trouble: EngineError | None = None) -> None:
        self.trouble = trouble

    def _answer(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    async def now(self) -> View:
        self._answer()
        return VIEW

    async def story(self, customer: str) -> Story | None:
        self._answer()
        return STORY if customer == "anna" else None

    async def decisions(self) -> Made:
        self._answer()
        return Made(RECENT, NOW / 1000, 2.5)

    async def policy(self) -> PolicyPage:
        self._answer()
        applied = {"base": "2-aaa", "proposer": "bert", "approvers": ["cleo"], "at": None, "sha256": "abc"}
        return PolicyPage(
            "3-abc",
            "format = 1\n",
            (("3-abc", (0, 1)),),
            ("4-def", NOW),
            (
                {"name": "3-abc", "number": 3, "time": NOW, "by": "ada", "reason": "less", **applied},
                {"name": "2-aaa", "number": 2, "time": None, "by": "", "reason": "", **applied},
            ),
            (PROPOSED,),
            (("slipping", 0.5), ("leaving", 0.8)),
            Made(MODEL, NOW / 1000, 1.0),
        )

    async def stopped(self) -> Stopped:
        return Stopped() if self.trouble is None else Stopped((), "Redis does not say whether something is stopped")

    async def stops(self) -> StopsSource:
        self._answer()
        stop = Stop(NOW, ("marketing",), by="ada", why="wrong prices")
        return StopsSource((Where(stop, True, (0,), (1,)),), ("offer", "sorry"))

    async def dead_letters(self) -> DeadLetters:
        self._answer()
        value = b64encode(f'{{"subject":"anna","data":"{EVIL}\x9b"}}'.encode()).decode()
        gone = b64encode(b'{"subject":"eve","data":{"secret":1}}').decode()
        found = (
            DeadLetter("unknown_type", 'data is "secret"', "x.touchpoints", 0, 6, NOW, 40, gone, "", "eve", "bought"),
            DeadLetter("not_json", "no JSON", "x.touchpoints", 0, 7, NOW, 9_000, b64encode(b"\xff{").decode()),
            DeadLetter("unknown_type", f"of anna {EVIL}", "x.touchpoints", 1, 8, NOW, 40, value, "", "anna", "bought"),
        )
        return DeadLetters(found, frozenset(["eve"]))

    async def model(self) -> Made:
        self._answer()
        return Made(MODEL, NOW / 1000, 1.0)

    async def proof(self) -> Made:
        self._answer()
        return Made(lift_data(), NOW / 1000, 75.0)

    async def tiers(self) -> ValueSource:
        return VALUE

    async def levels(self) -> Made:
        return VALUE.held

    async def value(self) -> ValueSource:
        self._answer()
        return VALUE


class Did:
    """Does nothing, and keeps what was asked for; `trouble` is raised in place of an answer."""

    def __init__(self, trouble: EngineError | None = None) -> None:
        self.trouble, self.asked = trouble, []

    def _answer(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.trouble is not None:
            raise self.trouble

    async def stop(self, wanted: Stop) -> Done:
        self._answer("stop", wanted)
        return Done(wanted, False, [1])

    async def resume(self, numbers: Sequence[int], by: str, why: str) -> Resumed:
        self._answer("resume", list(numbers), by, why)
        return Resumed([Stop(NOW, ("marketing",))], [])

    async def choose_model(self, model: str | None, by: str) -> Choice:
        self._answer("model", model, by)
        return Choice(0, 7, NOW)

    async def policy_text(self, number: int | None) -> str:
        self._answer("text", number)
        return "format = 1\nname = '</textarea><script>'\n"

    async def policy_look(self, text: str) -> Changed:
        self._answer("look", text)
        if "format" not in text:
            return Changed(text, base="abc", problems=("format is not given: it takes 1",))
        return Changed(text, "fee", "abc", (), ("moment: there is no risk moment",), CHANGED, TOUCHED)

    async def policy_propose(self, text: str, by: str, reason: str, base: str, rolls_back: int) -> str:
        self._answer("propose", text, by, reason, base, rolls_back)
        return "5-fee"

    async def policy_proposed(self, which: str) -> Proposed:
        self._answer("proposed", which)
        return Proposed(PROPOSED, CHANGED, TOUCHED, "format = 1\n")

    async def policy_approve(self, which: str, by: str) -> None:
        self._answer("approve", which, by)

    async def policy_apply(self, which: str, asked: Asked) -> Brought:
        self._answer("apply", which, asked)
        return Brought(None, Forecast())
