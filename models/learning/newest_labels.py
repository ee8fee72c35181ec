"""A learning that keeps the newest labels of churn, and what it had foretold of each: to compare its versions on."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from models.learning.learner import Learning, outcomes_of
from models.learning.weights import weight_of
from models.outputs import CHURNED, Example, Pulse
from models.settings import EngineSettings


class Label(NamedTuple):
    """A label of churn that was learned.

    told: what the version in force predicted at the time; None where the example does not say. foretold: what the model
    that was champion of this learning when the label was learned had expected at the time of its observation.
    """

    example: Example
    told: float | None
    foretold: float


class NewestLabels(Learning):
    """Keeps the last `most` labels of churn, in the order of learning."""

    def __init__(self, settings: EngineSettings, partitions: int, most: int) -> None:
        super().__init__(settings, partitions)
        self.labels: deque[Label] = deque(maxlen=most)

    def _learn(self, boundary: int, examples: Sequence[Example], pulses: Sequence[Pulse]) -> None:
        churned = [example for example in examples if example.kind == CHURNED and weight_of(example)]
        if churned:  # before they are learned
            expected = self.model.past.expected(outcomes_of(churned, CHURNED))[self.model.champion].tolist()
            self.labels.extend(
                Label(example, example.predicted, p) for example, p in zip(churned, expected, strict=True)
            )
        super()._learn(boundary, examples, pulses)
