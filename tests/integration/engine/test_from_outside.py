"""What comes from outside while a worker runs: refusals of a list, other senders, a preview; the log says it again."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from models.timeline.partitioning import partition_of
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented
from tests.support.logs import touchpoint
from tests.support.servers import ApacheKafka
from tests.support.world import Raw, World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still, triggers
from tests.unit.models.engine.test_life_of_a_moment import POLICY

TEXT = re.sub(
    r"\[(moment\.risk|action\.offer)\]\n(?:[^\[].*\n)*",
    "",
    POLICY.replace('quiet_hours = { start = "21:00", end = "08:00" }\n', ""),
)
"""At any hour, and without a risk moment: silence of seconds is long here."""


def told(world: World, *said: tuple[str, str, dict[str, Any]]) -> None:
    """Touchpoints, now: (customer, type, data)."""
    now = int(time.time() * 1000)
    log: list[list[Raw]] = [[] for _ in range(world.config.partitions)]
    for customer, kind, data in said:
        value = touchpoint(kind, customer, now, data)
        log[partition_of(customer, len(log))].append((customer.encode(), value, now))
    world.produce(log)


def answer(done: subprocess.CompletedProcess[str], section: str, data: frozenset[str] = frozenset()) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    assert undocumented(section, found, data) == []
    return found


@pytest.mark.slow
def test_refusals_reservations_and_previews_while_a_worker_runs(
    kafka: ApacheKafka, make_world: MakeWorld, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = make_world(kafka, **LIVE, metrics_port=port)
    policy, refusals = tmp_path / "policy.toml", tmp_path / "refusals.csv"
    policy.write_text(TEXT, encoding="utf-8")
    refusals.write_text("customer\nben\nnever-seen\n")
    world.worker()
    world.wait(lambda: all(world.bodies()))
    applied = world.command("policy", "apply", str(policy), "--by", "ada", "--reason", "a try", "--wait", "60")
    assert applied.returncode == 0, applied.stderr
    agreed = {"marketing": True, "channels": ["email"]}
    told(
        world,
        *((name, "purchase", {"amount": 5}) for name in ("anna", "ben", "tester")),
        *((name, "consent_changed", agreed) for name in ("anna", "tester")),
        ("tester", "restricted", {"reason": "test"}),
    )

    # A list of refusals, whether its customers are known or not; twice is once.
    told_by = ("--by", "ada", "--reason", "robinson list of May")
    listed = ("suppress", "--file", str(refusals), "--channel", "email")
    before = world.command(*listed, "--check", "--json")
    assert before.returncode == ExitCode.FAILURE
    for _ in range(2):
        sent = world.command(*listed, *told_by, "--json")
        assert sent.returncode == 0, sent.stderr
        assert answer(sent, "suppress", frozenset({"delivery"}))["delivery"]["sent"] == 2
    world.wait(lambda: world.command(*listed, "--check").returncode == 0)
    stands = answer(world.command(*listed, "--check", "--json"), "suppress")
    assert (stands["refused"], stands["not_yet"], stands["open_again"]) == (2, 0, 0)

    # Of six senders who ask at one time for the last contact one gets it.
    question = {"customer": "anna", "purpose": "marketing", "channel": "email", "reserve": True}

    def ask(number: int) -> dict[str, Any]:
        body = json.dumps({**question, "by": f"sender {number}"}).encode()
        with urlopen(Request(f"http://127.0.0.1:{port}/may-contact", data=body), timeout=30) as response:
            found: dict[str, Any] = json.loads(response.read())
        return found

    with ThreadPoolExecutor(6) as senders:
        answers = list(senders.map(ask, range(6)))
    assert sorted(one["allowed"] for one in answers) == [False] * 5 + [True]
    assert all(undocumented("may-contact", one) == [] for one in answers)
    assert {gate["gate"] for one in answers for gate in one["gates"]} == {"cap"}
    refused = world.command("may-contact", "ben", "--purpose", "marketing", "--channel", "email")
    assert refused.returncode == ExitCode.FAILURE
    assert "refused_channel" in refused.stdout

    # A preview goes to the test customer, and to nobody else.
    wrong = world.command("preview", "basket", "--as", "tester", "--to", "anna")
    assert wrong.returncode == ExitCode.USAGE
    assert "who is no test customer" in wrong.stderr
    held = world.command("preview", "basket", "--as", "anna", "--to", "tester", "--json")
    assert held.returncode == ExitCode.FAILURE
    assert answer(held, "preview")["held_by"] == "cap"
    shown = world.command("preview", "basket", "--as", "anna", "--to", "tester", "--now", "--json")
    assert shown.returncode == 0, shown.stderr
    trigger = answer(shown, "preview")["trigger"]
    world.wait(lambda: b"tester" in triggers(world))
    [got] = triggers(world)[b"tester"]
    assert (got.id, got.test, got.action) == (trigger, True, "basket")
    assert b"anna" not in triggers(world)

    stand_still(world)
    world.check()
    for command in (("verify",), ("audit",)):
        done = world.command(*command)
        assert done.returncode == 0, done.stdout + done.stderr
