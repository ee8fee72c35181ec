"""The alarms, the dashboard, and a Prometheus of our own that tries them out."""

from __future__ import annotations

import json
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from streams.local.processes import LOOPBACK, ProgramMissing, ServerProcess, exchange, free_port
from streams.monitoring.metrics import Metrics
from streams.monitoring.rekey import RekeyMetrics
from streams.operations.rekey import Counts

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "rules" / "retention.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "retention.json"
REMEDY = "install Prometheus (Debian, Ubuntu: apt-get install --no-install-recommends prometheus)"

SCRAPE_S = 1
JOB = "retention"
"""What the dashboard's variable stands at."""

OF_PROMETHEUS = {"up"}
"""What Prometheus itself adds for each target."""

_OPERATORS = {"and", "or", "unless", "on", "by", "without", "ignoring", "group_left", "group_right", "offset", "bool"}
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*|\{|\d\w*")


class Query(NamedTuple):
    """An expression as Prometheus takes it. instant: shown as of now, not over time."""

    title: str
    expr: str
    instant: bool


@cache
def alarms() -> list[dict[str, Any]]:
    """All alerting rules."""
    rules: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in rules["groups"] for rule in group["rules"]]


@cache
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return found


def panels() -> list[dict[str, Any]]:
    """The panels that show something; rows are left out."""
    found = dashboard()["panels"]
    assert not any(panel.get("panels") for panel in found), "panels inside a collapsed row are not looked at here"
    return [panel for panel in found if panel["type"] != "row"]


def queries() -> list[Query]:
    """Every query of the dashboard, with Grafana's variables filled in."""
    return [
        Query(f"{panel['title']} {target['refId']}", _filled(target["expr"]), target.get("instant", False))
        for panel in panels()
        for target in panel["targets"]
    ]


def _filled(expr: str) -> str:
    filled = expr.replace("$__rate_interval", f"{4 * SCRAPE_S}s").replace("$job", JOB)
    assert "$" not in filled, f"{expr}: a variable that these tests do not know"
    return filled


def selectors(expr: str) -> set[str]:
    """The series that an expression asks for, as selectors with their matchers.

    >>> sorted(selectors('sum by (a) (rate(x_total{b="c"}[5m])) > 3 and on (d) up'))
    ['up', 'x_total{b="c"}']
    """
    found = set()
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", expr)
    bare = re.sub(r"\[[^\]]*\]", " ", bare)  # ranges
    at = 0
    while match := _WORD.search(bare, at):
        at, word = match.end(), match[0]
        assert word != "{", f"{expr}: a selector without a name"
        if word[0].isdigit() or word in _OPERATORS or bare[at:].lstrip().startswith("("):
            continue
        if bare[at : at + 1] == "{":
            end = bare.index("}", at) + 1
            word, at = word + bare[at:end], end
        found.add(word)
    return found


def name_of(selector: str) -> str:
    return selector.partition("{")[0]


def families() -> set[str]:
    """Names that the expositions of a worker and of `rekey` have, as they are queried."""
    found = set(OF_PROMETHEUS)
    for family in [*Metrics().registry.collect(), *of_rekey()]:
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        found |= {family.name + suffix for suffix in suffixes}
    return found


def of_rekey() -> list[Any]:
    """The families of `retention rekey`."""
    return list(RekeyMetrics(Counts().data, lambda: 0).collect())


def promtool() -> str:
    """Raises ProgramMissing."""
    return _program("promtool")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise ProgramMissing(f"`{name}` is not on the PATH: {REMEDY}")
    return path


class Prometheus:
    """A server with the rules of deploy/ that scrapes one worker every second."""

    def __init__(self, directory: Path, worker_port: int) -> None:
        """Raises ProgramMissing."""
        program, self.port = _program("prometheus"), free_port()
        directory.mkdir(parents=True, exist_ok=True)
        settings = {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [f"{LOOPBACK}:{worker_port}"]}]}],
        }
        (directory / "prometheus.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.process = ServerProcess(
            "Prometheus",
            [
                program,
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={LOOPBACK}:{self.port}",
            ],
            log=directory / "prometheus.log",
            ready=lambda: b" 200" in exchange(self.port, b"GET /-/ready HTTP/1.0\r\n\r\n", 15),
            start_timeout_s=180,
            stop_grace_s=15,
        )

    def get(self, path: str, **parameters: Any) -> Any:
        """`data` of an answer of the HTTP API; an error of Prometheus fails the test with its own words."""
        url = f"http://{LOOPBACK}:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=120) as answer:
                told: Mapping[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from error
        assert told["status"] == "success", told
        return told["data"]

    def instant(self, expr: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("query", query=expr)["result"]
        return found

    def over_time(self, expr: str, start: float, end: float) -> list[dict[str, Any]]:
        """As a panel asks: one value a second."""
        found: list[dict[str, Any]] = self.get("query_range", query=expr, start=start, end=end, step=SCRAPE_S)["result"]
        return found
