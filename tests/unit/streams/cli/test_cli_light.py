"""What is asked for in a shell's prompt must not load the engine: seconds of imports for a page of help."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("faust", "river", "numba", "scipy", "matplotlib")


def test_the_help_of_every_command_loads_nothing_heavy() -> None:
    program = (
        "import sys; from streams.cli.main import COMMANDS, main\n"
        "for name in COMMANDS: assert main.get_command(None, name) is not None\n"
        f"print(*(name for name in {HEAVY} if name in sys.modules))"
    )
    outcome = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, check=True)
    assert outcome.stdout.split() == []


def test_who_scores_by_the_main_model_loads_no_other() -> None:
    program = (
        "import sys; import models.churn, streams.operations.pyramid\n"
        "print(*(name for name in ('pandas', 'scipy.stats', 'sklearn') if name in sys.modules))"
    )
    outcome = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, check=True)
    assert outcome.stdout.split() == []
