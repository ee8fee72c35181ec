"""Mapping files: what people have already (track calls, orders, change records) becomes touchpoints."""

from streams.operations.mapping.reading import Mapping, MappingRefused, read_mapping
from streams.operations.mapping.rows import Mapped

__all__ = ["Mapped", "Mapping", "MappingRefused", "read_mapping"]
