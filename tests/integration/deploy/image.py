"""The Dockerfile carried out by hand, without an engine: every step is read from it, so that it can't drift from this.

Both stages are built below one folder: paths of the image become paths in there, which is all that is changed. COPY and
RUN are done as an engine would do them; the user is not created (that would change this machine) but its number is
used, which only root can do: anybody else runs the image as themselves, and that is not root either.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streams.local.processes import ProgramMissing
from tests.support.servers import PROJECT
from tests.unit.deploy.dockerfile import Instruction, allowed, expanded, stages

PLACES = ("/opt/retention", "/src", "/wheels", "/var/cache/retention", "/etc/retention", "/usr/local/bin", "/tmp")
"""Paths of the image that the Dockerfile writes to or reads from."""

_PLACE = re.compile(rf"(?<![\w./}}])(?:{'|'.join(PLACES)})(?![\w-])")
STEP_TIMEOUT_S = 900
ROOT = os.geteuid() == 0


@dataclass
class Image:
    """What an engine would have made. `folder` stands for the image's root."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    directory: Path = Path("/")
    user: int = 0
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def here(self, text: str) -> str:
        """A text of the Dockerfile with its paths put below the folder."""
        return _PLACE.sub(lambda match: f"{self.folder}{match[0]}", text)

    def start(
        self, command: list[str], settings: Mapping[str, str], log: Path, before: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """Run a command of the image in a process as an engine would: its user, environment and folder alone.

        `before`: a program that runs it, found on this machine's path; it drops root's rights itself.
        """
        user = self.user if ROOT and not before else None
        with log.open("ab") as output:
            return subprocess.Popen(
                [*before, *command],
                env={**self.environment, **settings},
                cwd=self.directory,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )


def build(folder: Path) -> Image:
    """Carry out the Dockerfile below `folder`, which the image's user must be able to reach."""
    first, last = stages()
    user = int(last.one("USER").value.partition(":")[0])
    machine = _base(folder, _interpreter(user))
    building = Image(folder, {**_inherited(), **machine})
    for step in first.steps:
        _carry_out(building, step)
    image = Image(folder, dict(machine), user=user if ROOT else os.geteuid())
    for step in last.steps:
        # The user is created by the engine alone, see above.
        if step.name != "RUN":
            _carry_out(image, step)
    return image


def _carry_out(image: Image, step: Instruction) -> None:
    match step.name:
        case "ENV":
            for name, value in step.pairs().items():
                image.environment[name] = expanded(image.here(value), image.environment)
        case "WORKDIR":
            image.directory = image.folder / step.value.removeprefix("/")
            image.directory.mkdir(parents=True, exist_ok=True)
        case "COPY":
            _copy(image, step)
        case "RUN":
            _run(image, step)
        case "ENTRYPOINT":
            image.entrypoint = step.exec_form()
        case "CMD":
            image.command = step.exec_form()
        case "HEALTHCHECK":
            image.health = step.exec_form()


def _copy(image: Image, step: Instruction) -> None:
    *sources, target = step.words()
    place = Path(image.here(target)) if target.startswith("/") else image.directory / target
    if "from" not in step.flags:
        for source in sources:
            assert source in allowed(), f".dockerignore keeps {source} out of the context"
            goal = place / source if target.endswith("/") else place
            goal.parent.mkdir(parents=True, exist_ok=True)
            if (PROJECT / source).is_dir():
                shutil.copytree(PROJECT / source, goal, ignore=shutil.ignore_patterns("__pycache__", "*.py[cod]"))
            else:
                shutil.copy(PROJECT / source, goal)
            if mode := step.flags.get("chmod"):
                goal.chmod(int(mode, 8))
    # Between stages only paths that stay the same are copied (tests/unit/deploy/test_dockerfile.py).
    assert place.exists(), target
    if ROOT and (owner := step.flags.get("chown")):
        user, group = map(int, owner.split(":"))
        for path in (place, *place.rglob("*")):
            os.chown(path, user, group)


def _run(image: Image, step: Instruction) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", image.here(step.value)],
        env=image.environment,
        cwd=image.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=STEP_TIMEOUT_S,
    )
    assert done.returncode == 0, f"RUN {step.value}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def _inherited() -> dict[str, str]:
    """What a build needs of this machine: how pip reaches its registry, and pip's cache."""
    return {
        name: value
        for name, value in os.environ.items()
        if name == "HOME" or name.startswith(("PIP_", "SSL_", "REQUESTS_")) or name.lower().endswith("_proxy")
    }


def _base(folder: Path, interpreter: str) -> dict[str, str]:
    """The base image's part: `python` on the path, and a /tmp for everybody."""
    for place in ("base", "usr/local/bin", "tmp"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / "tmp").chmod(0o1777)
    program = folder / "base" / "python"
    program.write_text(f'#!/bin/sh\nexec {interpreter} "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join((str(folder / "base"), str(folder / "usr/local/bin"), os.defpath))
    return {"PATH": path, "TMPDIR": str(folder / "tmp")}


def _interpreter(user: int) -> str:
    """A Python of this version that the image's user can run: root's own may lie in a folder of root's."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    found = (str(Path(sys.base_prefix) / "bin" / version), f"/usr/local/bin/{version}", f"/usr/bin/{version}")
    identity = user if ROOT else None
    for candidate in found:
        try:
            done = subprocess.run(
                [candidate, "-c", "import ensurepip, venv"], check=False, cwd="/", user=identity, group=identity
            )
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    raise ProgramMissing(
        f"no {version} with its venv module that user {user} can run (looked for {', '.join(found)}); install "
        f"Debian's python3-venv, or run the tests as a user who is not root"
    )
