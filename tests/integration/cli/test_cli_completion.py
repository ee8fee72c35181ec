"""`retention completion`: the scripts, and what a shell gets through them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from streams.cli.main import COMMANDS
from streams.config import Config
from streams.errors import ExitCode
from tests.integration.cli.conftest import run

ROOT = Path(__file__).resolve().parents[3]
SHELLS = ["bash", "zsh", "fish"]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """`retention` as an installation has it."""
    path, main = tmp_path / "bin" / "retention", tmp_path / "lib" / "retention"
    for folder in (path.parent, main.parent):
        folder.mkdir()
    main.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom streams.cli import main\nmain()\n")
    # Of a shell: a first line that names the interpreter ends at a blank in its path.
    path.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(main)])} "$@"\n')
    path.chmod(0o755)
    return path


def completed(program: Path, words: list[str]) -> list[str]:
    """What zsh is told for a line whose last word is under way: type, value and help by turns."""
    environment = {**os.environ, "_RETENTION_COMPLETE": "zsh_complete"}
    environment |= {"COMP_WORDS": " ".join(["retention", *words]), "COMP_CWORD": str(len(words))}
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[1::3]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_script(shell: str) -> None:
    told = run("completion", shell)
    assert told.exit_code == 0
    assert f"_RETENTION_COMPLETE={shell}_complete" in told.stdout
    assert told.stderr == ""


def test_another_shell_is_a_usage_error_that_names_those_there_are() -> None:
    told = run("completion", "tcsh")
    assert told.exit_code == ExitCode.USAGE
    assert all(shell in told.stderr for shell in SHELLS)


@pytest.mark.skipif(shutil.which("bash") is None, reason="not run: completion in bash; bash is not on the PATH")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["wor"], ["worker"]),
        (["topics", ""], ["create", "describe", "retain"]),
        (["topics", "create", "--mode", ""], ["live", "replay"]),
        (["worker", "--log-level", "W"], ["WARNING"]),
        (["worker", "--log-level", "w"], ["WARNING"]),
        (["tail", ""], ["triggers", "decisions", "deadletters", "examples", "rekey-deadletters"]),
        (["doctor", "--redis-cluster", ""], ["true", "false"]),
        (["config", "redis_"], [name for name in Config.model_fields if name.startswith("redis_")]),
        (["completion", "f"], ["fish"]),
        (["replay", "cd"], ["cdnow"]),
    ],
    ids=" ".join,
)
def test_bash_completes_commands_options_and_closed_values(program: Path, words: list[str], offered: list[str]) -> None:
    program.with_name("script").write_text(run("completion", "bash").stdout)
    line = " ".join(f"'{word}'" for word in ["retention", *words])
    script = f"""
        source {program.with_name("script")}
        COMP_WORDS=({line}); COMP_CWORD={len(words)}
        complete -p retention >/dev/null || exit 9
        _retention_completion retention
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{program.parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(offered), done.stderr


def test_every_command_is_offered_with_its_help(program: Path) -> None:
    assert set(completed(program, [""])) == set(COMMANDS)


def test_every_option_of_a_setting_with_closed_values_offers_them(program: Path) -> None:
    assert completed(program, ["worker", "--mode", ""]) == ["live", "replay"]
    assert completed(program, ["worker", "--log-level", ""]) == ["DEBUG", "INFO", "WARNING", "ERROR"]
    assert set(Config.model_fields) == set(completed(program, ["config", ""]))
