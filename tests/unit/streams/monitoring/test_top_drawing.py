"""The view as drawn: pure, so that every size of terminal can be looked at here."""

from __future__ import annotations

import doctest
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from streams import text
from streams.monitoring.top import glyphs
from streams.monitoring.top.drawing import Frame, draw
from streams.monitoring.top.layout import Block, allot
from streams.monitoring.top.picture import PictureNotWritten, svg, write_svg
from streams.monitoring.top.view import ShardRow, TriggerRow, View, WorkerRow
from tests.support.top_views import DEMO, NIGHT

SIZES = [(80, 24), (120, 40), (200, 60), (40, 30), (40, 100), (100, 12), (30, 10), (20, 3), (72, 24), (71, 24)]


def drawn(view: View, width: int, height: int | None = None, **given: bool) -> list[str]:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(draw(view, width, height, **given))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("view", [DEMO, NIGHT, View("empty", 0)], ids=["demo", "night", "empty"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_view_fits_into_any_terminal(view: View, width: int, height: int) -> None:
    lines = drawn(view, width, height)
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width


def test_eighty_columns_and_24_rows_show_everything_that_matters() -> None:
    told = "\n".join(drawn(DEMO, 80, 24))
    for part in (
        "log time 1997-11-19",
        "1 worker well",
        "events/s 926",
        "55,633 of 69,659 (80 %)",
        "lag      14,026 outbox 1,234 due 345",
        "p50 42 ms p99 180 ms",
        "Customers 23,570",
        "at risk   2,254  10 %",
        "AUC      0.616",
        "log-loss 0.667",
        "1997-02-12 1997-11-19",
        "churned  71 %, predicted 67 %",
        "127.0.0.1:40077  ready, healthy  4 shards",
        "31,207 decided",
        "23419 win back 0.84 silent 152 days, usually buys every 29 days;",
    ):
        assert part in told
    assert "…" not in told


def test_what_is_wrong_is_said_in_words_on_the_smallest_usual_terminal() -> None:
    told = "\n".join(drawn(NIGHT, 80, 24))
    for part in (
        "0 of 2 workers well",
        "ready, unhealthy",
        "shard 0 stands still for 185 s: store: Redis does not answer",
        "the learner stands still: its state",
        "unreachable",
        "nothing listens there (connection refused)",
        "the triggers can't be read: connecting to 10.0.0.7:9092",
        "log time 15:56:55 (185 s ago)",
        "3 dead",
        "p99 >60 min (all)",
        "alarm of arrivals: marketing waits in shard 0, 4",
    ):
        assert part in told
    assert "3 of 8 in view" in "\n".join(drawn(NIGHT, 80, 32))


def test_what_is_decided_is_shown_with_what_holds_it_and_how_full_the_budgets_are() -> None:
    latest = tuple(replace(row, kind="offer" if n % 3 else "care") for n, row in enumerate(DEMO.latest))
    told = "\n".join(drawn(replace(NIGHT, latest=latest), 100, 60))
    assert "held by  hours 1,400  budget 500" in told
    assert "kinds    offer 20  care 10  of the latest 30" in told
    assert re.search(r"budget   gifts   300 of 300 █{30} 41 lacked room", told)
    assert re.search(r"budget   letters 1,250 of 9,000 █{4}\W* *│", told)
    assert "Decisions" not in "\n".join(drawn(DEMO, 100, 60))


def test_bars_are_as_long_as_the_bands_are_large() -> None:
    bars = {
        found[1]: found[2].count("█")
        for line in drawn(DEMO, 120)
        if (found := re.search(r"(safe|watch|at risk|lapsed) .* % (█+)", line))
    }
    assert bars["lapsed"] > bars["safe"] > bars["at risk"] > bars["watch"] > 0


def test_triggers_stand_newest_first_with_their_reasons() -> None:
    lines = [line for line in drawn(DEMO, 120) if "win back by email" in line]
    assert "23419" in lines[0]
    assert "23418" in lines[1]
    assert all("silent 152 days" in line for line in lines)


def test_reasons_stand_below_a_trigger_where_there_is_no_room_beside_it() -> None:
    lines = drawn(DEMO, 40, 60)
    at = next(n for n, line in enumerate(lines) if "23419" in line)
    assert "silent" not in lines[at]
    assert "silent 152 days, usually buys" in lines[at + 1]


def test_of_many_shards_those_that_wait_or_have_most_to_do_are_shown() -> None:
    shards = tuple(ShardRow(n, lag=n, state="working") for n in range(99))
    stuck = ShardRow(99, lag=0, state="waiting", why="clock_ahead: by 700 s")
    told = "\n".join(drawn(replace(DEMO, shards=(*shards, stuck), partitions=100), 120, 40))
    assert "clock_ahead: by 700 s" in told
    assert re.search(r"│ +98 +98 ", told)
    assert not re.search(r"│ +3 +3 ", told)
    assert re.search(r"and \d+ more", told)


def test_a_terminal_without_unicode_gets_plain_bars_and_charts() -> None:
    console = Console(width=80, file=io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace"))
    console.print(Frame(replace(DEMO, title="retention demo")))
    console.file.flush()
    assert isinstance(console.file, io.TextIOWrapper)
    told = console.file.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]  # a BytesIO, see above
    assert "?" not in told
    assert "####" in told


def test_what_comes_from_outside_is_no_markup() -> None:
    row = TriggerRow(0, "[bold]anna[/]", "win_back", "email", 0.9, ("[red]said so[/red] :smile:",))
    told = "\n".join(drawn(replace(DEMO, latest=(row,)), 120))
    assert "[bold]anna[/]" in told
    assert "[red]said so[/red] :smile:" in told


def test_wide_characters_keep_the_frame_whole() -> None:
    row = TriggerRow(0, "顧客番号四七一一", "win_back", "email", 0.9, ("長い間購入がありません。" * 12,))
    lines = drawn(replace(DEMO, latest=(row,)), 80, 30)
    assert {cell_len(line) for line in lines[1:]} == {80}


def test_a_worker_with_a_long_name_leaves_room_for_its_health() -> None:
    told = "\n".join(drawn(replace(DEMO, workers=(WorkerRow("w" * 200, True, True, True),)), 80, 24))
    assert "ready, healthy" in told


def test_the_picture_shows_the_same_words_and_loads_nothing() -> None:
    for width in (80, 120):
        picture = svg(DEMO, width)
        told = picture.replace("&#160;", " ")
        assert "Customers 23,570" in told
        assert "silent 152 days" in told
        assert "url(http" not in picture
        assert set(re.findall(r"https?://[^\"' <]+", picture)) == {"http://www.w3.org/2000/svg"}
    assert svg(DEMO) == svg(DEMO), "a picture of the same view is the same picture"


def test_a_picture_that_can_not_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    write_svg(DEMO, tmp_path / "top.svg")
    assert [file.name for file in tmp_path.iterdir()] == ["top.svg"], "nothing else is left"
    with pytest.raises(PictureNotWritten, match=r"--svg is .*nowhere.*remedy: name a file"):
        write_svg(DEMO, tmp_path / "nowhere" / "top.svg")


def blocks(*sizes: tuple[int, int, int]) -> list[Block]:
    return [Block(rank, least, most, lambda rows: "") for rank, least, most in sizes]


def test_blocks_get_their_least_by_rank_and_the_rest_goes_to_the_last() -> None:
    three = blocks((2, 3, 9), (0, 4, 4), (1, 2, 20))
    assert allot(three, None) == [9, 4, 20]
    assert allot(three, 3) == [0, 0, 3], "what does not fit is left out, and makes room for what does"
    assert allot(three, 6) == [0, 4, 2]
    assert allot(three, 9) == [3, 4, 2]
    assert allot(three, 14) == [8, 4, 2]
    assert allot(three, 20) == [9, 4, 7]


@pytest.mark.parametrize("module", [glyphs, text])
def test_the_examples_in_docstrings_are_true(module: object) -> None:
    done = doctest.testmod(module)  # type: ignore[arg-type]  # a module is an object
    assert done.failed == 0
    assert done.attempted >= 4
