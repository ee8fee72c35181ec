"""A learning that keeps the newest labels learns as any other, and says what it had foretold of each."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from models.learning.learner import Learning
from models.learning.newest_labels import NewestLabels
from models.learning.weights import weight_of
from models.outputs import CHURNED, Example, Watermark, encode
from models.settings import WEEK, EngineSettings
from tests.unit.models.learning.test_learner import example

SETTINGS = EngineSettings(horizon=WEEK, tick=WEEK, boundary=WEEK, version_delay=0, lateness=0)
WEEKS = 6


def values() -> list[bytes]:
    random, found = Random(1), [encode(Watermark(0, 0))]
    for week in range(1, WEEKS + 1):
        for n in range(20):
            one = example(random, f"c-{n}", week * WEEK - 20 + n)
            observed_at = one.label_time - WEEK
            found.append(encode(msgspec.structs.replace(one, observed_at=observed_at)))
        found.append(encode(Watermark(0, week * WEEK)))
    return found


def fed(learning: Learning) -> list[object]:
    for sequence, value in enumerate(values(), start=1):
        learning.feed(0, sequence, sequence, value)
    versions: list[object] = []
    while (version := learning.next_version()) is not None:
        versions.append(version)
    return versions


def test_it_makes_the_same_versions_and_keeps_the_newest_labels_of_churn_in_their_order() -> None:
    learning = NewestLabels(SETTINGS, 1, most=30)
    assert fed(learning) == fed(Learning(SETTINGS, 1))
    told = [msgspec.json.decode(value, type=Example | Watermark) for value in values()]
    churned = [one for one in told if isinstance(one, Example) and one.kind == CHURNED and not one.treated]
    assert len(churned) > 30, "the test shows nothing"
    assert any(isinstance(one, Example) and one.treated for one in told), "nor of what was treated"
    assert learning.learned == sum(isinstance(one, Example) and not one.treated for one in told)
    assert [label.example for label in learning.labels] == churned[-30:]
    assert [label.told for label in learning.labels] == [one.predicted for one in churned[-30:]]


def test_what_it_had_foretold_is_what_its_own_quality_is_made_of() -> None:
    learning = NewestLabels(SETTINGS, 1, most=10_000)
    fed(learning)
    watch = learning.model.watches[learning.model.champion]
    expected = sum(expected for _, expected, _ in (watch.groups[name] for name in ("new", "known", "old")))
    weighed = sum(label.foretold * weight_of(label.example) for label in learning.labels)
    assert weighed == pytest.approx(expected)
