"""Learning in the order of the log, however the examples come."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn import Promotion, SnapshotRefused, Version, scorer_of, seal, unseal
from models.churn.mbg.fit import prior_of, silent_probability
from models.features import COLUMNS
from models.learning.learner import ExamplesGap, Learning, LearningState, initial_version
from models.learning.prequential import Prequential
from models.learning.schema import schema_of
from models.outputs import CHURNED, RETURNED, Chosen, Example, Output, Position, Watermark, encode
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED

SETTINGS = EngineSettings(horizon=50, tick=1_000, boundary=1_000, version_delay=0, lateness=0)
SHARDS = 3
Emitted = tuple[int, int, bytes]
"""Shard, count, value."""


def example(random: Random, customer: str, time: int) -> Example:
    basis = np.array([random.lognormvariate(1, 1) for _ in COLUMNS], dtype="<f2")
    basis[COLUMNS.index("purchase_days")] = random.randint(1, 9)
    of = random.choice(((False, None), (False, None), (False, 0.3), (True, None)))
    if random.random() < 0.3:
        return Example(customer, RETURNED, time, time - 1, basis.tobytes(), random.random() < 0.4, None, b"", None, *of)
    truth, predicted = random.random() < 0.4, random.random()
    return Example(customer, CHURNED, time, time - 50, basis.tobytes(), truth, predicted, b"", None, *of)


def choice(time: int, champion: str | None, shard: int = 0) -> Chosen:
    return Chosen(time, champion, Position(shard, time, due=False))


def examples_of_shards(seed: int, boundaries: int = 4, chosen: bool = False) -> list[list[bytes]]:
    """What each shard's examples partition holds: examples by time, a watermark at each boundary, and, if told so,
    choices of the champion: a record of this moment stands behind what is due then."""
    random = Random(seed)
    partitions: list[list[bytes]] = []
    for shard in range(SHARDS):
        values = []
        for boundary in range(shard % 2, boundaries):
            values.append(encode(Watermark(shard, boundary * 1_000)))
            times = sorted(
                random.choices(range(boundary * 1_000 + 1, boundary * 1_000 + 1_001), k=random.randint(0, 5))
            )
            said: list[tuple[int, Output]] = [
                (time, example(random, f"c-{random.randint(0, 3)}-{shard}", time)) for time in times
            ]
            for _ in range(random.choice((0, 0, 1, 2)) if chosen else 0):
                time = boundary * 1_000 + random.choice((0, 1, 500, random.randint(0, 999)))
                said.append((time, choice(time, random.choice(("mixture", "adagrad", None)), shard)))
            values += [encode(output) for _, output in sorted(said, key=lambda one: one[0])]
        values.append(encode(Watermark(shard, boundaries * 1_000)))
        partitions.append(values)
    return partitions


def versions_of(learning: Learning) -> list[Version]:
    found = []
    while (version := learning.next_version()) is not None:
        found.append(version)
    return found


def straight(partitions: list[list[bytes]]) -> list[Version]:
    learning = Learning(SETTINGS, SHARDS)
    for shard, values in enumerate(partitions):
        for count, value in enumerate(values, start=1):
            assert learning.feed(shard, count + 10, count, value)
    return versions_of(learning)


@settings(max_examples=50)
@given(st.integers(0, 1_000), st.randoms(use_true_random=False), st.floats(0, 0.5))
def test_versions_do_not_depend_on_when_and_in_what_portions_examples_come(
    seed: int, random: Random, pauses: float
) -> None:
    partitions = examples_of_shards(seed, chosen=True)
    expected = straight(partitions)
    assert [version.boundary for version in expected] == [0, 1_000, 2_000, 3_000, 4_000]
    learning, found = Learning(SETTINGS, SHARDS), []
    fed = [0] * SHARDS
    while any(fed[shard] < len(partitions[shard]) for shard in range(SHARDS)):
        shard = random.choice([s for s in range(SHARDS) if fed[s] < len(partitions[s])])
        for _ in range(random.randint(1, 4)):
            if fed[shard] < len(partitions[shard]):
                fed[shard] += 1
                learning.feed(shard, fed[shard] + 10, fed[shard], partitions[shard][fed[shard] - 1])
        if random.random() < pauses:
            found += versions_of(learning)
    found += versions_of(learning)
    assert found == expected


def models_of(examples: list[Example]) -> list[Any]:
    """What is learned of them, and how good it says it is."""
    learning = Learning(SETTINGS, 1)
    last = max(example.label_time for example in examples)
    values = [encode(example) for example in examples]
    watermarks = [encode(Watermark(0, time)) for time in (0, -(-last // 1_000) * 1_000)]
    for count, value in enumerate([watermarks[0], *values, watermarks[1]], start=1):
        learning.feed(0, count, count, value)
    return [(version.model, version.quality) for version in versions_of(learning)]


def some(count: int = 200) -> list[Example]:
    random = Random(3)
    made = (example(random, f"c-{random.randint(0, 40)}", 10 * n + 1) for n in range(count))
    return [msgspec.structs.replace(one, treated=False, untreated=None) for one in made]


def test_what_was_treated_teaches_nothing_and_counts_in_no_quality() -> None:
    treated = [
        msgspec.structs.replace(one, customer=f"t-{n}", treated=True, label_time=one.label_time + 1)
        for n, one in enumerate(some())
    ]
    both = sorted([*some(), *treated], key=lambda one: one.label_time)
    assert models_of(both) == models_of(some())


def test_where_nothing_was_to_be_done_an_example_counts_once_to_the_bit() -> None:
    sure = [msgspec.structs.replace(one, untreated=1.0) for one in some()]
    assert models_of(sure) == models_of(some())


def test_one_that_stands_for_others_counts_as_often() -> None:
    rare = [msgspec.structs.replace(one, untreated=0.25 if one.truth else None) for one in some()]
    (_, plain), (_, weighed) = models_of(some())[-1], models_of(rare)[-1]
    churned = plain["churn_rate"]
    assert weighed["churn_rate"] == pytest.approx(4 * churned / (1 + 3 * churned))
    of_models, of_plain = weighed["models"]["mixture"], plain["models"]["mixture"]
    assert of_models["churn_rate"] == pytest.approx(weighed["churn_rate"])
    assert of_plain["churn_rate"] == pytest.approx(churned)


def test_a_chance_that_is_none_is_refused() -> None:
    learning = Learning(SETTINGS, 1)
    with pytest.raises(ValueError, match=r"chance of nothing being done is 1\.5; it must be from 0 to 1"):
        learning.feed(0, 1, 1, encode(msgspec.structs.replace(some(1)[0], untreated=1.5)))


@pytest.mark.slow
@settings(max_examples=15)  # some twenty starts in each
@given(st.integers(0, 1_000), st.randoms(use_true_random=False))
def test_a_learner_that_starts_again_from_its_state_cuts_equal_versions(seed: int, random: Random) -> None:
    partitions = examples_of_shards(seed, chosen=True)
    expected = straight(partitions)
    learning, found = Learning(SETTINGS, SHARDS), []
    fed = [0] * SHARDS
    for _ in range(200):
        shard = random.randrange(SHARDS)
        if fed[shard] < len(partitions[shard]):
            learning.feed(shard, fed[shard], fed[shard] + 1, partitions[shard][fed[shard]])
            fed[shard] += 1
        if random.random() < 0.3 and (version := learning.next_version()) is not None:
            found.append(version)
        if random.random() < 0.1:
            state = unseal(seal(learning.state(), "s"), "s", LearningState)
            learning = Learning(SETTINGS, SHARDS, state)
            # It reads again from where it had learned, or, as a consumer may, from further back.
            for i, progress in enumerate(state.shards):
                assert progress.offset == progress.sequence
                fed[i] = progress.offset
                for count in range(max(progress.sequence - 2, 0), progress.sequence):
                    assert not learning.feed(i, count, count + 1, partitions[i][count])
    for shard in range(SHARDS):
        for count in range(fed[shard], len(partitions[shard])):
            learning.feed(shard, count, count + 1, partitions[shard][count])
    assert found + versions_of(learning) == expected


def test_the_state_is_a_copy_that_later_learning_does_not_touch() -> None:
    partitions = examples_of_shards(1)
    learning = Learning(SETTINGS, SHARDS)
    before = learning.state()
    plain = msgspec.json.encode(before)
    for shard, values in enumerate(partitions):
        for count, value in enumerate(values, start=1):
            learning.feed(shard, count, count, value)
    versions_of(learning)
    assert msgspec.json.encode(before) == plain
    assert msgspec.json.encode(learning.state()) != plain


def test_a_missing_count_stops_the_learner() -> None:
    learning = Learning(SETTINGS, 1)
    learning.feed(0, 0, 1, encode(Watermark(0, 0)))
    with pytest.raises(ExamplesGap, match="sequence number 3 at offset 7 follows 1"):
        learning.feed(0, 7, 3, encode(Watermark(0, 2_000)))


def test_a_repeated_delivery_is_ignored() -> None:
    learning = Learning(SETTINGS, 1)
    value = encode(example(Random(1), "c", 500))
    assert learning.feed(0, 0, 1, encode(Watermark(0, 0)))
    assert learning.feed(0, 1, 2, value)
    assert not learning.feed(0, 1, 2, value)
    assert not learning.feed(0, 9, 1, value)
    learning.feed(0, 2, 3, encode(Watermark(0, 1_000)))
    assert [version.learned for version in versions_of(learning)] == [0, 1]


def test_a_silent_shard_holds_every_version_back() -> None:
    learning = Learning(SETTINGS, 2)
    for count, boundary in enumerate((0, 1_000, 2_000, 3_000), start=1):
        learning.feed(0, count, count, encode(Watermark(0, boundary)))
        assert learning.next_version() is None
    assert learning.lowest_mark() is None
    assert learning.far_ahead(3) == {0}
    assert learning.far_ahead(4) == set()
    learning.feed(1, 1, 1, encode(Watermark(1, 1_000)))
    assert learning.lowest_mark() == 1_000
    assert [version.boundary for version in versions_of(learning)] == [0, 1_000]
    assert learning.far_ahead(1) == {0}
    assert learning.far_ahead(2) == set()


def test_the_shards_whose_next_watermark_is_waited_for_are_never_far_ahead() -> None:
    learning, random = Learning(SETTINGS, 3), Random(1)

    def says(shard: int, *said: Output) -> None:
        for output in said:
            counts[shard] += 1
            learning.feed(shard, counts[shard], counts[shard], encode(output))

    def examples(time: int) -> list[Output]:
        return [example(random, "c", time) for _ in range(9)]

    counts = [0, 0, 0]
    for shard in (0, 1):
        says(shard, *examples(500))
    assert learning.far_ahead(5) == set(), "all examples before a first watermark must come in"
    says(0, Watermark(0, 1_000), *examples(1_500))
    assert learning.far_ahead(5) == {0}
    says(1, Watermark(1, 1_000), *examples(1_500))
    says(2, Watermark(2, 1_000))
    assert learning.far_ahead(5) == set(), "all three stand at the lowest watermark"
    says(1, Watermark(1, 2_000))
    assert learning.far_ahead(5) == {1}
    says(2, Watermark(2, 2_000))
    assert learning.far_ahead(5) == {1}, "shard 0 alone is the slowest, and has the most waiting"
    says(0, Watermark(0, 2_000))
    assert [version.boundary for version in versions_of(learning)] == [1_000, 2_000]
    # From its state, a learner stands where its last version does.
    learning = Learning(SETTINGS, 3, learning.state())
    says(0, *examples(2_500))
    assert learning.far_ahead(5) == set()
    says(0, Watermark(0, 3_000))
    assert learning.far_ahead(5) == {0}


def test_an_example_of_another_model_is_refused_when_it_comes() -> None:
    for wrong, told in (
        ({"basis": b"12"}, "its basis has 2 bytes, this model reads"),
        ({"kind": "x"}, "its kind is 'x'"),
    ):
        other = msgspec.structs.replace(example(Random(1), "c", 500), **wrong)
        with pytest.raises(ValueError, match=told):
            Learning(SETTINGS, 1).feed(0, 0, 1, encode(other))


def test_the_first_version_is_that_of_the_earliest_shards_first_boundary() -> None:
    for firsts in ((5_000, 2_000), (2_000, 5_000)):
        learning = Learning(SETTINGS, 2)
        for shard, first in enumerate(firsts):
            learning.feed(shard, 0, 1, encode(Watermark(shard, first)))
        assert learning.next_version() is not None
        assert learning.origin == learning.boundary == 2_000


def test_an_example_at_the_boundary_belongs_to_its_version_and_a_later_one_does_not() -> None:
    learning, random = Learning(SETTINGS, 1), Random(1)
    said: list[Output] = [
        Watermark(0, 0),
        example(random, "c", 1_000),
        Watermark(0, 1_000),
        example(random, "c", 1_001),
    ]
    for count, output in enumerate([*said, Watermark(0, 2_000)], start=1):
        learning.feed(0, count, count, encode(output))
    assert [(version.boundary, version.learned) for version in versions_of(learning)] == [
        (0, 0),
        (1_000, 1),
        (2_000, 2),
    ]


@pytest.mark.parametrize(("time", "counts_from"), [(999, 1_000), (1_000, 2_000), (1_001, 2_000)])
def test_a_choice_counts_from_the_first_boundary_after_its_moment(time: int, counts_from: int) -> None:
    # At the moment of a boundary the watermark may have been heard, and the version cut, before the choice comes.
    said: list[Output] = [Watermark(0, 0), Watermark(0, 1_000), Watermark(0, 2_000)]
    said.insert(1 + (time >= 1_000), choice(time, "adagrad"))
    learning = Learning(SETTINGS, 1)
    for count, output in enumerate(said, start=1):
        learning.feed(0, count, count, encode(output))
    names = {version.boundary: version.model["name"] for version in versions_of(learning)}
    assert names == {at: "adagrad" if at >= counts_from else "mixture" for at in (0, 1_000, 2_000)}
    version = learning.version()
    assert version.promotion == Promotion("adagrad", "mixture", counts_from, "operator")
    assert (version.quality["pinned"], version.quality["promotions"]) == (True, 1)


def test_of_several_choices_before_one_boundary_the_last_one_counts_whichever_shard_says_it() -> None:
    for first, second in ((0, 1), (1, 0)):
        learning = Learning(SETTINGS, 2)
        made = {first: choice(300, "adagrad", first), second: choice(700, "mixture", second)}
        for shard in (0, 1):
            for count, output in enumerate([Watermark(shard, 0), made[shard], Watermark(shard, 1_000)], start=1):
                learning.feed(shard, count, count, encode(output))
        newest = versions_of(learning)[-1]
        assert (newest.model["name"], newest.quality["promotions"]) == ("mixture", 2)


def test_a_choice_that_no_shard_of_ours_could_have_said_is_refused_when_it_comes() -> None:
    with pytest.raises(ValueError, match="it chooses 'nobody'; the models are mixture, adagrad"):
        Learning(SETTINGS, 1).feed(0, 0, 1, encode(choice(5, "nobody")))


def test_a_state_of_another_partition_count_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="has 2 shards, the topic 3"):
        Learning(SETTINGS, 3, Learning(SETTINGS, 2).state())


def test_the_first_version_of_all_is_the_priors_word_with_reserve() -> None:
    settings = EngineSettings()
    version = initial_version(settings)
    assert version.boundary == UNTRAINED
    bases = np.ones((2, len(COLUMNS)), dtype=np.float32)
    bases[:, :3] = [2.0, 60.0, 9.0], [90.0, 90.0, 1.0]
    often, silent = scorer_of(version, settings).score(bases).tolist()
    anchor = silent_probability(0.0, 0.0, 90 / 7, 13.0, prior_of(13.0).medians)
    assert silent == pytest.approx(1 / (1 + (1 / anchor - 1) ** 0.6))
    assert often < 0.3 < 0.6 < silent


def test_a_version_of_a_model_of_another_kind_is_refused() -> None:
    version = initial_version(SETTINGS)
    with pytest.raises(SnapshotRefused, match="of kind 'guess', unknown here"):
        scorer_of(msgspec.structs.replace(version, model=version.model | {"kind": "guess"}), SETTINGS)


SCHEMA = schema_of(SETTINGS)
SEALED = seal(straight(examples_of_shards(1))[-1], SCHEMA)


def test_a_sealed_version_comes_back_equal() -> None:
    version = unseal(SEALED, SCHEMA, Version)
    assert version == straight(examples_of_shards(1))[-1]
    assert seal(version, SCHEMA) == SEALED


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_a_version_damaged_at_any_byte_is_refused(flip: int) -> None:
    for at in range(len(SEALED)):
        damaged = bytearray(SEALED)
        damaged[at] ^= flip
        with pytest.raises(SnapshotRefused):
            unseal(bytes(damaged), SCHEMA, Version)


def test_a_version_cut_short_anywhere_is_refused() -> None:
    for length in range(len(SEALED)):
        with pytest.raises(SnapshotRefused):
            unseal(SEALED[:length], SCHEMA, Version)


@settings(max_examples=50)
@given(st.one_of(st.binary(max_size=60), st.recursive(st.none() | st.integers(), st.lists).map(msgspec.json.encode)))
def test_what_is_no_version_is_refused(value: bytes) -> None:
    with pytest.raises(SnapshotRefused):
        unseal(value, SCHEMA, Version)


@pytest.mark.parametrize("name", SETTINGS.deciding())
def test_a_version_of_other_settings_is_refused_whichever_it_is(name: str) -> None:
    others: dict[str, Any] = {
        "alive": "contract",
        "challengers": "",
        "phase": "aligned",
        "enter": 0.7,
        "exit": 0.7,
        "tick": 2_000,
        "boundary": 2_000,
    }
    other = replace(SETTINGS, **{name: others.get(name, 51)})
    assert other.deciding() != SETTINGS.deciding()
    with pytest.raises(SnapshotRefused, match="from another model, feature set or settings"):
        unseal(SEALED, schema_of(other), Version)


def test_what_decides_nothing_is_no_part_of_the_schema() -> None:
    assert schema_of(replace(SETTINGS, piece_items=7)) == SCHEMA


def test_a_sealed_learner_is_not_a_version() -> None:
    with pytest.raises(SnapshotRefused):
        unseal(seal(Learning(SETTINGS, 1).state(), SCHEMA), SCHEMA, Version)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_prequential_quality_equals_direct_computation(labels: list[tuple[float, bool]]) -> None:
    quality = Prequential()
    for predicted, churned in labels:
        quality.add(predicted, churned)
    said = Prequential.from_state(msgspec.json.decode(msgspec.json.encode(quality.state()))).summary()
    assert said == quality.summary()
    assert said["labels"] == len(labels)
    if not labels:
        assert said["log_loss"] is said["auc"] is said["brier"] is None
        return
    clipped = [(min(max(p, 1e-4), 1 - 1e-4), churned) for p, churned in labels]
    assert said["brier"] == pytest.approx(sum((p - y) ** 2 for p, y in clipped) / len(clipped))
    assert said["log_loss"] == pytest.approx(-sum(math.log(p if y else 1 - p) for p, y in clipped) / len(clipped))
    churners, stayers = ([int(p * 100) for p, y in clipped if y == sort] for sort in (True, False))
    if churners and stayers:
        won = sum((a > b) + 0.5 * (a == b) for a in churners for b in stayers)
        assert said["auc"] == pytest.approx(won / len(churners) / len(stayers))
    else:
        assert said["auc"] is None
