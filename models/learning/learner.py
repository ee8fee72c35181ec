"""Merges the examples of all shards in log order into one model version per boundary.

Each shard says its examples in the order of its own line and marks with a watermark how far it has come. At a boundary
that every shard's watermark has reached, all examples with label time up to it are learned in the order (label time,
customer as bytes, kind, observation time), and a version is published under the boundary's name. Before them come the
choices that operators made of the champion, in the order (time, shard, position in its line). Nothing here depends on
when or in what portions any of it arrived. No shard is ever skipped: a silent one holds the boundary back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from copy import deepcopy
from heapq import merge
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from models.churn import MixtureScorer, Outcomes, SnapshotRefused, Version
from models.churn.mixture.probability import Mixture
from models.churn.registry import CHAMPION
from models.customer.layout import BASIS
from models.learning.allowances import AllowanceState, heard, issue, last_issued
from models.learning.choices import Choices, check_outcome
from models.learning.contest import Contest
from models.learning.prequential import Prequential
from models.learning.values import MONEY, Values
from models.learning.weights import weight_of
from models.outputs import CHURNED, RETURNED, Chosen, Example, Outcome, Pulse, Watermark
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED

RUN = 2_000
"""Examples that are sorted in one go."""

Content = Example | Outcome | Watermark | Chosen | Pulse

_decode = msgspec.json.Decoder(Content).decode


class ExamplesGap(Exception):
    """An examples partition misses a sequence number: an example was lost, and the model would not be the log's."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message of one shard's examples partition."""

    offset: int
    sequence: int
    content: Content


class ShardProgress(msgspec.Struct):
    """Where the learner stands in one shard's examples.

    offset: of the first message not yet learned. sequence: of the last one before it. first: the shard's first
    watermark.
    """

    offset: int = 0
    sequence: int = msgspec.field(name="count", default=0)
    first: int | None = None


class LearningState(msgspec.Struct):
    """The learner's state, whole: the body of its meta. boundary: the last version published. origin: the first
    ever. allowances: of the policy's budgets; unset while no policy has any. value: of `models.learning.values`; unset
    while no policy has a `[value]`. choice: of `models.learning.choices`; unset until the first draw that is learned
    from."""

    shards: list[ShardProgress]
    boundary: int | None
    origin: int | None
    learned: int
    model: dict[str, Any]
    prequential: list[Any]
    allowances: AllowanceState | UnsetType = UNSET
    value: dict[str, Any] | UnsetType = UNSET
    choice: dict[str, Any] | UnsetType = UNSET


class Learning:
    """The learner's way through the examples. Feed it messages; take versions from it."""

    def __init__(
        self, settings: EngineSettings, partitions: int, state: LearningState | None = None, lineage: str = ""
    ) -> None:
        """lineage: of the learner, empty: the application's first."""
        self.settings, self._lineage = settings, lineage
        self.model = Contest(settings)
        if state is None:
            state = LearningState([ShardProgress() for _ in range(partitions)], None, None, 0, {}, [])
            self.prequential = Prequential()
        else:
            if len(state.shards) != partitions:
                raise SnapshotRefused(f"the learner's state has {len(state.shards)} shards, the topic {partitions}")
            self.model.restore(state.model)
            self.prequential = Prequential.from_state(state.prequential)
        self.shards = [msgspec.structs.replace(shard) for shard in state.shards]
        self.boundary, self.origin, self.learned = state.boundary, state.origin, state.learned
        self._allowances = None if state.allowances is UNSET else state.allowances
        self._values = Values(settings, None if state.value is UNSET else state.value)
        self._choices = Choices(None if state.choice is UNSET else state.choice)
        self._waiting: list[deque[Message]] = [deque() for _ in range(partitions)]
        self._last_sequences = [shard.sequence for shard in self.shards]
        self._marks: list[int | None] = [None] * partitions
        self._begins, self._begun_late = [False] * partitions, False

    def feed(self, shard: int, offset: int, sequence: int, value: bytes) -> bool:
        """Take in one message of a shard's examples partition. False: it was seen before (a repeated delivery).

        Raises ExamplesGap when a sequence number is missing, ValueError or msgspec.DecodeError when it is no example of
        this model.
        """
        if self._begins[shard]:
            self._begins[shard] = False
            self.shards[shard].sequence = self._last_sequences[shard] = sequence - 1
        if sequence <= self._last_sequences[shard]:
            return False
        if sequence != self._last_sequences[shard] + 1:
            raise ExamplesGap(
                f"examples of shard {shard}: sequence number {sequence} at offset {offset} follows "
                f"{self._last_sequences[shard]}; restore the examples topic or relearn"
            )
        content = _decode(value)
        if isinstance(content, Example):
            _check(content)
        elif isinstance(content, Outcome):
            check_outcome(content)
        elif isinstance(content, Chosen) and content.champion not in (None, *self.model.models):
            raise ValueError(f"it chooses {content.champion!r}; the models are {', '.join(self.model.models)}")
        self._last_sequences[shard] = sequence
        self._waiting[shard].append(Message(offset, sequence, content))
        if isinstance(content, Watermark):
            self._marks[shard] = content.time
            if self.shards[shard].first is None:
                self.shards[shard].first = content.time
        return True

    @property
    def left(self) -> str | None:
        """By which rules that was learned of the actions that this release began anew; None: it went on."""
        return self._choices.left

    def begin_at(self, shard: int, offset: int) -> None:
        """Begin a shard's examples with whatever stands at an offset, where those before it are gone. Only before
        anything was learned: the versions are then of what there still is."""
        if self.boundary is not None:
            raise ValueError(
                f"the learner has learned up to {self.boundary}: it goes on at {self.shards[shard].offset}"
            )
        self.shards[shard].offset, self._begins[shard], self._begun_late = offset, True, True

    def last_sequence(self, shard: int) -> int:
        """The sequence number of the last message of a shard that was taken in."""
        return self._last_sequences[shard]

    def lowest_mark(self) -> int | None:
        """The time up to which all examples of all shards are in, None while a shard has not spoken since the start."""
        marks = [mark if mark is not None else self.boundary for mark in self._marks]
        known = [mark for mark in marks if mark is not None]
        return min(known) if len(known) == len(marks) else None

    def far_ahead(self, most: int) -> set[int]:
        """The shards a reader should pause: more than `most` of their messages wait here, for shards that are slower.

        Never one whose newest watermark is the lowest of all, or that has none yet: all wait for its next one, however
        many examples lie before that.
        """
        lowest = self.lowest_mark()
        return {
            shard
            for shard, (mark, waiting) in enumerate(zip(self._marks, self._waiting, strict=True))
            if len(waiting) > most and mark is not None and (lowest is None or mark > lowest)
        }

    def next_boundary(self) -> int | None:
        """The boundary up to which may be learned now; None when a shard has not reached it yet."""
        lowest = self.lowest_mark()
        if lowest is None:
            return None
        if self.boundary is None:
            firsts = [shard.first for shard in self.shards if shard.first is not None]
            if len(firsts) < len(self.shards):
                return None
            self.origin = min(firsts)
        boundary = self.origin if self.boundary is None else self.boundary + self.settings.boundary
        return boundary if boundary is not None and boundary <= lowest else None

    def next_version(self) -> Version | None:
        """Learn up to the next boundary and make its version; None when a shard has not reached it yet."""
        boundary = self.next_boundary()
        if boundary is None:
            return None
        examples, outcomes, choices, pulses = self._take(boundary)
        for choice in choices:
            self.model.choose(boundary, choice.champion)
        self._learn(boundary, examples, pulses)
        self._choices.learn(boundary, outcomes, pulses)
        shards, late = len(self.shards), self.boundary is None and self._begun_late
        self._allowances = heard(self._allowances, pulses, shards, self._lineage, late)
        issue(self._allowances, boundary, pulses, shards)
        self.boundary = boundary
        return self.version()

    def version(self) -> Version:
        """The version that the state stands at. Raises ValueError before the first boundary."""
        if self.boundary is None:
            raise ValueError("no version has been published yet")
        model = self.model
        quality = {
            **self.prequential.summary(),
            "pinned": model.pinned,
            "promotions": model.promotions,
            "models": model.summary(),
        }
        allowed = UNSET if self._allowances is None else last_issued(self._allowances)
        other = None if model.champion == CHAMPION else model.models[CHAMPION].version()
        value, choice = self._values.version(other), self._choices.version()
        return Version(
            self.boundary,
            self.learned,
            model.version(),
            quality,
            model.promotion,
            allowances=allowed,
            value=UNSET if value is None else value,
            choice=UNSET if choice is None else choice,
        )

    def state(self) -> LearningState:
        """All that must be kept to go on from here."""
        return LearningState(
            [msgspec.structs.replace(shard) for shard in self.shards],
            self.boundary,
            self.origin,
            self.learned,
            self.model.snapshot(),
            self.prequential.state(),
            UNSET if self._allowances is None else deepcopy(self._allowances),
            UNSET if (value := self._values.state()) is None else value,
            UNSET if (choice := self._choices.state()) is None else choice,
        )

    def _take(self, boundary: int) -> tuple[list[Example], list[Outcome], list[Chosen], list[Pulse]]:
        """What waits up to a boundary, in the order of learning: examples, outcomes of draws, an operator's choices and
        pulses."""
        examples: list[Example] = []
        outcomes: list[Outcome] = []
        choices: list[Chosen] = []
        pulses: list[Pulse] = []
        for shard, waiting in zip(self.shards, self._waiting, strict=True):
            while waiting and _time(waiting[0].content) <= boundary:
                message = waiting.popleft()
                shard.offset, shard.sequence = message.offset + 1, message.sequence
                if isinstance(message.content, Example):
                    examples.append(message.content)
                elif isinstance(message.content, Outcome):
                    outcomes.append(message.content)
                elif isinstance(message.content, Chosen):
                    choices.append(message.content)
                elif isinstance(message.content, Pulse):
                    pulses.append(message.content)
        examples = _in_order(examples)
        # Stable: choices of one moment stay in the order of the shards, and of the line in each.
        choices.sort(key=lambda choice: choice.time)
        outcomes.sort(key=lambda outcome: (outcome.time, outcome.customer.encode(), outcome.decision))
        return examples, outcomes, choices, pulses

    def _learn(self, boundary: int, examples: Sequence[Example], pulses: Sequence[Pulse]) -> None:
        for example in examples:
            weight = weight_of(example)
            if example.predicted is not None and weight:
                self.prequential.add(example.predicted, example.truth, 1 if weight == 1.0 else weight)
            self.learned += weight > 0.0
        self.model.learn(boundary, outcomes_of(examples, RETURNED), outcomes_of(examples, CHURNED))
        self._values.learn(boundary, self._mixture, examples, pulses)

    def _mixture(self) -> Mixture:
        """The churn model that has a silence curve, as it stands."""
        scorer = self.model.models[CHAMPION].scorer()
        if not isinstance(scorer, MixtureScorer):
            raise TypeError(f"values need a silence curve; {CHAMPION} scores as {type(scorer).__name__}")
        return scorer.mixture


