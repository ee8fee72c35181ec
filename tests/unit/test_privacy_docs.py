"""What is written about erasure is what the commands say."""

from __future__ import annotations

import re

from streams.operations.access.places import PLACES
from tests.support.privacy_docs import DOCS, current

OTHERS = [DOCS.parent / name for name in ("people.md", "security.md", "operations.md")]


def test_the_table_of_places_is_that_of_the_commands() -> None:
    assert DOCS.read_text(encoding="utf-8") == current(), "write it anew: python -m tests.support.privacy_docs"


def test_no_other_page_has_a_table_of_places_of_its_own() -> None:
    for page in OTHERS:
        text = page.read_text(encoding="utf-8")
        assert "privacy.md#erasure" in text, page.name
        assert not [place.where[0] for place in PLACES if re.search(rf"^\| `?{place.where[0]}`? \|.*until", text, re.M)]
