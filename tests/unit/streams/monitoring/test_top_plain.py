"""The view without a terminal: lines and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from streams.monitoring.top.panels import customers
from streams.monitoring.top.plain import as_json, lines, progress, snapshot
from streams.monitoring.top.view import View
from tests.support.top_views import DEMO, NIGHT


def test_progress_is_one_line_with_everything_that_moves() -> None:
    line = progress(DEMO)
    assert line.startswith("1997-11-19   55,633 events     926/s  lag 14,026")
    assert "safe 2,796  watch 1,732  at risk 2,254  lapsed 16,788" in line
    assert line.endswith("AUC 0.616, log-loss 0.667 over 30,409 labels")
    assert "prospect" not in line


def test_each_new_trigger_and_each_new_trouble_is_told_once() -> None:
    first = lines(NIGHT, None)
    assert len(first) == 6
    assert any("worker 10.0.0.6:9100: nothing listens there" in line for line in first)
    assert lines(NIGHT, NIGHT) == [progress(NIGHT)]
    told = lines(DEMO, NIGHT, most=2)
    assert [line.split()[2] for line in told[1:]] == ["23418", "23419"]


def test_a_snapshot_names_what_each_line_is_about() -> None:
    told = {}
    for line in snapshot(NIGHT):
        told.setdefault(line[:11].strip(), line[11:])
    assert told["log time"] == "2025-11-24 15:56:55"
    assert told["latency"] == "p50 24 ms  p99 >60 min from touchpoint to trigger"
    assert told["shard 0"].endswith("waiting: store: Redis does not answer")
    assert told["worker"].startswith(
        "10.0.0.5:9100  ready, unhealthy, shards 0, 3, 4, 1,234,567 events; shard 0 stands"
    )
    assert told["trouble"].startswith("triggers can't be read")


def test_json_has_null_for_what_is_not_known_and_no_infinity() -> None:
    told = json.loads(as_json(NIGHT))
    assert told["trigger_latency"] == {"p50_s": 0.024, "p99_s": None, "count": 812, "window_s": None}
    assert (told["due_backlog"], told["commit"], told["model"]) == (None, None, {"version": None})
    assert told["workers"][1] == {
        "worker": "10.0.0.6:9100",
        "reachable": False,
        "ready": None,
        "healthy": None,
        "why": ["nothing listens there (connection refused)"],
        "shards": [],
        "events": 0,
        "memory_bytes": None,
    }
    assert json.loads(as_json(View("empty", 0)))["events_per_s"] is None


def test_the_champion_is_named_where_it_is_known_and_whether_somebody_chose_it() -> None:
    told = json.loads(as_json(DEMO))["model"]
    assert "champion" not in told
    chosen = replace(DEMO, champion="adagrad", pinned=True)
    assert json.loads(as_json(chosen))["model"] == {**told, "champion": "adagrad", "pinned": True}
    assert any(line.startswith("model") and line.endswith(", adagrad decides, pinned") for line in snapshot(chosen))


def test_customers_are_told_by_stage_where_a_policy_has_a_loyalty_loop() -> None:
    assert json.loads(as_json(DEMO))["stages"] == {}
    assert not any(line.startswith("stages") for line in snapshot(DEMO))
    looped = replace(DEMO, stages={"prospect": 0, "new": 5, "won_back": 1_234})
    assert json.loads(as_json(looped))["stages"] == {"prospect": 0, "new": 5, "won_back": 1_234}
    assert [line.split(maxsplit=1)[1] for line in snapshot(looped) if line.startswith("stages")] == [
        "new 5, won back 1,234"
    ]
    assert [line.plain for line in customers(looped, 60, False)][-1] == "new 5, won back 1,234"
    unknown = replace(DEMO, uncounted=(0, 3))
    assert json.loads(as_json(unknown))["stages"] is None
    (line,) = [line for line in snapshot(unknown) if line.startswith("stages")]
    assert line.endswith("not known: shards that kept the loyalty loop before its customers were counted: 0, 3")
    assert len(customers(looped, 60, False)) == len(customers(DEMO, 60, False)) + 1


def test_json_has_the_triggers_that_are_new_since_the_object_before() -> None:
    told = json.loads(as_json(DEMO))
    assert [trigger["customer"] for trigger in told["triggers"]] == ["23417", "23418", "23419"]
    assert told["triggers"][0]["reasons"][0] == "silent 152 days, usually buys every 29 days"
    assert json.loads(as_json(replace(DEMO, fresh=0)))["triggers"] == []
    assert told["model"]["labels"] == 30_409
    assert "\n" not in as_json(DEMO)
