"""The delivery report of a file, for people and for machines."""

from __future__ import annotations

import json

import pytest

from streams.cli.progress import BarWatch, PlainWatch
from streams.client import NotAllDelivered, Refusal, Report, Sent, Undelivered
from streams.operations.publish_file import Published, Tally, check_lines

REFUSED = Refusal(2, "bad_field", "data.amount", "-5", "give more", "data.amount is -5; give more", "o", "anna")
FAILED = Undelivered(3, "o-3", "bert", b"{}", "KafkaTimeoutError: gone", True)
REPORT = Report("t", True, 6, 1, 1, 0, {1: 4, 0: 2}, 2.0, (REFUSED,), (FAILED,))


def test_the_report_for_people_has_counts_rate_and_partitions() -> None:
    assert Published(REPORT).lines() == [
        "6 sent to t, 1 refused, 1 not delivered",
        "3 events/s in 2.00 s; by partition 0: 2, 1: 4",
    ]


def test_a_file_that_was_left_early_says_where_to_go_on() -> None:
    assert Published(REPORT, 9, interrupted=True).lines()[-1] == (
        "interrupted; send again what is named above, and from line 9 on"
    )
    assert Published(REPORT, 9).lines()[-1].startswith("Kafka takes no events; ")
    assert not Published(Report("t", True, 1, 0, 0, 0, {}, 1.0), 9).complete


def test_a_broker_without_idempotence_is_told() -> None:
    assert "twice" in Published(Report("t", False, 1, 0, 0, 0, {0: 1}, 1.0)).lines()[-1]


def test_the_report_for_machines_is_json_with_everything_but_the_values() -> None:
    told = json.loads(json.dumps(Published(REPORT).as_json()))
    assert told == {
        "topic": "t",
        "idempotent": True,
        "sent": 6,
        "refused": 1,
        "not_delivered": 1,
        "waiting": 0,
        "seconds": 2.0,
        "events_per_second": 3.0,
        "partitions": {"0": 2, "1": 4},
        "refused_events": [
            {
                "line": 2,
                "code": "bad_field",
                "field": "data.amount",
                "value": "-5",
                "remedy": "give more",
                "reason": "data.amount is -5; give more",
                "event_id": "o",
                "customer": "anna",
            }
        ],
        "not_delivered_events": [
            {"line": 3, "event_id": "o-3", "customer": "bert", "reason": "KafkaTimeoutError: gone"}
        ],
        "complete": False,
        "unread_from_line": None,
        "interrupted": False,
    }


def test_an_event_that_was_not_delivered_is_told_by_line_or_else_by_id() -> None:
    assert str(FAILED) == "line 3: not delivered: KafkaTimeoutError: gone; send it again, its id makes that safe"
    assert str(Undelivered(0, "o-3", "bert", b"", "gone", True)).startswith("o-3: not delivered: gone; ")


def test_an_error_over_a_report_shows_the_counts_and_the_first_fault() -> None:
    told = str(NotAllDelivered(REPORT))
    assert "6 sent, 1 refused, 1 not delivered; the first: line 2: bad_field: data.amount is -5" in told


def test_bad_outcomes_are_said_at_once_and_good_ones_only_counted() -> None:
    said: list[str] = []
    tally = Tally(said.append)
    for outcome in (Sent(1, "o", "anna", 0, 7), REFUSED, FAILED):
        tally(outcome)
    assert said == [str(REFUSED), str(FAILED)]
    assert tally.text("sent") == "1 sent, 1 refused, 1 not delivered"
    assert tally.outage


def test_plain_progress_is_a_line_whenever_its_time_has_come(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainWatch(0.0) as watch:
        watch.moved(10, "3 sent")
    with PlainWatch(3600.0) as watch:
        watch.moved(10, "4 sent")
    assert capsys.readouterr().err == "3 sent\n"


def test_the_bar_prints_a_line_as_it_is_even_if_it_looks_like_markup(capsys: pytest.CaptureFixture[str]) -> None:
    with BarWatch(100) as watch:
        watch.moved(50, "[bold]3 sent")
        watch.write_line("line 1: data[0] is [red]")
    assert "line 1: data[0] is [red]\n" in capsys.readouterr().err


def test_checking_counts_every_line_that_is_not_blank() -> None:
    tally = check_lines([b"{broken\n", b"\n", b"  \n", b"[]\n"], PlainWatch(3600.0))
    assert (tally.good, [refusal.line for refusal in tally.refusals]) == (0, [1, 4])
