"""An operator promotes a model while the engine runs: the next version bears its name, and the log tells it again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented
from tests.support.logs import chosen
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still
from tests.support.world_logs import lengths, split, tape_log

BY_NAME = frozenset(["models", "groups", "drifts"])
"""Fields of the answer that hold data by name."""
Retention = Callable[..., Result]


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch) -> Callable[[World], Retention]:
    """`retention` with the settings of a world."""

    def of(world: World) -> Retention:
        monkeypatch.setenv("RETENTION_CONFIG", "")
        for name in ("bootstrap_servers", "redis_url", "app", "topic_prefix"):
            monkeypatch.setenv(f"RETENTION_{name.upper()}", str(world.settings[name]))
        return lambda *arguments: CliRunner().invoke(main, list(arguments))

    return of


def champions(world: World) -> list[str]:
    """Those of the versions that stand in the store, oldest first."""
    return [version.model["name"] for _, version in sorted(world.versions().items())]


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert undocumented("models", found, BY_NAME) == []
    return found


def promotions(world: World, shard: int) -> list[str]:
    """What a shard has written down of them."""
    decisions = [json.loads(record.value) for record in world.read("decisions")["decisions"][shard]]
    return [decision["champion"] for decision in decisions if "champion" in decision]


@pytest.mark.slow
def test_a_model_that_is_promoted_live_decides_from_the_next_version_on_and_the_log_tells_it_again(
    kafka: ApacheKafka, make_world: MakeWorld, retention: Callable[[World], Retention]
) -> None:
    world = make_world(kafka, **LIVE)
    run = retention(world)
    before = run("models")
    assert before.exit_code == ExitCode.FAILURE
    assert "has no shards" in before.stderr
    world.worker()
    world.wait(lambda: bool(world.versions()))
    assert told(run("models", "--json"))["champion"] == "mixture"

    refused = run("models", "promote", "nobody")
    assert refused.exit_code == ExitCode.USAGE
    assert "there is no model 'nobody'; those that learn are mixture, adagrad" in refused.stderr
    # One that comes in past the command line: a dead letter, and nobody stands still.
    now = int(time.time() * 1000)
    world.produce([[(None, chosen(now, "nobody"), now)], [], []])
    written = told(run("models", "promote", "adagrad", "--by", "ada", "--json"))
    assert (written["model"], written["pinned"], written["partition"]) == ("adagrad", True, 0)
    world.wait(lambda: champions(world)[-1] == "adagrad")
    shown = told(run("models", "--json"))
    assert (shown["champion"], shown["pinned"], shown["promotions"]) == ("adagrad", True, 1)
    assert "adagrad" in run("models").stdout
    world.wait(lambda: promotions(world, 0) == promotions(world, 1) == promotions(world, 2) == ["adagrad"])
    assert "evidence decides" in run("models", "unpin").stdout
    world.wait(lambda: told(run("models", "--json"))["pinned"] is False)

    stand_still(world)
    expected = world.check()
    assert [shard.state.totals.choices for shard in expected.shards] == [2, 0, 0]
    letters = [json.loads(record.value) for record in world.read("deadletters")["deadletters"][0]]
    assert [letter["code"] for letter in letters] == ["unknown_model"]


@pytest.mark.slow
def test_a_choice_within_a_replay_bears_the_logs_own_time(
    kafka: ApacheKafka, make_world: MakeWorld, retention: Callable[[World], Retention]
) -> None:
    world = make_world(kafka)
    run = retention(world)
    before, after = split(tape_log(seed=17, customers=60), 0.5)
    world.produce(before)
    world.worker()
    world.wait(lambda: world.done(lengths(before)))
    body = world.body(0)
    assert body is not None
    written = told(run("models", "promote", "adagrad", "--json"))
    assert written["time"] == body.state.time, "else all that is to come would be late"
    world.produce(after)
    ends = [a + b for a, b in zip(lengths(before), lengths(after), strict=True)]
    ends[0] += 1
    world.wait(lambda: world.done(ends))
    assert world.stop() == [ExitCode.OK]
    assert champions(world)[-1] == "adagrad"
    expected = world.check()
    assert {version.model["name"] for version in expected.versions.values()} == {"mixture", "adagrad"}
    assert promotions(world, 0) == promotions(world, 1) == promotions(world, 2) == ["adagrad"]
