"""The operator's view of the policy in force in every shard, and a new one's way into all of them.

A policy is a record of the touchpoints log, in every partition, so that whoever reads the log again decides the same.
What leads to it, proposals and approvals, is kept in the store, and so is who applied what (`ledger`).
"""

from streams.operations.policy.planning import (
    NONE,
    Plan,
    PolicyRecord,
    Stands,
    from_the_first,
    planned,
    read,
    read_by,
    record_of,
    stands_in,
    write,
)
from streams.operations.policy.refusals import (
    AnotherPolicy,
    LedgerBusy,
    NoSuchProposal,
    NotAllowed,
    NotApproved,
    OlderWorker,
    PolicyRefused,
    TooManyTouched,
)
from streams.operations.policy.shards import ShardPolicyNow, in_force, lacking, newest, shard_now, shards_now

__all__ = [
    "NONE",
    "AnotherPolicy",
    "LedgerBusy",
    "NoSuchProposal",
    "NotAllowed",
    "NotApproved",
    "OlderWorker",
    "Plan",
    "PolicyRecord",
    "PolicyRefused",
    "ShardPolicyNow",
    "Stands",
    "TooManyTouched",
    "from_the_first",
    "in_force",
    "lacking",
    "newest",
    "planned",
    "read",
    "read_by",
    "record_of",
    "shard_now",
    "shards_now",
    "stands_in",
    "write",
]
