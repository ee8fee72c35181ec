"""A Dockerfile as data, as far as ours goes: comments, continued lines, flags, exec forms."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import PROJECT

DOCKERFILE = PROJECT / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """One instruction. `flags`: what stands before its value, such as {"from": "build"}; the last of a name counts."""

    name: str
    flags: dict[str, str]
    value: str

    def words(self) -> list[str]:
        """The value as a shell would split it."""
        return shlex.split(self.value)

    def exec_form(self) -> list[str]:
        """The value as a JSON array; a HEALTHCHECK's behind its CMD. Raises ValueError for the shell form."""
        found = json.loads(self.value.removeprefix("CMD").strip())
        if not isinstance(found, list):
            raise ValueError(f"{self.name} {self.value}: not the exec form")
        return [str(part) for part in found]

    def pairs(self) -> dict[str, str]:
        """An ENV's, ARG's or LABEL's names and values."""
        return dict(word.partition("=")[::2] for word in self.words())


@dataclass(frozen=True)
class Stage:
    """What follows one FROM. `name` is empty for the last stage."""

    name: str
    base: str
    steps: tuple[Instruction, ...]

    def all(self, name: str) -> list[Instruction]:
        return [step for step in self.steps if step.name == name]

    def one(self, name: str) -> Instruction:
        found = self.all(name)
        assert len(found) == 1, f"{len(found)} {name} in stage {self.name or 'of the image'}"
        return found[0]

    def environment(self) -> dict[str, str]:
        """All ENV of the stage, unexpanded."""
        return {name: value for step in self.all("ENV") for name, value in step.pairs().items()}


def instructions(text: str) -> list[Instruction]:
    """A Dockerfile's instructions in order."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = []
    for line in joined.splitlines():
        name, _, rest = line.partition(" ")
        flags = {}
        while match := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
            flags[match[1]] = match[2]
            rest = rest[match.end() :]
        found.append(Instruction(name, flags, rest.strip()))
    return found


def stages(path: Path = DOCKERFILE) -> list[Stage]:
    """The stages, with the global ARGs put into their bases."""
    known: dict[str, str] = {}
    begun: list[tuple[str, str, list[Instruction]]] = []
    for step in instructions(path.read_text(encoding="utf-8")):
        if step.name == "FROM":
            base, _, name = step.value.partition(" AS ")
            begun.append((name, expanded(base, known), []))
        elif begun:
            begun[-1][2].append(step)
        else:
            known |= step.pairs()
    return [Stage(name, base, tuple(steps)) for name, base, steps in begun]


def expanded(text: str, known: dict[str, str]) -> str:
    """${NAME} replaced by its value; KeyError for a name that is not known."""
    return re.sub(r"\$\{(\w+)\}", lambda match: known[match[1]], text)


def allowed(ignore: Path = PROJECT / ".dockerignore") -> list[str]:
    """The paths that .dockerignore lets into the context; it must begin with refusing everything."""
    rules = [line for line in ignore.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*", f"{ignore.name} does not begin with *: files may get into an image that nobody chose"
    return [rule[1:] for rule in rules if rule.startswith("!")]
