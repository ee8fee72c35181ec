"""The codecs with which a publisher may compress, checked before kafka-python raises an error without a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kafka.codec import has_gzip, has_lz4, has_snappy, has_zstd

from streams.client.broker import SettingRefused
from streams.kafka_errors import CodecMissing

CODECS: Final[Mapping[str, Callable[[], bool]]] = {
    "gzip": has_gzip,
    "snappy": has_snappy,
    "lz4": has_lz4,
    "zstd": has_zstd,
}
"""Name of each codec of Kafka, and whether its library is installed."""


class CodecRefused(SettingRefused):
    """`compression_type` names no codec of Kafka."""

    remedy = "name one of them, or leave compression_type out: nothing is compressed then"


def refuse_codec(given: Mapping[str, Any]) -> None:
    """Look at `compression_type` among kafka-python's settings. Raises CodecRefused, CodecMissing."""
    codec = given.get("compression_type")
    if codec is None:
        return
    if codec not in CODECS:
        raise CodecRefused(f"compression_type={codec!r}: Kafka's codecs are {', '.join(CODECS)}")
    if not CODECS[codec]():
        raise CodecMissing(f"compression_type={codec!r}: its library is not installed")
