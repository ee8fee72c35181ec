"""The wheel and the source distribution hold all that they need; the wheel's commands run outside the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.servers import PROJECT

WORKS = (
    (("--version",), "retention"),
    (("policy", "example"), "[choice]"),
    (("completion", "bash"), "_retention"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of both."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def ours(*folders: str) -> set[str]:
    """Files of these folders, but for what git ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split("\0") if name and (PROJECT / name).is_file()}


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(made: Path) -> None:
    [wheel] = made.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == ours("models", "streams")


def test_the_source_distribution_holds_what_a_reader_needs(made: Path) -> None:
    [archive] = made.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    wanted = ours("models", "streams", "docs", "tests", "deploy", "benchmarks")
    assert wanted <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "retention.example.toml"} <= names


@pytest.mark.parametrize(("command", "said"), WORKS, ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_a_command_of_the_wheel_runs_elsewhere(
    made: Path, tmp_path_factory: pytest.TempPathFactory, command: tuple[str, ...], said: str
) -> None:
    place = tmp_path_factory.mktemp("elsewhere")
    with zipfile.ZipFile(next(made.glob("*.whl"))) as wheel:
        wheel.extractall(place)
    # What is unpacked comes before the clone; the libraries are those of this environment.
    environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    where = "import streams.cli; print(streams.cli.__file__)"
    found = subprocess.run([sys.executable, "-c", where], cwd=place, env=environment, capture_output=True, text=True)
    assert found.stdout.startswith(str(place))
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *command], cwd=place, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, said in done.stdout) == (0, True), done
