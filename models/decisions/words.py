"""What decisions say of themselves: to the team, and to the customer who asks why."""

from __future__ import annotations

from typing import Final

from models.decisions.german import GERMAN, GERMAN_KINDS

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "stopped": (
        "An operator has stopped what the action is (`retention stops`).",
        "We have stopped sending messages of this sort for the time being.",
    ),
    "erased": ("The customer asked to be forgotten.", "You asked us to forget you."),
    "restricted": (
        "A restriction says that the customer must be left alone for this purpose.",
        "Your account is marked so that we do not write to you about this.",
    ),
    "expired": ("The moment's `within` is over.", "The occasion has passed."),
    "off": ("The action's `mode` is off.", "We do not offer this at present."),
    "shadow": (
        "The action's `mode` is shadow: what would have been chosen is recorded.",
        "We do not offer this at present.",
    ),
    "rollout": ("The customer is not in the action's `rollout`.", "We do not offer this to everybody yet."),
    "dates": ("It is not between the action's `from` and `until`.", "This is offered at another time."),
    "wrong_level": ("The action is not for this level of risk.", "This was not meant for the present occasion."),
    "wrong_class": ("The action is not for this class of customers.", "This is for another group of customers."),
    "condition": ("The action's `when` is not true of the customer.", "The conditions of this offer are not met."),
    "for_a_person": (
        "A person has to do it: the action says so, or it is marketing to who buys for an account.",
        "Somebody of us looks after this in person.",
    ),
    "unreachable": (
        "Nothing arrives on any channel of the action: a message failed there for good, or there is no address.",
        "Our messages do not reach you this way.",
    ),
    "refused_channel": (
        "The customer wants no marketing on any channel of the action.",
        "You told us not to write to you this way.",
    ),
    "no_basis": (
        "No consent, and nothing else that `basis` takes in its place, lets us write on a channel of the action.",
        "You have not agreed that we write to you this way.",
    ),
    "ad_free": (
        "The customer has a plan, or is in a programme, that is free of marketing.",
        "What you have with us is free of advertising.",
    ),
    "silent": (
        "The customer wants no marketing, for now or at all.",
        "You asked us not to send you any advertising at present.",
    ),
    "unwanted_topic": ("The customer chose topics, and the action's is not one of them.", "You chose other topics."),
    "no_content": ("The action has no text in the customer's language.", "We have not written this in your language."),
    "frozen": (
        "A `freeze` of the policy stops what the action is for, or its kind, at this time.",
        "We send no messages of this sort during these days.",
    ),
    "open_case": ("A service case is open.", "We are still working on a request of yours."),
    "in_conversation": (
        "The customer is in a conversation with us.",
        "We were talking with you at that time.",
    ),
    "cancelling": (
        "The customer is about to cancel a contract: no marketing but one offer in the same session.",
        "You were about to cancel, so we hold back.",
    ),
    "bad_experience": (
        "The customer had a bad experience less than `rest.bad_experience` ago.",
        "Something went wrong for you lately, so we hold back.",
    ),
    "held": (
        "A plan runs that holds marketing.",
        "Something else is under way between us that comes first.",
    ),
    "promotion_open": ("Another promotion is still open.", "You still have an offer that you can use."),
    "promotion_used": ("The open episode had its promotion.", "You had an offer from us on this occasion."),
    "cool_down": ("The last marketing contact is less than `cool_down` ago.", "We wrote to you only a short time ago."),
    "cap": ("A cap is reached, the policy's or the customer's own.", "We have written to you often enough."),
    "once_per": ("The action was done less than its `once_per` ago.", "You had this from us not long ago."),
    "after_outcomes": (
        "Marketing rests after a decline, a spam report or a failure.",
        "You let us know that our last message was not welcome, or it did not arrive.",
    ),
    "unprofitable": (
        "The action may cost more than the policy's share of what keeping the customer is worth.",
        "What we could offer did not fit what you buy from us.",
    ),
    "budget": (
        "A budget of the action has no room left in this period, or none that this shard has been allowed yet.",
        "What we have set aside for this is used up for now.",
    ),
    "alarm": (
        "Something may be wrong with what we are told: the shard's alarm holds marketing.",
        "We are looking into a fault, and hold back until it is mended.",
    ),
    "hours_never": (
        "No hour of the next 15 days is allowed on any channel of the action.",
        "We could find no hour at which we may reach you this way.",
    ),
}
"""By the code of a gate (`models.decisions.gates`), in the order of the table."""

