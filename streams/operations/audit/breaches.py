"""The rules by name, a breach of one, and the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from streams.operations.audit.records import Place

RULES: Final = {
    # who may be spoken to
    "erased": "after an erasure nothing is decided, and nothing is sent",
    "identity": "about an id that is another customer's nothing is decided, and it is another's where the log says so",
    "restricted": "nothing is sent for a purpose that a restriction names",
    "refused": "a refusal closes its channel, whatever else is known",
    "unreachable": "nothing is sent by a channel on which nothing arrives",
    "no_basis": "what is sent rests on what [[basis]] asks for",
    "profiling": "nobody who objects to profiling is asked by their risk",
    "contract": "no level asks while a contract runs, unless the policy says so",
    "cancelling": "no marketing to who is about to cancel, but one offer in the same session",
    "ad_free": "no marketing for who has a plan, or is in a programme, without any",
    "silent": "no marketing for who wants none, or none yet",
    "unwanted_topic": "no marketing on a topic that is not among those asked for",
    "language": "there is a text in the customer's language",
    # when
    "stopped": "nothing is decided on that an operator has stopped",
    "quiet_hours": "no marketing in quiet hours",
    "expires_in_quiet_hours": "marketing expires before the next quiet hours begin",
    "frozen": "nothing is sent in a freeze that names its purpose, kind and country",
    "in_conversation": "no marketing while a conversation lasts",
    "contact_hours": "[[contact.hours]] allow the channel at that time",
    "holiday": "no contact on a holiday that a row of [[contact.hours]] names",
    # how often
    "cap": "no more contacts within a rolling time than a cap allows",
    "own_cap": "no more marketing in seven days than the customer wants",
    "cool_down": "the least time between two marketing contacts",
    "once_per_moment": "a moment triggers at most once in its once_per",
    "once_per_action": "an action is taken at most once in its once_per",
    "promotion_open": "never two promotions at a time",
    "promotion_used": "one promotion an episode",
    "open_case": "no marketing while a case is open",
    "rest": "marketing rests after a decline, spam, a soft failure, a bad experience",
    "reserved": "a trigger takes of budgets what the policy says of its action, and nothing else",
    "unprofitable": "marketing costs no more than the policy's share of what keeping the customer is worth",
    "budget": "the triggers of all shards take no more of a budget in a period than it has",
    # what
    "wrong_policy": "a trigger names the policy in force at its place",
    "unknown_action": "the policy has the action, and it is live then",
    "unknown_channel": "the policy has the channel, and the action may use it",
    "wrong_moment": "the action is a candidate at the moment that asked",
    "wrong_level": "the action is a candidate at the level that was reached",
    "wrong_class": "the action is for the customer's class",
    "for_a_person": "what a person has to do is no trigger: the action says so, or it is marketing for an account",
    "condition": "the action's condition holds of the customer",
    "no_cause": "a touchpoint of the moment has asked, and its life is not over",
    "date": "a date of the moment has come, or its silence has lasted, and its life is not over",
    "unanswered": "nothing has answered in time, where a moment asks for that",
    "asked_again": "what asks triggers once, and once more where that was not sent or did not arrive",
    "unlike_policy": "a trigger says what the policy says of its action",
    "plan_over": "no step of a plan is sent after what ends the plan or leaves the step out",
    "held": "no other marketing while a plan runs that holds it",
    "expiry": "a trigger is sent before it expires, as soon as its action says",
    "presence": "what goes to somebody while they are online expires as soon as the channel says",
    # control, draws
    "control": "who is of the control group gets no marketing",
    "chances": "chances of a draw sum to one; none is below its floor (a learned one: a fifth); what is held has none",
    "score": "a candidate's score is made of the policy's figures, and the best has the greatest chance",
    "draw": "what is drawn follows from the decision's id and the chances alone",
    "drawn_at_zero": "what was drawn had a chance",
    "propensity": "a trigger says the chance with which it was drawn",
    "window": "one draw in a window",
    "learned": "a draw is by the learned choice where the policy wants it, and says what it knew and reckoned of each",
    "outcome": "a draw of the learned choice is followed by its outcome at its window's end, before the next one",
    "no_outcome": "a window of the learned choice does not end without an outcome",
    "level_once": "a level asks once an episode",
    "level_tier": "levels that go by the tier of value are those of one tier as long as an episode is open",
    "level_stage": "levels that go by the stage of the loyalty loop are those of the stage before they slipped",
    # from outside
    "test": "who tries things out gets triggers that say so, a preview is one, and nobody else gets any",
    "may_contact": "what is reserved for another sender was asked for, and passes the gates of a contact",
    # what two are offered together
    "shared_agreed": "what is shared goes to who has agreed that their conversations are used, at a shared moment",
    "shared_alike": "two are offered together what was proposed, the same from the same time on, and nobody else is",
    "shared_alone": "both are offered it, or neither; or one had it before it was known that the other one does not",
    # points
    "points_earned": "a touchpoint earns by each rule what the policy says, pending and expiring when it says",
    "points_time": "pending points become active, and active ones expire, at their time and whole",
    "points_spent": "a reward takes its points from the lots that expire first; refused is what is not covered",
    "points_given_back": "a cancelled reward gives its points back to the lots that they came from",
    "points_taken_back": "a return takes back the refunded share of what its order has earned",
    "points_owed": "a balance is negative only where the policy lets returns be owed",
    "points_adjusted": "what a person gives or takes is what is booked",
    "points_lots": "an account has sixteen lots at most, and they are merged only for that",
    "points_sum": "an account is the sum of its entries, and each says what it comes to",
    "points_unsaid": "what touchpoints and time do to an account is said, once, within half an hour",
    # loyalty loop
    "loop_stage": "a stage of the loyalty loop follows the one said before, and is one that the customer can be at",
    "loop_index": "the loyalty index is what the customer's experiences weigh by the policy",
    "loop_voices": "how often, and how, customers speak of us is counted as they do",
    "loop_unsaid": "whoever speaks of us where others hear it is said to, at its place",
    # levels of the loyalty programme
    "level_counted": "what counts is what touchpoints and points say, and lapses when the policy says",
    "level_changed": "a level is reached at once, kept for a grace where it is not earned, and lost one step at a time",
    "level_sum": "a membership is the sum of its entries, and each says what it comes to",
    "level_unsaid": "what touchpoints and time do to a membership is said, once, within half an hour",
    # bookkeeping
    "id_twice": "ids are unique",
    "no_decision": "every trigger has its decision",
    "resent": "what is sent again is a trigger that was given back, and the same action",
    "no_trigger": "every decision that triggers has its trigger",
    "unlike_decision": "a trigger is what was decided, at its place",
    "withdrawal_owed": "what must not be sent any more is taken back at once",
    "outranking": "what gives way has less priority than what waits for its place, where the policy allows that",
    "stray_withdrawal": "what is taken back was out, and is taken back once",
}
"""Every rule, and what it asks. A trigger or withdrawal of which one is not true is a breach."""


class Finding(NamedTuple):
    """A rule that is broken: what the policy says, and what was done."""

    rule: str
    says: str
    done: str


class Breach(NamedTuple):
    """A finding with its place. name: the id of the trigger, withdrawal or decision. time: log time in ms."""

    rule: str
    name: str
    customer: str
    action: str
    policy: str
    says: str
    done: str
    place: Place
    time: int

    def data(self) -> dict[str, Any]:
        """As plain data."""
        place = {"partition": self.place.partition, "offset": self.place.offset, "due": not self.place.after}
        return {**self._asdict(), "place": place}


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        triggers: triggers that were checked, by purpose.
        of_settings: triggers that no policy decided, which were left out.
        withdrawals, decisions, touchpoints: how many there were.
        policies: the names of those that came into force.
        breaches: all, in the order of the lines; those of what all lines share last.
        excess: by budget, units of deliveries that came late, for which there was no room.
        notes: what the reader should know, such as a log whose beginning is gone.
        unread: outputs that are none of this release.
    """

    triggers: Counter[str] = field(default_factory=Counter)
    of_settings: int = 0
    withdrawals: int = 0
    decisions: int = 0
    touchpoints: int = 0
    policies: list[str] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    excess: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unread: int = 0

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "triggers": dict(sorted(self.triggers.items())),
            "of_settings": self.of_settings,
            "withdrawals": self.withdrawals,
            "decisions": self.decisions,
            "touchpoints": self.touchpoints,
            "policies": self.policies,
            "breaches": [breach.data() for breach in self.breaches],
            "excess": self.excess,
            "notes": self.notes,
            "unread": self.unread,
        }
