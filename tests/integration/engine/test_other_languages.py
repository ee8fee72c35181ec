"""Programs of other languages publish with their CloudEvents SDK, in both modes; a worker applies what they say."""

from __future__ import annotations

import subprocess

import msgspec
import pytest

from models.outputs import DeadLetter
from tests.support.programs import built
from tests.support.servers import ApacheKafka
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still

pytestmark = [pytest.mark.slow, pytest.mark.network]

CUSTOMERS = 3
"""And as many events, in each program."""


def test_each_language_whose_tools_are_here_is_understood_and_the_others_are_named(
    kafka: ApacheKafka, make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(kafka, **LIVE)
    world.worker()
    commands, missing = built("publish")
    with capsys.disabled():
        print("".join(f"\nnot run: a publisher in {one}" for one in missing))
    assert "python" in commands
    for command in commands.values():
        # The same facts in both modes: they count once.
        for mode in ("structured", "binary"):
            arguments = [kafka.bootstrap_servers, world.config.topic("touchpoints"), mode, "run"]
            done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=240)
            assert (done.returncode, f"3 sent to {arguments[1]}, {mode}" in done.stdout) == (0, True), done
    events = CUSTOMERS * len(commands)

    def totals() -> tuple[int, int, int]:
        found = [body.state.totals for body in world.bodies() if body is not None]
        return sum(t.applied + t.late for t in found), sum(t.duplicate for t in found), sum(t.dead for t in found)

    world.wait(lambda: sum(totals()) >= 2 * events)
    letters = [
        msgspec.json.decode(record.value, type=DeadLetter).reason
        for partition in world.read("deadletters")["deadletters"]
        for record in partition
    ]
    assert (totals(), letters) == ((events, events, 0), [])
    # Who reads the log anew makes the same of it.
    stand_still(world)
    world.check()
