"""History: sorted and counted on disk, and the records that are made of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.batch import LogRecord
from models.settings import DAY, HOUR, EngineSettings
from streams import history
from streams.datasets import LogInvalid
from streams.history import Course, History, NothingBefore, gather
from streams.log_events import TimedEvent, log_events
from streams.replay import logs, tape
from streams.sorting import DiskFull, sorted_on_disk, write_items
from tests.logs import START
from tests.logs import tape as arrivals
from tests.unit.streams.backfills import as_logs, written

SETTINGS = EngineSettings(boundary=7 * DAY, tick=7 * DAY, anchor=START, version_delay=0, phase="aligned")
CUT = START + 60 * DAY + HOUR


def _time(touch: TimedEvent) -> int:
    return touch.time


@given(times=st.lists(st.integers(0, 9)), in_memory=st.integers(1, 7))
def test_what_is_sorted_on_disk_is_what_is_sorted_in_memory(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], in_memory: int
) -> None:
    touches = [TimedEvent(time, b"c", b"%d" % number) for number, time in enumerate(times)]
    folder = tmp_path_factory.mktemp("runs")
    assert list(sorted_on_disk(touches, TimedEvent, _time, folder, in_memory)) == sorted(touches, key=_time)


def test_a_row_of_an_unknown_type_is_not_left_out_of_history_but_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("customer_id,ts,type,amount,qty\nc,2000-01-05,purchase,5,1\nc,2000-01-06,gift,5,1\n")
    with pytest.raises(LogInvalid, match="type is 'gift'"):
        gather(str(path), CUT, 1, tmp_path)


@pytest.mark.parametrize("size", [1, 100_000], ids=["found at closing", "found at writing"])
def test_a_disk_that_is_full_is_named(size: int) -> None:
    with pytest.raises(DiskFull, match=r"No space left on device.*TMPDIR"):
        write_items(Path("/dev/full"), [b"x" * size])


def test_an_error_of_what_is_written_keeps_its_name_on_a_full_disk() -> None:
    def rows() -> Iterator[bytes]:
        yield b"x"
        raise LogInvalid("line 2 is no event")

    with pytest.raises(LogInvalid, match="line 2"):
        write_items(Path("/dev/full"), rows())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rows = [
        f"c{customer},{datetime.fromtimestamp((START + day * DAY) / 1000, UTC).isoformat()},purchase,{5 + customer},1"
        for day in range(0, 90, 5)
        for customer in range(12)
    ]
    path = tmp_path / "shop.csv"
    path.write_text("customer_id,ts,type,amount,qty\n" + "\n".join(reversed(rows)) + "\n", encoding="utf-8")
    return path


def of(log: Path, tmp_path: Path, cut: int = CUT, partitions: int = 3) -> History:
    (scratch := tmp_path / "scratch").mkdir()
    return gather(str(log), cut, partitions, scratch)


def test_history_is_the_tape_of_a_replay_up_to_the_cut_and_the_cuts_own_clock_records(
    log: Path, tmp_path: Path
) -> None:
    whole = logs((record for record in tape(log_events(str(log)), 3, SETTINGS) if record.time < CUT), 3)
    found = as_logs(Course(of(log, tmp_path), SETTINGS, [0, 0, 0]))
    for n, partition in enumerate(found):
        assert [r[1:] for r in partition[:-1]] == [r[1:] for r in whole[n]]
        assert partition[-1][:3] == (-1, CUT - 1, None)


def test_the_last_record_stands_before_the_fence_and_all_others_below_zero_without_gaps(
    log: Path, tmp_path: Path
) -> None:
    course = Course(of(log, tmp_path), SETTINGS, [0, 1, 1_000_000])
    for n, partition in enumerate(as_logs(course)):
        offsets = [record.offset for record in partition]
        assert offsets[:-1] == list(range(course.starts[n], -1))
        assert offsets[-1] == (-1, 0, 999_999)[n]


@pytest.mark.parametrize("most", [1, 7, 1_000])
def test_rounds_end_at_clock_records_and_are_bounded(
    log: Path, tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROUND", most)
    rounds = list(Course(of(log, tmp_path), SETTINGS, [0, 0, 0]).rounds())
    assert (len(rounds) > 1) == (most < 1_000)
    for records in rounds:
        ends: list[LogRecord] = [mine[-1] for mine in records]
        assert {end.key for end in ends} == {None}
        assert len({end.timestamp for end in ends}) == 1
        assert sum(map(len, records)) <= most + 2 * 12 + 3


def test_time_passes_up_to_the_cut_when_the_log_ends_long_before(log: Path, tmp_path: Path) -> None:
    cut = START + 400 * DAY
    found = as_logs(Course(of(log, tmp_path, cut), SETTINGS, [0, 0, 0]))
    assert {partition[-1].timestamp for partition in found} == {cut - 1}
    times = [record.timestamp for record in found[0] if record.key is None]
    assert max(b - a for a, b in pairwise(times)) <= SETTINGS.tick


def test_a_log_is_known_by_its_events_before_the_cut(log: Path, tmp_path: Path) -> None:
    first = of(log, tmp_path)
    again = gather(str(log), CUT, 3, tmp_path / "scratch")
    assert (first.digest, first.events, first.later) == (again.digest, again.events, again.later)
    assert sum(first.events) + first.later == len(log_events(str(log)))
    text = log.read_text()
    log.write_text(text.replace(",5,1", ",6,1", 1))  # the last day's
    assert gather(str(log), CUT, 3, tmp_path / "scratch").digest == first.digest
    log.write_text(",6,1".join(text.rsplit(",5,1", 1)))  # the first day's
    assert gather(str(log), CUT, 3, tmp_path / "scratch").digest != first.digest


def test_a_cut_before_everything_is_refused_with_the_times(log: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingBefore, match=r"holds no event before 2000-01-03, 216 after it.*--until"):
        of(log, tmp_path, START)


def test_a_log_of_json_lines_that_is_out_of_order_is_put_in_order(tmp_path: Path) -> None:
    path = written(arrivals(5, 2, 10, 90), tmp_path / "log.jsonl")
    found = as_logs(Course(of(path, tmp_path, partitions=2), SETTINGS, [0, 0]))
    for partition in found:
        times = [record.timestamp for record in partition]
        assert times == sorted(times)
