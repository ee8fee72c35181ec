"""The rivals' measurement: nothing may be lost, rivals must agree, and both are told the same job."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.proc import Sampler
from benchmarks.rivals import job
from benchmarks.rivals.__main__ import main
from benchmarks.rivals.comparison import summary
from benchmarks.rivals.expert_loop.kernel import COUNT_OF, FEATURES, RECORD
from benchmarks.rivals.expert_loop.records import CLEARANCE, Full, Records, key_of
from benchmarks.rivals.kafka_streams import build
from benchmarks.rivals.kafka_streams import run as kafka_streams
from benchmarks.rivals.kafka_streams.watch import Look
from benchmarks.rivals.outputs import LostOutput, RivalsDisagree, require_all, require_the_same
from benchmarks.rivals.report import markdown, terminal
from benchmarks.runs import Run
from benchmarks.watch import Behind
from benchmarks.workload import Workload
from benchmarks.world import Facts
from models.customer.layout import SLAB
from models.touchpoints.kinds import Kind

JAVA = build.FOLDER / "src" / "main" / "java" / "retention" / "rival"
FACTS = Facts(Workload(), [10, 10], [60, 70], 100, 10, 0, 0, 0.0, 0, 0, 0)


def run(what: str, rate: float) -> Run:
    cpu = {"worker": 5.0, "redis": 2.0, "broker": 1.0}
    return Run(what=what, events=1_000, began=0.0, seconds=1_000 / rate, cpu_us=cpu, rss=[3 << 20])


def test_a_run_that_has_lost_a_trigger_is_named_with_what_is_missing() -> None:
    require_all("expert", {"touchpoints": (10, 10), "triggers": (3, 3)})
    with pytest.raises(LostOutput, match=r"expert: 2 triggers of 3"):
        require_all("expert", {"touchpoints": (10, 10), "triggers": (2, 3)})


def test_rivals_with_other_triggers_are_named_with_one_of_them() -> None:
    ours = frozenset({("anna", "1"), ("bert", "2")})
    require_the_same({"expert": ours, "kafka-streams": frozenset(ours)})
    require_the_same({})
    with pytest.raises(RivalsDisagree, match=r"expert has 2 triggers, kafka-streams 1; 1 differ: bert at 2"):
        require_the_same({"expert": ours, "kafka-streams": frozenset({("anna", "1")})})


def test_without_java_and_maven_the_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["rivals"])
    with pytest.raises(SystemExit, match=r"need Java 17 and Maven: `java` is not on the PATH: install a JDK"):
        main()


def test_both_rivals_have_the_jobs_features_in_its_order() -> None:
    names = re.search(r"NAMES = \{(.*?)\}", (JAVA / "Features.java").read_text(encoding="utf-8"), re.DOTALL)
    assert names is not None
    assert re.findall(r'"(.+?)"', names[1]) == list(job.WEIGHTS)
    assert len(job.WEIGHTS) == FEATURES
    assert all(job.WEIGHTS.values())


def test_the_java_application_has_the_engines_numbers_of_types() -> None:
    told = re.findall(r"int (\w+) = (0x\w+);", (JAVA / "Kind.java").read_text(encoding="utf-8"))
    assert {name: int(number, 16) for name, number in told}.items() <= {kind.name: int(kind) for kind in Kind}.items()
    assert told


def test_the_java_application_counts_the_kinds_that_the_kernel_counts() -> None:
    text = (JAVA / "Kernel.java").read_text(encoding="utf-8")
    lines = re.findall(r"((?:COUNT_OF\[Kind\.\w+\] =\s+)+)(\d);", text)
    told = {name: int(number) for names, number in lines for name in re.findall(r"Kind\.(\w+)", names)}
    assert told == {kind.name: int(COUNT_OF[kind]) for kind in Kind if COUNT_OF[kind] >= 0}


def test_the_java_record_has_its_fields_where_the_kernels_has_them() -> None:
    text = (JAVA / "Customer.java").read_text(encoding="utf-8")
    at = {name: int(number) for name, number in re.findall(r"int (\w+) = (\d+);", text)}
    fields = RECORD.fields
    assert fields is not None
    assert [at[name] for name in ("RING", "OPEN", "HEARD", "CASES", "NEWEST", "IDS", "NUMBERS", "FIRST_TOUCH")] == [
        fields[name][1] for name in ("ring", "open", "heard", "cases", "times", "ids", "numbers", "seconds")
    ]
    assert RECORD.itemsize == SLAB.itemsize


def test_the_job_is_a_file_of_properties(tmp_path: Path) -> None:
    job.write_properties(tmp_path / "job")
    lines = dict(line.split("=") for line in (tmp_path / "job").read_text(encoding="ascii").splitlines())
    assert float(lines["weight.recency"]) == job.WEIGHTS["recency"]
    assert lines["kind.purchase"] == str(int(Kind.PURCHASE))
    assert int(lines["record.bytes"]) == SLAB.itemsize


@pytest.mark.parametrize("kept", [True, False])
def test_records_are_asked_for_once_and_written_as_they_are(kept: bool) -> None:
    records = Records(CLEARANCE + 10, kept=kept)
    rows, unread = records.place(["anna", "bert", "anna"])
    assert rows.tolist() == [0, 1, 0]
    assert unread == [key_of(b"anna"), key_of(b"bert")]
    stored = np.zeros(1, RECORD)
    stored["ring"] = 5
    records.fill([stored.tobytes(), None])
    assert records.array["ring"][:2].tolist() == [5, 0]
    assert records.packed(rows) == [key_of(b"anna"), stored.tobytes(), key_of(b"bert"), bytes(RECORD.itemsize)]
    assert records.place(["bert"])[1] == ([] if kept else [key_of(b"bert")])


def test_more_customers_than_rows_are_refused() -> None:
    with pytest.raises(Full, match="2 customers"):
        Records(CLEARANCE + 1, kept=True).place(["anna", "bert"])


def test_kafka_streams_is_measured_from_its_first_commit_to_its_last() -> None:
    looks = [Look(1.0, (10, 10)), Look(2.0, (20, 10)), Look(4.0, (60, 30)), Look(6.0, (60, 70))]
    told = kafka_streams.measured(
        "kafka-streams", looks, FACTS, Sampler({"worker": lambda: 0, "redis": lambda: 0, "broker": lambda: 0}), 7
    )
    assert (told.began, told.seconds) == (2.0, 4.0)
    assert told.events == 91  # of 100 records ten in 110 are clock records
    assert told.totals == {"triggers": 7}
    with pytest.raises(Behind, match="one commit"):
        kafka_streams.measured("kafka-streams", [looks[0], looks[3]], FACTS, Sampler({}), 7)


def test_the_table_has_a_row_for_each_that_was_run_and_the_engines_ratio_to_it() -> None:
    found = summary({"engine": [run("engine", 50.0), run("engine", 80.0)], "expert": [run("expert", 100.0)] * 2})
    assert found["expert"]["ratio"] == pytest.approx(0.65)
    results = {"rivals": found, "size": {"runs": 2}, "load": 1.5, "machine": {"cpu": "Some CPU"}}
    told = markdown(results)
    assert "| the expert's loop, MGET each batch | 100 | 0.65 | 5.0 | 1.0 | 2.0 | 3 MiB | – |" in told
    assert "Load of the machine before them: 1.5 a core." in told
    assert "Kafka Streams" not in told
    assert "the expert's loop, MGET each batch" in terminal(results)