WAITS: Final[dict[str, tuple[str, str]]] = {
    "hours": ("It is no hour at which the action may go out.", "We do not write to you at this hour."),
    "in_window": (
        "Something was drawn less than `choice.window` ago: nothing is drawn before that is over.",
        "We thought about this not long ago, and let some time pass first.",
    ),
    "outranking": (
        "Something of less priority was taken back to make room: the sender has to say that it was not sent.",
        "We wanted to tell you something else first.",
    ),
    "after_other": (
        "Another moment was answered at the same place: this one has its turn later.",
        "We had something else to tell you first.",
    ),
    "carried_over": (
        "The risk was above the level when the policy came into force: those who stood there ask one after the other.",
        "You were not the only one: we come to you in turn.",
    ),
    "crowded": ("Other moments that wait left no room for it.", "Other matters came first."),
    "no_moment": ("The policy no longer has this moment.", "We no longer write on this occasion."),
    "no_action": ("The policy has no action for this moment.", "There is nothing that we do on this occasion."),
}
"""By the code of what makes a moment wait, or end, that is no gate."""
BECAME: Final[dict[str, tuple[str, str]]] = {
    "delivered": ("It arrived, or its expiry passed without a word.", "It reached you, as far as we know."),
    "given_back": ("It was not sent: what it had reserved is free again.", "It was not sent after all."),
    "late": ("It arrived after all, though it had been given back: it counts.", "It reached you after all."),
    "refused": ("It was to be given back, and had arrived: it counts.", "It had reached you already."),
    "declined": ("The customer declined it.", "You declined it."),
    "redeemed": ("The customer made use of it.", "You made use of it."),
    "unused": ("It was not used while it could be.", "It could be used for some time, and was not."),
    "withdrawn": ("It was taken back.", "We took it back."),
    "not_resent": ("It was stopped, and is not sent again.", "It was not sent after all."),
}
"""By what became of a trigger (`models.outputs.Decision.what`)."""
PLANS: Final[dict[str, tuple[str, str]]] = {
    "plan_started": ("A plan begins: its steps ask in their time.", "We planned several steps for you."),
    "plan_ended": (
        "A plan ends: its last step has asked, or a touchpoint ended it.",
        "There is nothing more to come of it.",
    ),
    "step_left_out": ("A step of a plan is left out.", "One step was not needed."),
}
"""By what is said of a plan (`models.outputs.Decision.what`)."""
SHARED: Final[dict[str, tuple[str, str]]] = {
    "not_agreed": (
        "The customer has not agreed that what they talk about with others is used.",
        "You have not agreed that we use what you talk about with others.",
    ),
    "too_late": ("The other one did not answer in time.", "It was too late for it."),
    "other_side": ("It could not be offered to the other one, too.", "It could not be offered any more."),
    "shares": ("Something is shared with the customer already.", "We have something of the sort for you already."),
    "one_customer": ("Both are one customer.", "We found nothing to offer you."),
    "taken_back": ("What was out was taken back, or not sent: so is that of the other one.", "We took it back."),
    "went_out": (
        "The other one's does not go out, and this one could not be taken back any more.",
        "It had reached you already.",
    ),
    "control": ("The customer is of the control group.", "You are one of a small group whom we send no advertising."),
    "test": ("A test customer shares nothing with others.", "You are trying things out."),
}
"""By the code of why two are not offered something together, that is no gate's."""
DRAWN: Final[dict[str, str]] = {
    "best": "It is expected to bring most.",
    "explored": "Something else is expected to bring more: this fell by its own chance, to be learned from.",
    "held_out": "Leaving alone fell, though an action is expected to bring more: so it is seen what comes then.",
    "rationed": "What may help is not proven yet, and goes to whom it is expected to help more.",
    "no_positive_value": "No action is expected to bring more than it costs.",
    "none_open": "No action is open to this customer before the first ones have shown what comes of them.",
}
"""Why the learned choice drew what it drew, by `models.decisions.choosing.choose.Reason`."""
STATES: Final[dict[str, str]] = {
    "proven": "likely better than nothing",
    "unproven": "not proven yet",
    "stopped": "stopped, since it does harm too often",
    "not_launched": "not open to this customer yet",
    "full": "closed, since too many of its contacts are unanswered",
}
"""How an action stands in a draw of the learned choice, by `models.decisions.choosing.caution.State`."""
KIND_WORDS: Final[dict[str, str]] = {
    "care": "a message to put something right",
    "useful": "something that may be useful to you",
    "reward": "a reward",
    "offer": "an offer",
    "onboarding": "help with the first steps",
    "ask": "a question to you",
    "win_back": "an invitation to come back",
    "service": "a message about what you have with us",
}
"""Kinds of actions (`models.decisions.policy.types.KINDS`), for the customer."""


def told(code: str, to_customer: bool = False, language: str = "en") -> str:
    """The sentence of a code; empty: it has none. language: of the customer, "en" or "de"."""
    if to_customer and language == "de" and code in GERMAN:
        return GERMAN[code]
    found = next((words[code] for words in (SENTENCES, WAITS, BECAME, PLANS, SHARED) if code in words), None)
    return found[to_customer] if found else ""


def kind_told(kind: str, language: str = "en") -> str:
    """What an action of a kind is to the customer; empty: it has no words."""
    return (GERMAN_KINDS if language == "de" else KIND_WORDS).get(kind, "")
