"""Which release of this package is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Its version, in words where there is none."""
    try:
        return version("retention-engine")
    except PackageNotFoundError:
        return "not installed"
