"""The lines of a file that is published."""

from __future__ import annotations

from models.touchpoints import event
from streams.cli.progress import PlainWatch
from streams.publishing import check_lines

LINE = event("visit", id="v", source="web", subject="anna", time_ms=1_700_000_000_000, data={}) + b"\n"


def test_a_byte_order_mark_before_the_first_line_is_passed_over_and_nowhere_else() -> None:
    mark = b"\xef\xbb\xbf"
    tally = check_lines([mark + LINE, LINE, mark + LINE], PlainWatch(60.0))
    assert (tally.good, tally.refused) == (2, 1)
    assert [refusal.line for refusal in tally.refusals] == [3]
