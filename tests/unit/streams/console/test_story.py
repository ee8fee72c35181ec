"""A customer's story, as it is made of what is stored of them."""

from __future__ import annotations

from collections import Counter

from models.decisions.policy.in_force import PolicyInForce
from streams.console.story_reading import NOTHING, story_of
from streams.operations.customer.stored import StoredCustomer
from tests.support.policies import BY_STAGE
from tests.unit.models.engine.test_by_policy import lived

POLICY = PolicyInForce.of(1, BY_STAGE)


def test_the_levels_on_a_customers_page_are_those_by_which_they_go() -> None:
    lowest = Counter[float]()
    for number, shard in enumerate(lived("by stage").shards):
        for customer, stored in shard.records.items():
            found = StoredCustomer(stored, policy=POLICY, time=shard.state.time)
            story = story_of(customer.decode(), number, found, NOTHING)
            assert story is not None
            if story.levels:
                lowest[story.levels[0][1]] += 1
    of_stages = {row.levels[0].at for row in POLICY.policy.risk.for_stages}
    of_tiers = {row.levels[0].at for row in POLICY.policy.risk.for_tiers}
    assert lowest.keys() > of_stages
    assert lowest.keys() & of_tiers
