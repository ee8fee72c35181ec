"""Partitioner: which partition a customer id belongs to.

Kafka's Java client, kafka-python and aiokafka send a record with a key to partition ``toPositive(murmur2(key)) % n``
(``org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey``). librdkafka does the same only with
``partitioner=murmur2_random``. The engine computes it again so that a record that a differently configured producer put
elsewhere is found before it makes a second record of the same customer.
"""

from __future__ import annotations

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 of `data` with Kafka's seed, as an unsigned number.

    Java shows the same bits as a signed int.

    >>> murmur2(b"foobar") - 2**32
    -790332482
    """
    length = len(data)
    body = length & ~3
    h = _SEED ^ length
    for at in range(0, body, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if body != length:
        h = (h ^ int.from_bytes(data[body:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(customer: bytes | str, partitions: int) -> int:
    """Return the partition, 0 to `partitions` - 1, to which Kafka's default partitioner sends this customer's records.

    A customer id given as text is hashed as UTF-8. Raises ValueError when `partitions` is below 1.
    """
    if partitions < 1:
        raise ValueError(f"partitions is {partitions}; give the topic's partition count, at least 1")
    key = customer.encode() if isinstance(customer, str) else customer
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def misplaced(customer: str, key: bytes | None, partition: int, partitions: int) -> str | None:
    """Say why a record does not belong in this partition; None when it does.

    To be asked when a customer's record is created (afterwards the record itself shows that the customer lives here).
    Both faults, a key that is not the subject and a partitioner other than murmur2, are `wrong_partition` to the
    publisher.
    """
    subject = customer.encode()
    if key != subject:
        shown = "absent" if key is None else repr(key[:64])
        return f"key is {shown}, subject is {subject[:64]!r}; give the subject as the record's key, in UTF-8"
    home = partition_of(subject, partitions)
    if home != partition:
        return (
            f"partition is {partition}, but the key belongs in {home} of {partitions}; use Kafka's default partitioner "
            "(in librdkafka: partitioner=murmur2_random)"
        )
    return None
