"""Compiles the application with Maven, once for each state of its sources, into `.cache`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from benchmarks.servers import CODE
from tests.support.servers import program

FOLDER: Final = Path(__file__).resolve().parent
POM: Final = FOLDER / "pom.xml"
BUILD_S: Final = 900.0
JAVA, MAVEN = ("java", "install a JDK, 17 or newer"), ("mvn", "install Maven")


class NotBuilt(Exception):
    """Maven could not compile the application, or could not fetch a library."""


def tools() -> None:
    """Raises ProgramMissing (streams.local.processes) where Java or Maven is not installed."""
    program(*JAVA)
    program(*MAVEN)


def digest() -> str:
    """Of all sources: what was made by others is of no use."""
    hashed = hashlib.sha256()
    for source in [POM, *sorted(FOLDER.glob("src/**/*.java"))]:
        hashed.update(source.read_bytes())
    return hashed.hexdigest()[:12]


def built() -> str:
    """The class path of the application. Raises NotBuilt."""
    folder = CODE / ".cache" / f"rival-kafka-streams-{digest()}"
    if not folder.is_dir():
        # Into a folder of this process's own, renamed when complete: a broken build is never seen.
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        command = [program(*MAVEN), "-q", "-B", "-f", str(POM), f"-Dtarget={partial}"]
        command += ["compiler:compile", "dependency:copy-dependencies", f"-DoutputDirectory={partial / 'lib'}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_S)
        if done.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            raise NotBuilt(f"Maven could not build {POM.relative_to(CODE)}:\n{done.stdout}{done.stderr}")
        partial.rename(folder)
    return os.pathsep.join((str(folder / "classes"), str(folder / "lib" / "*")))
