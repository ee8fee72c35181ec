"""Values that labels of metrics have: why a write was refused, why a shard stands still, what came a second time."""

from __future__ import annotations

REJECTIONS = ("token", "number", "missing", "producer")
"""Why a write of ours was refused: another owner's token, a number that is not ours, no meta, a fenced producer."""

UNPUBLISHED, HELD, UNREADABLE = "kafka", "transaction", "unreadable"
TAKEOVER = "takeover"
PAUSES = ("store", UNPUBLISHED, "version", "clock_ahead", "outbox", HELD, UNREADABLE, TAKEOVER)
"""Why a shard that has work, or the learner, stands still. `UNPUBLISHED`, whose work is its outputs, and `HELD` and
`UNREADABLE`, whose work Kafka does not hand out, may stand beside another."""

DOUBTED = ("applied", "duplicate")
"""How a touchpoint is taken of which nobody knows whether it came before."""

OTHER = "other"

REDELIVERIES = ("records", "outbox", "examples", "commits")
"""What was delivered a second time, and recognised: see docs/operations.md for what each of them counts."""
