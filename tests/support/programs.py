"""Builds the examples of other languages whose tools are here, once for each state of their sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from streams.local.processes import ProgramMissing
from tests.support.servers import PROJECT, program

EXAMPLES: Final = PROJECT / "docs" / "examples"
BUILD_S: Final = 600.0
MADE: Final = ("node_modules", "target", "__pycache__")


def python(source: Path, _: Path) -> list[str]:
    return [sys.executable, str(source / f"{source.parent.name}.py")]


def node(source: Path, built: Path) -> list[str]:
    npm, binary = program("npm", "install Node.js"), program("node", "install Node.js")
    _build(source, built, lambda _: [npm, "install", "--no-package-lock", "--no-audit", "--no-fund"])
    return [binary, str(built / f"{source.parent.name}.js")]


def go(source: Path, built: Path) -> list[str]:
    binary = program("go", "install Go")
    _build(source, built, lambda there: [binary, "build", "-C", str(there), "-o", "program", "."])
    return [str(built / "program")]


def java(source: Path, built: Path) -> list[str]:
    maven, binary = program("mvn", "install Maven"), program("java", "install a JDK, 17 or newer")
    program("javac", "install a JDK, not only what runs Java")
    goals = ["compiler:compile", "dependency:copy-dependencies"]
    _build(
        source,
        built,
        lambda there: [maven, "-q", "-B", "-f", str(there / "pom.xml"), f"-Dtarget={there / 'target'}", *goals],
    )
    classes = os.pathsep.join((str(built / "target" / "classes"), str(built / "target" / "dependency" / "*")))
    return [binary, "-cp", classes, f"shop.{source.parent.name.capitalize()}"]


LANGUAGES: Final[dict[str, Callable[[Path, Path], list[str]]]] = {
    "python": python,
    "node": node,
    "go": go,
    "java": java,
}


def built(example: str) -> tuple[dict[str, list[str]], list[str]]:
    """The command of an example's program in each language whose tools are here; and the other languages, with why."""
    commands, missing = {}, []
    for language, build in LANGUAGES.items():
        source = EXAMPLES / example / language
        if not source.is_dir():
            continue
        files = [path for path in sorted(source.rglob("*")) if path.is_file() and not _made(path)]
        parts = (path.read_bytes() for path in [*files, Path(__file__)])  # built otherwise, it is another
        digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
        try:
            commands[language] = build(source, PROJECT / ".cache" / f"{example}-{language}-{digest}")
        except ProgramMissing as error:
            missing.append(f"{language} ({error})")
    return commands, missing


def _made(path: Path) -> bool:
    return any(part in MADE for part in path.parts)


def _build(source: Path, built: Path, command: Callable[[Path], list[str]]) -> None:
    """Copy the sources and build them there, in a folder that gets its name once it is complete."""
    if built.is_dir():
        return
    partial = built.with_name(f"{built.name}.{os.getpid()}")
    shutil.copytree(source, partial, ignore=shutil.ignore_patterns(*MADE))
    done = subprocess.run(command(partial), cwd=partial, capture_output=True, text=True, check=False, timeout=BUILD_S)
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise AssertionError(f"{source.relative_to(PROJECT)} could not be built:\n{done.stdout}{done.stderr}")
    try:
        partial.rename(built)
    except OSError:  # another process was faster
        shutil.rmtree(partial, ignore_errors=True)
