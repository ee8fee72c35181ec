"""docs/contracts/ is what the types say, valid by its specifications, and what the engine takes and gives."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from models.engine.changes import NumberedOutput
from models.simulation.rehearsal import rehearse
from models.touchpoints import Rejected, read
from streams.operations.valid import Validity
from tests.support.contracts.files import CURRENT, broken, documents
from tests.support.contracts.http import unlike
from tests.support.contracts.page import PAGE, page
from tests.support.logs import START, chosen_policy, inserted, synthetic
from tests.support.touchpoint_examples import ABSENT, KEY, LINES, NOW, changed
from tests.support.workers import SETTINGS

AGAIN = "write it anew: python -m tests.support.contracts"
SPECIFICATIONS = Path(__file__).parent / "specifications"
FILES = documents()
OPENAPI = sorted(name for name in FILES if name.endswith("openapi.json"))
SCHEMAS = sorted(name for name in FILES if name.endswith(".schema.json"))


FORMATS = jsonschema.FormatChecker(["date"])


@FORMATS.checks("date-time", ValueError)
def is_time(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(FILES[f"{name}.schema.json"]), format_checker=FORMATS)


def test_the_files_are_those_of_the_types() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in CURRENT.iterdir()} == FILES, AGAIN


def test_the_page_is_that_of_the_types() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), AGAIN


def test_nothing_breaks_for_who_goes_by_the_last_release() -> None:
    assert broken() == [], "docs/contracts.md, 'What may change', says what may"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(FILES[name]))
    assert f"(contracts/{name})" in PAGE.read_text(encoding="utf-8")


def test_the_documents_are_valid_by_their_specifications() -> None:
    asyncapi = json.loads(gzip.decompress((SPECIFICATIONS / "asyncapi-3.0.0.json.gz").read_bytes()))
    openapi = json.loads((SPECIFICATIONS / "openapi-3.1.json").read_text(encoding="utf-8"))
    for document, checker in (
        (json.loads(FILES["asyncapi.json"]), Draft7Validator(asyncapi)),
        *((json.loads(FILES[name]), Draft202012Validator(openapi)) for name in OPENAPI),
    ):
        checker.validate(document)
        document["info"].pop("title")
        with pytest.raises(jsonschema.ValidationError):
            checker.validate(document)


@pytest.mark.parametrize("name", ["asyncapi.json", *OPENAPI])
def test_every_reference_leads_somewhere(name: str) -> None:
    def look(node: Any) -> int:
        if isinstance(node, list):
            return sum(map(look, node))
        if not isinstance(node, dict):
            return 0
        found = 0
        if isinstance(node.get("$ref"), str):
            file, _, pointer = node["$ref"].partition("#")
            there = json.loads(FILES[file or name])
            for step in pointer.strip("/").split("/") if pointer else ():
                there = there[step]
            found = 1
        return found + sum(look(value) for value in node.values())

    assert look(json.loads(FILES[name])) >= {"asyncapi.json": 6, "openapi.json": 6}.get(name, 0)


@pytest.mark.parametrize("name", LINES)
def test_an_example_is_valid_by_schema_and_for_the_engine(name: str) -> None:
    if name in json.loads(FILES["envelope.schema.json"])["properties"]["type"]["enum"]:
        event = json.loads(LINES[name])
        assert not list(validator("touchpoints").iter_errors(event))
        assert not list(validator("envelope").iter_errors(event))
        assert not isinstance(read(LINES[name], KEY, NOW), Rejected)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("purchase", "data.amount", -1),
        ("purchase", "data.amount", "59.90"),
        ("purchase", "data.amount", ABSENT),
        ("purchase", "data", ABSENT),
        ("purchase", "data.currency", "EURO"),
        ("purchase", "specversion", "0.3"),
        ("purchase", "subject", ABSENT),
        ("purchase", "subject", ""),
        ("purchase", "subject", "c\u0007"),
        ("purchase", "type", "purchse"),
        ("purchase", "id", "x" * 201),
        ("nps", "data.score", 11),
        ("call", "data.direction", "sideways"),
        ("chat", "data.participants", []),
        ("subscription_started", "data.renews_at", "tomorrow"),
        ("purchase", "time", "2024-05-01T12:00:00"),
    ],
)
def test_what_the_engine_refuses_the_schema_refuses(name: str, path: str, value: object) -> None:
    event = changed(name, path, value)
    assert isinstance(read(event, KEY, NOW), Rejected)
    assert list(validator("touchpoints").iter_errors(json.loads(event)))


@pytest.mark.parametrize("extra", ["traceparent", "data.colour", "dataschema"])
def test_fields_that_nobody_knows_are_passed_over_by_both(extra: str) -> None:
    event = changed("purchase", extra, "x")
    assert not isinstance(read(event, KEY, NOW), Rejected)
    assert not list(validator("touchpoints").iter_errors(json.loads(event)))


def test_what_the_engine_says_is_as_the_schemas_have_it() -> None:
    """Under a policy and without, with a record that is none."""
    said: dict[str, list[Any]] = {"triggers": [], "decisions": [], "deadletters": []}

    def keep(output: NumberedOutput) -> bool:
        if output.role in said:
            said[output.role].append(json.loads(output.value))
        return False

    example = files("models.decisions.policy").joinpath("example.toml").read_text()
    rehearse(synthetic(7), SETTINGS, keep=keep)
    logs = synthetic(11)
    spoiled = [(log[0].timestamp, chosen_policy(START, 1, example)) for log in logs]
    rehearse(
        [
            inserted(log, [one, (log[1].timestamp, b'{"type":"purchse"}')])
            for log, one in zip(logs, spoiled, strict=True)
        ],
        SETTINGS,
        keep=keep,
    )
    assert {one["type"] for one in said["triggers"]} >= {"trigger"}
    assert {one["what"] for one in said["decisions"]} >= {"decided", "version_in_force", "episode_opened"}
    for role, name in (("triggers", "triggers"), ("decisions", "decisions"), ("deadletters", "dead_letters")):
        document = json.loads(FILES[f"{name}.schema.json"])
        known = {
            kind: set(schema["properties"])
            for schema in (*document["$defs"].values(), document)
            for kind in schema.get("properties", {}).get("type", {}).get("enum", ())
        }
        assert said[role]
        checker = validator(name)
        for record in said[role]:
            assert not list(checker.iter_errors(record)), record
            assert set(record) <= known[record["type"]]


def test_an_answer_about_a_trigger_is_as_the_document_has_it() -> None:
    answer = Validity("anna", "4f1d", False, "stopped", 7, 1_715_000_000_000)._asdict()
    assert unlike("get", "/valid", 200, answer) == []
    assert unlike("get", "/valid", 200, {**answer, "stop": None, "more": 1}) != []
    assert unlike("get", "/valid", 418, answer) == ["get /valid with 418 is not in the document"]