def _in_order(examples: list[Example]) -> list[Example]:
    """In the order of learning. In runs that are merged: one sort of a million would hold the interpreter's lock for a
    second, and the shards of this worker with it."""

    def place(example: Example) -> tuple[int, bytes, str, int]:
        return example.label_time, example.customer.encode(), example.kind, example.observed_at

    runs = [sorted(examples[first : first + RUN], key=place) for first in range(0, len(examples), RUN)]
    return runs[0] if len(runs) == 1 else list(merge(*runs, key=place))


def _time(content: Content) -> int:
    """The first boundary that may hold it."""
    if isinstance(content, Example):
        return content.label_time
    # Its record stands behind the watermark of its time, which may have been heard without it.
    return content.time + 1 if isinstance(content, Chosen) else content.time


def _check(example: Example) -> None:
    """Raises ValueError for an example that is not of this model."""
    if example.kind not in (CHURNED, RETURNED):
        raise ValueError(f"its kind is {example.kind!r}; this model learns {CHURNED!r} and {RETURNED!r}")
    if example.money and len(example.money) != 2 * MONEY:
        raise ValueError(f"its money has {len(example.money)} bytes, the value model reads {MONEY} float16 numbers")
    if example.untreated is not None and not 0.0 <= example.untreated <= 1.0:
        raise ValueError(f"its chance of nothing being done is {example.untreated!r}; it must be from 0 to 1")
    if len(example.basis) != 2 * BASIS:
        raise ValueError(f"its basis has {len(example.basis)} bytes, this model reads {BASIS} float16 numbers")


def outcomes_of(examples: Sequence[Example], kind: str) -> Outcomes:
    """Those of one kind in whose windows nothing was done, in columns."""
    weights = [(example, weight) for example in examples if example.kind == kind and (weight := weight_of(example))]
    mine = [example for example, _ in weights]
    float16 = np.frombuffer(b"".join([example.basis for example in mine]), dtype="<f2")
    return Outcomes(
        [example.customer.encode() for example in mine],
        float16.astype(np.float32).reshape(len(mine), BASIS),
        np.array([example.observed_at for example in mine], dtype=np.int64),
        np.array([example.truth for example in mine], dtype=np.bool_),
        np.array([weight for _, weight in weights]) if any(weight != 1.0 for _, weight in weights) else None,
    )


def initial_version(settings: EngineSettings) -> Version:
    """The model before the learner's first boundary."""
    return Version(UNTRAINED, 0, Contest(settings).version(), Prequential().summary())
