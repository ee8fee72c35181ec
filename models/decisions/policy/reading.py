"""Reads a policy file as a whole, or says all that is wrong with it.

Whether a text is a policy is a function of the text and of this release; within one format it never changes.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

import msgspec

from models.decisions.policy.checks import faults_of_sense
from models.decisions.policy.parts import FORMAT
from models.decisions.policy.structure import Problem, faults_of_form
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown

MOST_BYTES: Final = 48 * 1024
"""Of a policy file."""
MOST_QUOTED: Final = 60 * 1024
"""Of it as JSON, which has a byte more for each quote and end of line: the log takes it as one event."""
MOST_NESTED: Final = 32
"""Tables and lists within one another; beyond, whether a file can be read would depend on the reader's stack."""

NOT_TOML: Final = "not TOML"
"""Value of the problem that Python's reader tells; its words are those of the Python at hand."""

_APART: Final = re.compile(r'"""(?s:.*?)"""|\'\'\'(?s:.*?)\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*')
_BRACKETS: Final = re.compile(r"[\[\]{}]")

# msgspec learns a type's fields when they are first needed, and ends the process where two threads do so at a time.
msgspec.json.Decoder(Policy)


class PolicyUnfit(ValueError):
    """A text is no policy, or one that makes no sense. `problems` has all that is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.words for problem in problems))
        self.problems = problems


class PolicyOfAnotherRelease(PolicyUnfit):
    """A policy that another release may read: its format, or a time zone in it, is not known to this one."""


def read_policy(text: bytes | str) -> Policy:
    """The policy in a file's text.

    Raises:
        PolicyUnfit: it is none.
        PolicyOfAnotherRelease: it is none to this release.
    """
    stated = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(stated) > MOST_BYTES:
        raise _unfit("", f"{len(stated):,} bytes long", f"give at most {MOST_BYTES:,}")
    try:
        plain = stated.decode()
    except UnicodeDecodeError as error:
        raise _unfit("", f"not in UTF-8 from byte {error.start} on", "save it as UTF-8") from error
    if (quoted := len(msgspec.json.encode(plain))) > MOST_QUOTED:
        raise _unfit("", f"{quoted:,} bytes long as JSON, with its quotes", f"give at most {MOST_QUOTED:,}")
    if _nested(plain) > MOST_NESTED:
        raise _unfit("", f"nested deeper than {MOST_NESTED} levels", "give a flatter one")
    try:
        document = tomllib.loads(plain)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _unfit("", NOT_TOML, f"mend what its reader says: {error}") from error
    stated_format = document.get("format")
    if type(stated_format) is int and stated_format > FORMAT:
        newer = Problem("format", shown(stated_format), f"this release reads {FORMAT}: a newer one may read it")
        raise PolicyOfAnotherRelease((newer,))
    if faults := faults_of_form(document):
        raise PolicyUnfit(tuple(faults))
    policy = msgspec.convert(document, Policy)
    faults, zones = faults_of_sense(policy)
    if faults:
        raise PolicyUnfit((*faults, *zones))
    if zones:
        raise PolicyOfAnotherRelease(tuple(zones))
    return policy


def _unfit(key: str, value: str, wanted: str) -> PolicyUnfit:
    return PolicyUnfit((Problem(key, value, wanted),))


def _nested(text: str) -> int:
    """How deep tables and lists lie within one another, as they are written; strings and comments left out."""
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(_APART.sub("", text)):
        depth = max(depth + (1 if bracket[0] in "[{" else -1), 0)
        deepest = max(deepest, depth)
    return deepest
