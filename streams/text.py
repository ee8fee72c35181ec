"""Other people's text as it may be shown: in a terminal, in a log file, in an error message.

A customer id, a campaign or a broker's answer may hold any character. Some of them steer a terminal (C0 and C1 control
characters), turn the line round (bidirectional overrides and isolates), can't be seen (zero width) or begin a line of
their own (line separators): shown raw they would make a record look like another, or an operator's terminal do what a
stranger wants.
"""

from __future__ import annotations

import logging
import re

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
