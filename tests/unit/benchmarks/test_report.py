"""The table: from results to the terminal and into docs/performance.md."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from benchmarks.report import BEGIN, DOCS, END, ROWS, markdown, refreshed, save, terminal

RESULTS = {
    "engine_events_per_s": 123_456.7,
    "ratio_to_idiomatic_faust": 51.2,
    "ratio_to_floor": 0.612,
    "redis_bytes_per_customer": 512.4,
    "worker_rss_over_time": [200 << 20, 201 << 20],
    "waited": {"version": 0.05},
    "stages_us": {"engine": {"decode": 0.5, "commit": 1.0}},
    "machine": {"cpu": "Some CPU", "cores": "2"},
    "size": {"customers": 200_000},
    "runs": {"engine": [{}, {}, {}], "peer": [{}, {}, {}]},
}


def test_the_terminal_shows_each_figure_with_its_aim() -> None:
    told = terminal(RESULTS)
    assert "123,457" in told
    assert "0.61   (at least 0.40)" in told
    assert "51.2   (at least 30)" in told
    assert "**" not in told


def test_figures_that_were_not_measured_are_left_out() -> None:
    assert "latency" not in terminal(RESULTS)
    assert terminal({}) == ""


def test_the_document_gets_the_table_and_keeps_the_rest() -> None:
    text = refreshed(f"# Title\n\n{BEGIN}\nold\n{END}\n\nthe end\n", markdown(RESULTS))
    assert text.startswith("# Title\n")
    assert text.endswith("\n\nthe end\n")
    assert "old" not in text
    assert "| **ratio to the floor** | 0.61 | at least 0.40 | `python -m benchmarks.throughput` |" in text
    assert "decode 0.50, commit 1.00; 1.50 together" in text
    assert "cores 2" in text
    assert "Size of the runs: 200,000 customers, 3 runs." in text
    assert refreshed(text, markdown(RESULTS)) == text


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the line"):
        refreshed("# Title\n", markdown(RESULTS))


def test_saving_keeps_the_figures_of_parts_that_were_not_run(tmp_path: Path) -> None:
    path = tmp_path / "results" / "throughput.json"
    save({"ratio_to_floor": 0.5, "latency_p50_ms": 40.0}, path)
    save({"ratio_to_floor": 0.6}, path)
    assert json.loads(path.read_bytes()) == {"ratio_to_floor": 0.6, "latency_p50_ms": 40.0}


def test_the_figures_that_others_read_have_their_names() -> None:
    names = {row.name for row in ROWS}
    assert names >= {
        "ratio_to_idiomatic_faust",
        "ratio_to_floor",
        "redis_bytes_per_customer",
        "latency_p50_ms",
        "latency_p99_ms",
        "scaling_two_workers",
    }


def test_the_document_has_room_for_the_figures_and_names_every_command() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert refreshed(text, markdown(RESULTS)) != text
    for command in {row.command for row in ROWS}:
        assert importlib.util.find_spec(command) is not None
        assert f"python -m {command}" in text
    assert markdown(RESULTS)
