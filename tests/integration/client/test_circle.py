"""docs/examples/circle.py: a shop, the engine, a messaging service and a mailbox, as a reader would run them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.support.servers import PROJECT

WAIT_S = 300.0

pytestmark = pytest.mark.slow


def test_who_orders_and_falls_silent_is_written_to_and_their_answer_reaches_the_engine(
    kernels: None, tmp_path: Path
) -> None:
    command = [sys.executable, str(PROJECT / "docs" / "examples" / "circle.py")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    said = tmp_path / "said"
    with said.open("wb") as out:
        circle = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=out, stderr=out)
    try:

        def wait(pattern: str) -> list[str]:
            until = time.monotonic() + WAIT_S
            while not (found := re.findall(pattern, said.read_text())):
                assert time.monotonic() < until, said.read_text()
                assert circle.poll() is None, said.read_text()
                time.sleep(0.2)
            return found

        [link, *_] = wait(r"http://\S+/a/[0-9a-f]+\.[0-9a-f]+\n")
        with urlopen(Request(link.strip(), data=b"")) as page:
            assert b"It is yours" in page.read()
        settings = dict(wait(r"export (RETENTION_\w+)=(\S+)"))
        assert settings.keys() == {"RETENTION_CONFIG"}
        [customer, *_] = wait(r"mail to (\w+)@")
        told = subprocess.run(
            [sys.executable, "-m", "streams.cli", "customer", customer],
            env={**environment, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert told.returncode == 0, told.stderr
        assert f"customer: {customer}" in told.stdout
        circle.send_signal(signal.SIGINT)
        assert circle.wait(180) == 0
    finally:
        circle.kill()
        circle.wait()
    assert "Traceback" not in said.read_text()
