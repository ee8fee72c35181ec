"""Builds docs/examples/publish for each language whose tools are here, once for each state of its sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.servers import PROJECT, program

FOLDER: Final = PROJECT / "docs" / "examples" / "publish"
BUILD_S: Final = 600.0
MADE: Final = ("node_modules", "target", "__pycache__")


def python(_: Path) -> list[str]:
    return [sys.executable, str(FOLDER / "python" / "publish.py")]


def node(built: Path) -> list[str]:
    npm, binary = program("npm", "install Node.js"), program("node", "install Node.js")
    _build(built, lambda _: [npm, "install", "--no-package-lock", "--no-audit", "--no-fund"])
    return [binary, str(built / "publish.js")]


def go(built: Path) -> list[str]:
    binary = program("go", "install Go")
    _build(built, lambda there: [binary, "build", "-C", str(there), "-o", "publish", "."])
    return [str(built / "publish")]


def java(built: Path) -> list[str]:
    maven, binary = program("mvn", "install Maven"), program("java", "install a JDK, 17 or newer")
    goals = ["compiler:compile", "dependency:copy-dependencies"]
    _build(
        built,
        lambda there: [maven, "-q", "-B", "-f", str(there / "pom.xml"), f"-Dtarget={there / 'target'}", *goals],
    )
    classes = os.pathsep.join((str(built / "target" / "classes"), str(built / "target" / "dependency" / "*")))
    return [binary, "-cp", classes, "shop.Publish"]


LANGUAGES: Final[dict[str, Callable[[Path], list[str]]]] = {"python": python, "node": node, "go": go, "java": java}


def publisher(language: str) -> list[str]:
    """The command that publishes. Raises ProgramMissing where the language's tools are not installed."""
    sources = [path for path in sorted((FOLDER / language).rglob("*")) if path.is_file() and not _made(path)]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    return LANGUAGES[language](PROJECT / ".cache" / f"publish-{language}-{digest}")


def _made(path: Path) -> bool:
    return any(part in MADE for part in path.parts)


def _build(built: Path, command: Callable[[Path], list[str]]) -> None:
    """Copy the sources and build them there, in a folder that gets its name once it is complete."""
    if built.is_dir():
        return
    partial = built.with_name(f"{built.name}.{os.getpid()}")
    shutil.copytree(FOLDER / built.name.split("-")[1], partial, ignore=shutil.ignore_patterns(*MADE))
    done = subprocess.run(command(partial), cwd=partial, capture_output=True, text=True, check=False, timeout=BUILD_S)
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise AssertionError(f"the publisher could not be built:\n{done.stdout}{done.stderr}")
    try:
        partial.rename(built)
    except OSError:  # another process was faster
        shutil.rmtree(partial, ignore_errors=True)
