"""The topics: their roles, and the settings each needs."""

from __future__ import annotations

ROLES = ("touchpoints", "triggers", "decisions", "examples", "deadletters", "learner")
"""`touchpoints` is the one input; `learner` has one partition, whose owner runs the learner; the others are outputs,
with as many partitions as the input: shard n alone writes partition n."""

OUTPUTS = ("triggers", "decisions", "examples", "deadletters")
