"""What touchpoints are to a customer, and where that leaves them in the loyalty loop; from docs/loyalty_loop.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from models.numerics.valences import Analyzer
from models.touchpoints import Kind, Touch
from streams.operations.audit.policies import Table, span
from streams.operations.audit.records import SECOND

WEIGHS: Final = {
    **dict.fromkeys(("complaint", "subscription_cancelled"), 20.0),
    "referral": 15.0,
    **dict.fromkeys(("mention", "review", "recommendation", "csat", "nps", "cancel_started", "spam_reported"), 10.0),
    **dict.fromkeys(("subscription_started", "subscription_renewed", "subscription_paused", "delivery_delayed"), 5.0),
    **dict.fromkeys(("message_unsubscribed", "event_attended", "programme_joined", "community_help"), 5.0),
    **dict.fromkeys(("chat", "call", "email_received", "reply_sent", "case_opened", "case_resolved"), 5.0),
    **dict.fromkeys(("payment_failed", "payment_recovered", "shared", "reward_redeemed"), 3.0),
    **dict.fromkeys(("purchase", "return"), 2.0),
    "offer_declined": 1.0,
}
"""By type, where the policy says nothing else."""
AGAINST: Final = (
    *("return", "subscription_cancelled", "subscription_paused", "payment_failed", "cancel_started"),
    *("delivery_delayed", "message_unsubscribed", "offer_declined", "spam_reported"),
)
SEVERE: Final = {"low": 0.25, "normal": 0.5, "high": 0.75, "critical": 1.0}
ALOUD: Final = ("recommendation", "referral", "review", "mention", "community_help")
SLIPPED, LEVEL_STAGES = ("slipping", "lapsed"), ("new", "active", "advocate", "won_back")
MOST, HEARD, READ = 100.0, 0.05, 1_000


def _felt(touch: Touch, said: float | None) -> float | None:
    """What a touchpoint was to the customer, -1 to 1; None: nobody can tell. said: the sentiment of its words."""
    data: Any = touch.data
    match kind := Kind(touch.kind).type:
        case "review" | "csat":
            return float(((data.rating if kind == "review" else data.score) - 3) / 2)
        case "nps":
            return float(data.score >= 9) - float(data.score <= 6)
        case "recommendation":
            likely = 1.0 if data.likelihood is None else data.likelihood
            return float(likely >= 0.9) - float(likely <= 0.6)
        case "case_opened" | "complaint":
            return -SEVERE[data.severity]
        case "chat" | "call" | "email_received" | "reply_sent" | "mention":
            return said
    return -1.0 if kind in AGAINST else 1.0


def _mood(touch: Touch, said: float | None) -> str:
    """How the customer speaks of us where others hear it; empty: they do not."""
    data: Any = touch.data
    kind = Kind(touch.kind).type
    if kind not in ALOUD or (kind == "community_help" and data.role != "given"):
        return ""
    felt = _felt(touch, said)
    if felt is None:
        return "unknown"
    return "neutral" if abs(felt) < HEARD else "good" if felt > 0 else "bad"


@dataclass(slots=True)
class Loop:
    """Of one customer.

    index: as of `at`, log time in ms. praise: when they spoke well of us, arrival and own time. blame: how often they
    did not. stage: as it was said last. unsure: not all that was weighed is known. known: the touchpoint that came
    last. loud: its type, and how they speak of us with it; empty: they do not. bought: when last. slipped: since when
    they were said to be slipping or lapsed, and have not bought; 0: they were not. came_back: they have bought after
    that, or after a silence in which they had lapsed. as_of: how many policies without the loop had been in force.
    levels_of: under which policy the stage was said by which levels of risk go, and that stage.
    """

    index: float = 0.0
    at: int = 0
    praise: list[tuple[int, int]] = field(default_factory=list)
    blame: int = 0
    stage: str = ""
    unsure: bool = False
    loud: tuple[str, str] = ("", "")
    known: Touch | None = None
    bought: int = 0
    slipped: int = 0
    came_back: bool = False
    as_of: int = 0
    levels_of: tuple[str, str] = ("", "")

    def now(self, rules: Table, now: int) -> float | None:
        """The index at a log time; None: nothing was weighed."""
        return self.index * _left(rules, now - self.at) if self.at else None

    def takes(self, touch: Touch, rules: Table, now: int, language: str) -> None:
        """A touchpoint comes, under a policy with the loop. language: of the customer, as known."""
        time, kind, said = min(touch.time // SECOND * SECOND, now), Kind(touch.kind).type, _said(touch, rules, language)
        weight = rules.get("weights", {}).get(kind, WEIGHS.get(kind, 0.0)) * (_felt(touch, said) or 0.0)
        weight *= rules.get("losses", 2.0) if weight < 0 else 1.0
        if weight and time >= self.at:
            self.index, self.at = self.index * _left(rules, time - self.at) + weight if self.at else weight, time
        elif weight:
            self.index += weight * _left(rules, self.at - time)
        self.index = max(-MOST, min(MOST, self.index))
        self.known, mood = touch, _mood(touch, said)
        self.loud = (kind, mood) if mood else ("", "")
        if mood == "good":
            self.praise.append((now, time))
        self.blame += mood == "bad"

    def buys(self, touch: Touch, silence: int) -> None:
        """A purchase. silence: after one so long they had lapsed, ms; 0: it is not known."""
        if touch.time + SECOND <= self.bought:
            return
        silent = bool(self.bought) and touch.time - self.bought + SECOND > silence
        since = 0 < self.slipped < touch.time + SECOND
        self.came_back |= silent or since
        self.bought = max(self.bought, touch.time)
        if since or self.stage not in SLIPPED:
            self.slipped = 0  # else they are seen slipping with this purchase, too: it is from before

    def is_said(self, stage: str, former: str, policy: str, now: int) -> None:
        """The stage is said, and the one before, under a policy, at a log time."""
        self.stage = stage
        if stage not in SLIPPED or former not in SLIPPED:
            self.levels_of = policy, former if stage in SLIPPED else stage
        if stage in SLIPPED:
            self.slipped = self.slipped or now


def _said(touch: Touch, rules: Table, language: str) -> float | None:
    """How a text was meant: as it was told, else by its words, where their language has some."""
    data: Any = touch.data
    told, text = getattr(data, "sentiment", None), getattr(data, "text", None)
    spoken, words = language.split("-")[0].lower(), rules.get("words", {})
    read = rules.get("texts", True) and (spoken == "en" or spoken in words)
    if told is not None or not text or not read:
        return told
    own = words.get(spoken, {})
    lexicon = dict.fromkeys(own.get("good", []), 2.0) | dict.fromkeys(own.get("bad", []), -2.0)
    if spoken == "en":
        analyzer = Analyzer(extra_lexicon=lexicon)
    else:
        bare: dict[str, Any] = {name: {} for name in ("booster", "special_cases", "idioms", "multiword")}
        analyzer = Analyzer(lexicon, negations=own.get("negations", []), **bare)
    found = analyzer.polarity_scores(text[:READ])
    return round(found["compound"], 2) if found["pos"] or found["neg"] else None


def _left(rules: Table, time: int) -> float:
    return float(0.5 ** (max(time, 0) / span(rules.get("half_life", "90d"))))
