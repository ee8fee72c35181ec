"""The dashboard: well-formed for Grafana, complete, and about series that workers have."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import yaml

from streams.monitoring.metrics import Metrics
from tests.support.monitoring import DASHBOARD, ROOT, dashboard, families, name_of, panels, queries, selectors

GRAFANA = ROOT / "deploy" / "grafana"
COLUMNS = 24
ROWS = [
    "Traffic",
    "Lag",
    "Latency",
    "Risk bands",
    "Decisions",
    "Model quality",
    "Champion and challengers",
    "Store and outbox",
    "Health",
]
UNITS = {"short", "none", "cps", "s", "bytes", "percentunit"}
NOT_SHOWN = {
    "retention_next_offset",  # a position, not a quantity: the lag is shown
    "retention_shard_policy_seconds",  # a name, not a quantity: in the alarm
    "retention_commits_total",  # as the count of retention_commit_seconds
    "retention_held_seconds",  # that it is so is shown by retention_paused
    "process_virtual_memory_bytes",
    "process_max_fds",  # in the alarm
}


def test_its_rows_are_those_that_operators_know() -> None:
    assert [panel["title"] for panel in dashboard()["panels"] if panel["type"] == "row"] == ROWS


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(ids)) == len(ids)
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies upon {taken[x, y]}"
                taken[x, y] = panel["title"]
    tops = [panel["gridPos"]["y"] for panel in dashboard()["panels"]]
    assert all(a <= b for a, b in pairwise(tops)), "in the order in which they are read"


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_has_a_description_a_unit_and_queries_of_the_provisioned_data_source(panel: dict[str, Any]) -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8"))
    source = {"type": "prometheus", "uid": provisioned["datasources"][0]["uid"]}
    assert panel["description"]
    assert panel["type"] in ("timeseries", "stat", "table")
    assert panel["fieldConfig"]["defaults"].get("unit", "none") in UNITS
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGH"[: len(panel["targets"])])
    assert panel["datasource"] == source
    assert all(target["datasource"] == source for target in panel["targets"])


def test_it_is_of_the_classic_schema_and_found_by_its_provider() -> None:
    assert dashboard()["schemaVersion"] == 41, "Grafana 12; later releases migrate it when they load it"
    assert dashboard()["uid"] == DASHBOARD.stem
    assert "id" not in dashboard(), "an id belongs to one Grafana's database"
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/retention.yml").read_text("utf-8"))["providers"]
    assert (provider["type"], provider["options"]["path"]) == ("file", "/var/lib/grafana/dashboards")


def test_every_query_is_about_one_deployment_and_series_that_workers_have() -> None:
    for query in queries():
        asked = selectors(query.expr)
        assert asked, query
        assert {name_of(selector) for selector in asked} <= families(), query
        assert any('job="retention"' in selector for selector in asked), query


def test_every_series_of_a_worker_is_shown() -> None:
    shown = {name_of(selector) for query in queries() for selector in selectors(query.expr)}
    missing = {
        family.name
        for family in Metrics().registry.collect()
        if not any(name.startswith(family.name) for name in shown)
        and family.name + ("_total" if family.type == "counter" else "") not in NOT_SHOWN
    }
    assert missing == set()
