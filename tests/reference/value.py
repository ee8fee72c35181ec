"""What a customer is worth, told once more: the value of one, its bucket by the edges, and the tier with its band."""

from __future__ import annotations

from array import array

import numpy as np

from models.churn.mixture.scorer import MixtureScorer
from models.customer.layout import UNLEARNED
from models.engine.compiled_rules import class_number
from models.engine.output_buffer import Work
from models.value.pyramid import bucket_of, tier_of
from models.value.schema import value_schema
from models.value.scorer import ValueScorer
from tests.reference.lane import Lane
from tests.reference.money import money_of


def appraise(work: Work, lane: Lane, basis: array[float]) -> None:
    """Bucket and tier of a customer who is scored."""
    record, stated = lane.record, getattr(work.scorer, "values", None)
    if record is None:
        return
    held = record.worth
    before = held.tier - 1, held.counted
    held.bucket = held.tier = held.counted = 0
    known = work.values and stated is not None and stated["scorer"] == value_schema()
    if stated is None or not known or record.flags & UNLEARNED:
        return
    churn = MixtureScorer.of(stated["mixture"], work.settings) if "mixture" in stated else work.scorer
    assert isinstance(churn, MixtureScorer)
    bases, money = (np.array([numbers], dtype=np.float32) for numbers in (basis, money_of(record)))
    [worth] = ValueScorer.of(stated, churn.mixture, work.settings).value(bases, money).values.tolist()
    bucket = bucket_of(worth)
    held.bucket, held.counted = bucket + 1, class_number(record.tail.customer_class)
    tiers = stated.get("tiers")
    if work.policy is None or tiers is None or tuple(tiers["shares"]) != work.policy.shares:
        return
    cuts = tiers["cuts"].get(record.tail.customer_class or "consumer")
    if cuts is None:
        return
    tier, counted = before
    old = tier if 0 <= tier <= len(cuts) and counted == held.counted else None
    held.tier = tier_of(bucket, cuts, old) + 1
