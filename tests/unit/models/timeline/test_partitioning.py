"""Customers are placed as Kafka's default partitioner places them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as reference

from models.timeline.partitioning import misplaced, murmur2, partition_of


# org.apache.kafka.common.utils.UtilsTest.testMurmur2 (signed there)
@pytest.mark.parametrize(
    ("data", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_the_values_of_kafkas_own_test(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % 2**32


@given(st.binary(max_size=70))
def test_murmur2_equals_that_of_kafka_python_for_any_bytes(data: bytes) -> None:
    assert murmur2(data) == reference(data)


@given(st.text(min_size=1, max_size=128), st.integers(1, 1000))
def test_a_customers_partition_is_that_of_the_default_partitioner(customer: str, partitions: int) -> None:
    key = customer.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()
    assert partition_of(key, partitions) == (reference(key) & 0x7FFFFFFF) % partitions
    assert partition_of(key.decode(), partitions) == partition_of(key, partitions)


@pytest.mark.parametrize("partitions", [0, -1])
def test_a_topic_without_partitions_is_refused(partitions: int) -> None:
    with pytest.raises(ValueError, match="partition count, at least 1"):
        partition_of("c-1", partitions)


def test_a_record_in_its_own_partition_is_not_misplaced() -> None:
    home = partition_of("Zoë", 8)
    assert misplaced("Zoë", "Zoë".encode(), home, 8) is None


@pytest.mark.parametrize("key", [None, b"", b"c-2", b"\xff"])
def test_a_key_other_than_the_subject_is_misplaced_and_the_reason_names_both(key: bytes | None) -> None:
    reason = misplaced("c-1", key, partition_of("c-1", 8), 8)
    assert reason is not None
    assert "'c-1'" in reason
    assert "give the subject as the record's key" in reason


def test_a_record_placed_by_another_partitioner_is_misplaced_and_the_reason_names_the_setting() -> None:
    home = partition_of("c-1", 8)
    reason = misplaced("c-1", b"c-1", (home + 1) % 8, 8)
    assert reason is not None
    assert f"belongs in {home} of 8" in reason
    assert "murmur2_random" in reason
