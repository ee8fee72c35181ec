"""What decisions read of a policy's loyalty loop: times in ms, kinds by number."""

from __future__ import annotations

from typing import NamedTuple

from models.decisions.policy.parts import Condition, ms_of
from models.decisions.policy.types import Policy
from models.loyalty.experiences import EXPERIENCES, VOICES
from models.loyalty.loop import LoopRules
from models.loyalty.words import Words
from models.touchpoints.kinds import Kind


class LoyaltyInForce(NamedTuple):
    """loop: of the stages and the index. kinds: that change either, or speak of us, by number. thanked: moments that a
    good word asks, each with its condition on the customer. words: by which texts are read, by language; None: they are
    not."""

    loop: LoopRules
    kinds: frozenset[int]
    thanked: tuple[tuple[str, Condition | None], ...]
    words: dict[str, Words] | None = None


def loyalty_rules(policy: Policy) -> LoyaltyInForce | None:
    """Of a policy; None: it keeps no loop."""
    loyalty = policy.loyalty
    if loyalty is None:
        return None
    given = {kind: loyalty.weights.get(Kind(kind).type, one.weight) for kind, one in EXPERIENCES.items()}
    weights = {int(kind): weight for kind, weight in given.items() if weight}
    loop = LoopRules(
        ms_of(loyalty.half_life),
        loyalty.losses,
        weights,
        loyalty.active_from,
        loyalty.advocate_from,
        ms_of(loyalty.advocate_for),
        0 if loyalty.lapses_after is None else ms_of(loyalty.lapses_after),
        ms_of(loyalty.won_back_for),
        bool(policy.risk.for_stages),
    )
    thanked = tuple((name, one.when) for name, one in policy.moment.items() if one.sort == "spoke_well")
    words = {language: Words(one.good, one.bad, one.negations) for language, one in loyalty.words.items()}
    kinds = frozenset(weights) | frozenset(map(int, VOICES))
    return LoyaltyInForce(loop, kinds, thanked, words if loyalty.texts else None)
