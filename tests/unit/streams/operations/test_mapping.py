"""Mapping files: what rows become, and what is said of a file or a row that can't be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.main import main
from streams.client import Refusal
from streams.errors import ExitCode
from streams.operations.mapping import Mapped, MappingRefused, read_mapping

EXAMPLES = Path(__file__).resolve().parents[4] / "docs" / "examples" / "maps"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/map.toml"))
NOW = 1_800_000_000_000
MAP = """
source = "shop"
[[touchpoint]]
when = "kind == 'order'"
type = "purchase"
id = "no"
subject = "who"
time = "at"
[touchpoint.data]
amount = "sum"
currency = "currency"
"""
ROW = {"kind": "order", "no": 7, "who": "anna", "at": "2024-05-01T12:00:00Z", "sum": 5}


def made(text: str = MAP, **changed: object) -> list[object]:
    row = {name: value for name, value in {**ROW, **changed}.items() if value is not ...}
    found = list(Mapped(read_mapping(text, "map.toml"))(3, json.dumps(row).encode(), NOW))
    return [json.loads(one) if isinstance(one, bytes) else str(one) for one in found]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_gives_what_stands_beside_it(name: str) -> None:
    folder = EXAMPLES / name
    command = ["publish", "--map", str(folder / "map.toml"), "--print", str(folder / "input.jsonl")]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert done.stdout == (folder / "expected.jsonl").read_text(encoding="utf-8")
    told = done.stderr.splitlines()
    rows = len((folder / "input.jsonl").read_text(encoding="utf-8").splitlines())
    assert told[-2] == f"{len(done.stdout.splitlines())} valid, 0 refused"
    assert 0 < int(told[-1].partition(" ")[0]) < rows


def test_the_examples_are_those_that_the_page_names() -> None:
    page = (EXAMPLES.parents[1] / "clients.md").read_text(encoding="utf-8")
    assert NAMES == ["debezium", "segment", "shopify", "snowplow"]
    assert all(f"(examples/maps/{name}/map.toml)" in page for name in NAMES)


def test_a_row_becomes_an_event_and_what_is_not_there_is_left_out() -> None:
    assert made() == [
        {
            "specversion": "1.0",
            "type": "purchase",
            "source": "shop",
            "id": "7",
            "subject": "anna",
            "time": "2024-05-01T12:00:00Z",
            "data": {"amount": 5},
        }
    ]
    assert made(kind="visit") == []


@pytest.mark.parametrize(
    ("time_in", "at", "wanted"),
    [
        ("s", 1714564800, "2024-05-01T12:00:00.000Z"),
        ("s", "1714564800.5", "2024-05-01T12:00:00.500Z"),
        ("ms", 1714564800123, "2024-05-01T12:00:00.123Z"),
        ("us", 1714564800123999, "2024-05-01T12:00:00.123Z"),
        ("utc", "2024-05-01 12:00:00.5", "2024-05-01T12:00:00.5Z"),
        ("utc", "2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"),
        ("rfc3339", "2024-05-01T08:00:00-04:00", "2024-05-01T08:00:00-04:00"),
    ],
)
def test_a_time_is_read_as_the_file_says(time_in: str, at: object, wanted: str) -> None:
    [event] = made(MAP.replace('time = "at"', f'time = "at"\ntime_in = "{time_in}"'), at=at)
    assert isinstance(event, dict)
    assert event["time"] == wanted


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sum": "5.90"}, 'line 3: bad_field: data.amount is "5.90"; give a number from 0 to 1,000,000,000,000'),
        ({"sum": "5.90"}, ": to_number(sum) where it is a text"),
        ({"sum": -1}, "(from sum)"),
        ({"sum": ...}, "data.amount is missing; give a number"),
        (
            {"currency": "EURO"},
            'data.currency is "EURO"; give an ISO 4217 currency code such as "EUR", or leave it out',
        ),
        ({"who": ...}, "line 3: mapping: subject is missing; name where it is, or leave such rows out by `when`"),
        ({"who": ["anna"]}, 'subject is ["anna"]; give a string'),
        ({"who": True}, "subject is true; give a string"),
        ({"no": ""}, 'id is ""; give a string'),
        ({"at": 1714564800}, "time is 1714564800; say by time_in how at is written: rfc3339, utc, s, ms or us"),
        ({"at": "2024-05-01 12:00"}, 'time is "2024-05-01 12:00"; give an RFC 3339 time'),
        ({"at": "2099-05-01T12:00:00Z"}, "hours ahead of the record's timestamp"),
    ],
)
def test_what_is_wrong_with_a_row_is_named_with_field_value_and_remedy(changed: dict[str, object], words: str) -> None:
    [told] = made(**changed)
    assert words in str(told)


def test_a_row_that_is_no_json_and_a_function_that_can_not_are_named() -> None:
    mapped = Mapped(read_mapping(MAP.replace('"sum"', '"abs(sum)"'), "map.toml"))
    [told] = mapped(4, b"{broken", NOW)
    assert isinstance(told, Refusal)
    assert (told.line, told.field, told.remedy) == (4, "row", "give one JSON object a line")
    [told] = mapped(5, json.dumps({**ROW, "sum": "x"}).encode(), NOW)
    assert isinstance(told, Refusal)
    assert (told.line, told.field, "abs" in told.value) == (5, "data.amount", True)
    assert mapped.unfit == 0


def test_two_touchpoints_of_a_row_need_ids_of_their_own() -> None:
    again = MAP + MAP.partition("[[touchpoint]]")[1] + MAP.partition("[[touchpoint]]")[2]
    first, told = made(again)
    assert isinstance(first, dict)
    assert "they would count once; give the purchase an id of its own, as in join('-', [no, 'purchase'])" in str(told)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('type = "purchase"', 'type = "purchse"', "type is 'purchse'; did you mean 'purchase'?"),
        ('type = "purchase"', 'type = "clock"', "type is 'clock'; give one of purchase"),
        ('currency = "cur', 'curency = "cur', "data is 'curency'; did you mean 'currency'?"),
        ('amount = "sum"', "", "data.amount is missing; a purchase needs it"),
        ('source = "shop"', "", "source is missing"),
        ('id = "no"', "", "missing required field `id`"),
        ('"who"', '"who["', "subject is 'who[', no JMESPath expression"),
        ('time = "at"', 'time = "at"\ntime_in = "hours"', "Invalid enum value 'hours'"),
        ('id = "no"', 'id = "no"\nwhom = "x"', "unknown field `whom`"),
        ("[[touchpoint]]", "[[touchpoint", "is not TOML"),
        (MAP, "touchpoint = []", "has no [[touchpoint]]"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(old: str, new: str, words: str) -> None:
    assert old in MAP
    with pytest.raises(MappingRefused) as refused:
        read_mapping(MAP.replace(old, new, 1), "map.toml")
    assert words in str(refused.value)
    assert "map.toml" in str(refused.value)


def test_the_command_ends_with_the_codes_of_its_faults(tmp_path: Path) -> None:
    rows, map_file = tmp_path / "rows.jsonl", tmp_path / "map.toml"
    rows.write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "sum": None}) + "\n")
    map_file.write_text(MAP)
    arguments = ["publish", "--map", str(map_file), str(rows)]
    checked = CliRunner().invoke(main, [*arguments, "--check", "--json"])
    assert checked.exit_code == ExitCode.FAILURE
    told = json.loads(checked.stdout)
    assert (told["valid"], told["refused"], told["refused_events"][0]["line"]) == (1, 1, 2)
    both = CliRunner().invoke(main, [*arguments, "--print", "--json"])
    assert (both.exit_code, "give one of them" in both.stderr) == (ExitCode.USAGE, True)
    map_file.write_text("x")
    refused = CliRunner().invoke(main, [*arguments, "--check"])
    assert refused.exit_code == ExitCode.USAGE
    assert "is not TOML" in refused.stderr


EACH = """
source = "shop"
[[touchpoint]]
each = "refunds"
when = "each.paid"
type = "return"
id = "join('-', [no, each.id])"
subject = "who"
time = "at"
[touchpoint.data]
amount = "each.sum"
"""


def test_a_rule_makes_one_of_each_element_of_a_list() -> None:
    refunds = [
        {"id": "a", "sum": 1, "paid": True},
        {"id": "b", "sum": 2, "paid": False},
        {"id": "c", "sum": 3, "paid": 1},
    ]
    found = made(EACH, no="o7", refunds=refunds)
    assert [(one["id"], one["data"]["amount"]) for one in found if isinstance(one, dict)] == [("o7-a", 1), ("o7-c", 3)]


@pytest.mark.parametrize("refunds", [..., None, [], "none", 5])
def test_where_there_is_no_list_a_row_fits_no_rule(refunds: object) -> None:
    mapped = Mapped(read_mapping(EACH, "map.toml"))
    row = ROW if refunds is ... else {**ROW, "refunds": refunds}
    assert list(mapped(1, json.dumps(row).encode(), NOW)) == []
    assert mapped.unfit == 1


def test_two_rules_with_one_id_and_sources_of_their_own_are_two_events() -> None:
    other = MAP.replace('source = "shop"\n', "").replace("[[touchpoint]]\n", '[[touchpoint]]\nsource = "till"\n')
    assert len([one for one in made(MAP + other) if isinstance(one, dict)]) == 2
    assert "they would count once" in str(made(MAP + MAP.replace('source = "shop"\n', ""))[1])


def test_what_no_json_is_and_what_is_too_deep_is_refused_and_nothing_is_raised() -> None:
    assert "data is " in str(made(MAP.replace('currency = "currency"', 'currency = "&currency"'))[0])
    found = list(Mapped(read_mapping(MAP, "map.toml"))(1, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, NOW))
    assert isinstance(found[0], Refusal)


def test_where_no_row_fits_any_rule_it_fails(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    (tmp_path / "rows").write_text(json.dumps({"orders": [ROW]}), encoding="utf-8")
    command = ["publish", "--map", str(tmp_path / "map.toml"), "--check", str(tmp_path / "rows")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == ExitCode.FAILURE
    assert "1 rows fit no rule" in done.stderr
