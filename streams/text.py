"""Formatting of numbers, durations, times and foreign text for terminals.

A customer id, a campaign or a broker's answer may hold any character. Some of them steer a terminal (C0 and C1 control
characters), turn the line round (bidirectional overrides and isolates), can't be seen (zero width) or begin a line of
their own (line separators): shown raw they would make a record look like another, or an operator's terminal do what a
stranger wants.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""What Unicode counts as letters, marks or variants, and nobody can see; `str.isprintable` knows all the rest."""

_HIDDEN = re.compile(r"[^ -~]+")


def printable(text: str) -> str:
    r"""One line without what could steer a terminal: such a character is shown by its escape, so that it is still seen
    which one it is. A backslash stays as it is: this is for people, who have `--json` for what is exact.

    >>> printable("c-1\x1b[2J\u202e"), printable("Zoë Größe 東京")
    ('c-1\\x1b[2J\\u202e', 'Zoë Größe 東京')
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escape(c) for c in text)
    return _INVISIBLE.sub(lambda found: _escape(found[0]), text)


def printable_lines(text: str) -> str:
    r"""The same for text of several lines of our own making: line feeds and tabs stay.

    >>> printable_lines("a\n\tb\x9b1m")
    'a\n\tb\\x9b1m'
    """
    return re.sub(r"[^\n\t]+", lambda found: printable(found[0]), text)


def json_text(text: str) -> str:
    r"""JSON text on one line with such characters in JSON's own escapes: it means the same.

    >>> json_text('{"customer": "c-1\x9b\U000e0001"}')
    '{"customer": "c-1\\u009b\\udb40\\udc01"}'
    """
    return _HIDDEN.sub(lambda found: "".join(map(_json_escape, found[0])), text)


def _json_escape(character: str) -> str:
    if character.isprintable() and not _INVISIBLE.match(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _escape(character: str) -> str:
    # Lone surrogates, too, which a terminal's encoding would refuse.
    return character.encode("unicode_escape").decode("ascii")


class PrintableFormatter(logging.Formatter):
    """A log line is one line, whatever was put into it; a traceback below it keeps its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        return printable(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record))


def log_lines(level: str, format: str) -> None:
    """Log to standard error, in plain lines: no colours and no other escape codes, terminal or not."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter(format))
    logging.basicConfig(level=level, handlers=[handler])


def count(number: float | None) -> str:
    """A whole number with thousands marked; a dash when it is not known.

    >>> count(12345.0), count(None)
    ('12,345', '-')
    """
    return "-" if number is None else f"{number:,.0f}"


def compact(number: float | None) -> str:
    """A whole number where there is little room.

    >>> compact(999), compact(14_026), compact(1_234_567)
    ('999', '14k', '1.2M')
    """
    if number is None or number < 10_000:
        return count(number)
    return f"{number / 1e3:.0f}k" if number < 999_500 else f"{number / 1e6:.1f}M"


def duration(seconds: float, top: float = math.inf) -> str:
    """A duration in the unit that suits it; inf is more than `top`.

    >>> duration(0.0042), duration(0.18), duration(2.25), duration(75), duration(math.inf, 3600.0)
    ('4.2 ms', '180 ms', '2.2 s', '75 s', '>60 min')
    """
    if math.isinf(seconds):
        return f">{duration(top)}" if math.isfinite(top) else "-"
    if seconds < 0.01:
        return f"{1000 * seconds:.1f} ms"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:,.0f} min"


def size(number: int) -> str:
    """Bytes as megabytes.

    >>> size(231_000_000)
    '231 MB'
    """
    return f"{number / 1e6:,.0f} MB"


def as_words(name: str) -> str:
    """An identifier as words.

    >>> as_words("at_risk")
    'at risk'
    """
    return name.replace("_", " ")


def quality(summary: Mapping[str, Any]) -> str:
    """Prequential quality of a model version (`Prequential.summary`)."""
    labels = round(summary.get("labels") or 0)
    if not labels:
        return "no label matured yet"
    parts = [f"AUC {summary['auc']:.3f}"] if summary.get("auc") is not None else []
    if summary.get("log_loss") is not None:
        parts.append(f"log-loss {summary['log_loss']:.3f}")
    return f"{', '.join(parts)} over {labels:,} labels"


def moment(ms: float) -> str:
    """Log time, UTC, to the second; a day alone at midnight."""
    text = datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return text.removesuffix(" 00:00:00")
