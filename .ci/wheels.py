#!/usr/bin/env python3
"""Does every package of a lock come as a wheel, on each machine and Python that the project names?

A package without one is built from source: the first command then needs a compiler, and takes minutes. `make lock` ends
with this. Only the standard library, so that it needs no environment; uv looks into the index it is configured for.

    python3 .ci/wheels.py [--uv PATH] requirements-dev.lock
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux ARM": "aarch64-manylinux_2_28",
    "macOS ARM": "aarch64-apple-darwin",
}
"""By name, what uv calls them. glibc 2.28 is that of Debian 10 and RHEL 8; all supported systems have a newer one."""

WITHOUT = {
    ("faust-streaming", "Linux ARM"): "its source installs as plain Python where there is no compiler",
}
"""Looked at, and lived with."""

REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*])?==[^\\\n]*", re.MULTILINE)


def main() -> int:
    """The exit code: 0 when nothing but WITHOUT lacks a wheel."""
    parser = argparse.ArgumentParser(description="Say which packages of a lock have no wheel, and where.")
    parser.add_argument("lock", type=Path)
    parser.add_argument("--uv", default="uv", help="the uv program")
    args = parser.parse_args()
    lines = {found[1]: found[0].strip() for found in REQUIREMENT.finditer(args.lock.read_text(encoding="utf-8"))}
    missing: dict[tuple[str, str], list[str]] = {}
    for platform, target in PLATFORMS.items():
        known = [package for package in lines if (package, platform) in WITHOUT]
        others = [package for package in lines if package not in known]
        for python in PYTHONS:
            for package in (
                *lacking(args.uv, lines, known, python, target),
                *lacking(args.uv, lines, others, python, target),
            ):
                missing.setdefault((package, platform), []).append(python)
    for (package, platform), pythons in missing.items():
        why = WITHOUT.get((package, platform), "NOT EXPECTED")
        print(f"no wheel: {lines[package]} on {platform}, Python {', '.join(pythons)}: {why}")
    for package, platform in WITHOUT.keys() - missing.keys():
        print(f"{package} has wheels on {platform} now: take it out of WITHOUT in {Path(__file__).name}")
    where = f"{', '.join(PLATFORMS)}, Python {', '.join(PYTHONS)}"
    print(f"looked for wheels of the {len(lines)} packages in {args.lock.name} on {where}")
    return int(missing.keys() != WITHOUT.keys())


def lacking(uv: str, lines: dict[str, str], packages: list[str], python: str, target: str) -> list[str]:
    """Those of the packages that have no wheel there: asked for together, and in halves where uv refuses."""
    if not packages or obtainable(uv, [lines[package] for package in packages], python, target):
        return []
    if len(packages) == 1:
        return packages
    half = len(packages) // 2
    first, second = packages[:half], packages[half:]
    return lacking(uv, lines, first, python, target) + lacking(uv, lines, second, python, target)


def obtainable(uv: str, requirements: list[str], python: str, target: str) -> bool:
    """Whether uv finds wheels for all of them.

    Raises:
        SystemExit: it could not look: no network, say.
    """
    command = [uv, "pip", "compile", "-", "--quiet", "--no-deps", "--no-header", "--only-binary", ":all:"]
    command += ["--python-version", python, "--python-platform", target]
    done = subprocess.run(command, input="\n".join(requirements), capture_output=True, text=True, check=False)
    if done.returncode and "No solution found" not in done.stderr:
        sys.exit(f"uv could not look for wheels:\n{done.stderr}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
