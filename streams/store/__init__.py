"""The state store: one port, Redis for work, a fake for tests."""

from streams.store.port import Meta, Outcome, Store, StoreChanges, StoreUnavailable, Write, compared

__all__ = ["Meta", "Outcome", "Store", "StoreChanges", "StoreUnavailable", "Write", "compared"]
