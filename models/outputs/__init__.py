"""Output records of a shard: triggers, decisions, examples, watermarks, dead letters, records to other shards; as JSON.

Every id is a deterministic function of the log, so that a replay says the same under the same name. Times are ms since
the epoch, log time; `at` is the position of the log: the record at which (touchpoint) or before which (due item) the
line had arrived.
"""

from __future__ import annotations

import msgspec

from models.outputs.deadletters import KEPT_OF_OVERSIZE, DeadLetter, as_text
from models.outputs.decisions import (
    IN_FORCE,
    LEDGER,
    LOYALTY,
    MEMBERSHIP,
    MERGE_REFUSED,
    MERGED,
    OUTCOME,
    POLICY_IN_FORCE,
    POLICY_WAITING,
    REQUESTS,
    RESUMED,
    REVIVED,
    SETTINGS_IN_FORCE,
    SETTINGS_WAITING,
    STOPPED,
    TAKEN_OVER,
    TASK,
    Candidate,
    Decision,
    Drawn,
    Ended,
)
from models.outputs.examples import (
    CHURNED,
    RETURNED,
    ArmPulse,
    BudgetPulse,
    ChoicePulse,
    Chosen,
    Example,
    Outcome,
    Pulse,
    Watermark,
)
from models.outputs.ids import output_id, trigger_id
from models.outputs.ledger_entry import LedgerEntry
from models.outputs.loopback import FORWARDED, MOVED, ROLE, SHARED, Loopback, LoopbackBody, loopback
from models.outputs.loyalty_entry import LoyaltyEntry
from models.outputs.membership_entry import MembershipEntry
from models.outputs.triggers import Position, Reason, StopOrder, Trigger, Unsent, Withdrawal

__all__ = [
    "CHURNED",
    "FORWARDED",
    "IN_FORCE",
    "KEPT_OF_OVERSIZE",
    "LEDGER",
    "LOYALTY",
    "MEMBERSHIP",
    "MERGED",
    "MERGE_REFUSED",
    "MOVED",
    "OUTCOME",
    "POLICY_IN_FORCE",
    "POLICY_WAITING",
    "REQUESTS",
    "RESUMED",
    "RETURNED",
    "REVIVED",
    "ROLE",
    "SETTINGS_IN_FORCE",
    "SETTINGS_WAITING",
    "SHARED",
    "STOPPED",
    "TAKEN_OVER",
    "TASK",
    "ArmPulse",
    "BudgetPulse",
    "Candidate",
    "ChoicePulse",
    "Chosen",
    "DeadLetter",
    "Decision",
    "Drawn",
    "Emittable",
    "Ended",
    "Example",
    "LedgerEntry",
    "Loopback",
    "LoopbackBody",
    "LoyaltyEntry",
    "MembershipEntry",
    "Outcome",
    "Output",
    "Position",
    "Pulse",
    "Reason",
    "StopOrder",
    "Trigger",
    "Unsent",
    "Watermark",
    "Withdrawal",
    "as_text",
    "encode",
    "loopback",
    "output_id",
    "trigger_id",
]

_encode = msgspec.json.Encoder(order="deterministic").encode
Output = (
    Trigger | Withdrawal | Unsent | StopOrder | Decision | Example | Outcome | Watermark | Chosen | Pulse | DeadLetter
)
"""What stands on the topics of outputs."""
Emittable = Output | Loopback
"""The same, and what goes to another shard."""


def encode(output: Emittable) -> bytes:
    """The output as JSON bytes, keys in the order of the fields."""
    return _encode(output)
