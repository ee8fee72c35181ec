"""Writes docs/contracts/ and the tables of docs/contracts.md; ``--released`` keeps it as what others rely on."""

from __future__ import annotations

import sys

from tests.support.contracts.files import CURRENT, RELEASED, broken, documents
from tests.support.contracts.page import PAGE, page


def main(released: bool) -> int:
    """Write. Breaks with the last release are said, and end with 1."""
    for name, text in documents().items():
        (CURRENT / name).write_text(text, encoding="utf-8")
        if released:
            (RELEASED / name).write_text(text, encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    found = broken()
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


sys.exit(main("--released" in sys.argv[1:]))
