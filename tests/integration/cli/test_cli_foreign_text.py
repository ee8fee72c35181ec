"""Ids that hold control characters, bidirectional overrides and the like, through every command that shows ids."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import msgspec
import pytest

from models.outputs import DeadLetter, Decision, Position, Reason, Trigger, encode
from streams.errors import ExitCode
from streams.local.embedded import EmbeddedBroker
from streams.text import printable, printable_lines
from tests.integration.cli.conftest import run
from tests.integration.cli.outputs import NOON, write

NASTY = "a\x9b31mred\x1b[2J\u202e\u2066\u200b\u2028\nc-2  erased"
SHOWN = r"a\x9b31mred\x1b[2J\u202e\u2066\u200b\u2028\nc-2  erased"
PLACE = Position(0, 1, False)

OUTPUTS = {
    "triggers": Trigger(
        id="t",
        customer=NASTY,
        action="win_back",
        channel="email",
        probability=0.9,
        drivers=[Reason("recency", 1.0, f"silent {NASTY}")],
        episode=1,
        step=1,
        time=NOON,
        expires_at=NOON,
        model_version=NOON,
        at=PLACE,
    ),
    "decisions": Decision("d", "erased", NOON, PLACE, customer=NASTY, reason=NASTY),
    "deadletters": DeadLetter(
        "bad_field",
        f"subject is {NASTY}",
        "in",
        0,
        1,
        NOON,
        9,
        base64.b64encode(NASTY.encode()).decode(),
        customer=NASTY,
    ),
}


@pytest.fixture(autouse=True)
def place(tansu: EmbeddedBroker, redis_url: str, redis_app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_BOOTSTRAP_SERVERS", tansu.bootstrap_servers)
    monkeypatch.setenv("RETENTION_REDIS_URL", redis_url)
    monkeypatch.setenv("RETENTION_PARTITIONS", "3")
    for name in ("APP", "TOPIC_PREFIX"):
        monkeypatch.setenv(f"RETENTION_{name}", redis_app)


@pytest.fixture
def topics() -> None:
    assert run("topics", "create").exit_code == ExitCode.OK


@pytest.mark.parametrize("what", OUTPUTS)
def test_tail_shows_an_id_in_one_line_and_json_gives_it_exactly(
    what: str, topics: None, tansu: EmbeddedBroker, redis_app: str
) -> None:
    # Encoders write these characters as they are, too.
    written = msgspec.json.encode(msgspec.json.decode(encode(OUTPUTS[what])))
    write(tansu.bootstrap_servers, f"{redis_app}.{what}", [written, b'{"customer": "\xff"}'])
    shown = run("tail", what)
    assert shown.exit_code == ExitCode.OK
    assert len(shown.stdout.splitlines()) == 2, "a line for each record"
    assert shown.stdout == printable_lines(shown.stdout)
    assert SHOWN in shown.stdout
    told = run("tail", what, "--json")
    assert told.stdout == printable_lines(told.stdout)
    assert json.loads(told.stdout)["customer"] == NASTY


def test_a_customer_that_nobody_knows_is_named_printably() -> None:
    result = run("customer", NASTY, "--partitions", "4")
    assert result.exit_code == ExitCode.FAILURE
    assert result.stderr == printable_lines(result.stderr)
    assert "a\\x9b31mred" in result.stderr


def test_what_publish_refuses_is_shown_printably(tmp_path: Path, topics: None) -> None:
    file = tmp_path / "events.jsonl"
    event = {
        "specversion": "1.0",
        "type": "purchase",
        "id": "1",
        "source": "s",
        "subject": "a\u009b31m\u202ered",
        "time": "2026-01-01T00:00:00Z",
        "data": {"amount": -1},
    }
    file.write_text(json.dumps(event, ensure_ascii=False) + "\n", encoding="utf-8")
    for options in ([], ["--check"], ["--check", "--json"]):
        result = run("publish", str(file), *options)
        assert result.exit_code == ExitCode.FAILURE
        for out in (result.stdout, result.stderr):
            assert out == printable_lines(out)


def test_a_name_in_an_error_is_printable() -> None:
    result = run("topics", "describe", "--app", "a\x9b31m")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == printable_lines(result.stderr)


def test_the_escape_is_what_is_shown() -> None:
    assert printable(NASTY) == SHOWN
