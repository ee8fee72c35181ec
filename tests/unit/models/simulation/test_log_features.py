"""Columns of any log become bounded numbers, of the row and the rows before it alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.simulation.log_features import CUT, FIRST, columns_of, encoded, is_missing

CELLS = st.sampled_from(["", "NA", "1", "2.5", "-3", "1e3", "yes", "no", "red", "green", "inf", "nan", "  4 "])


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=60), st.integers(1, 12))
def test_any_cells_become_bounded_numbers_in_the_room_there_is(rows: list[tuple[str, str]], most: int) -> None:
    table = {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}
    columns = columns_of(table, most)
    found = encoded(table, columns)
    assert found.shape == (len(rows), 1 + sum(len(column.names) for column in columns))
    assert found.shape[1] <= 1 + most
    assert np.isfinite(found).all()
    assert abs(found).max() <= CUT
    assert (found[:, 0] == 1.0).all()


@given(st.lists(CELLS, min_size=3, max_size=60), st.data())
def test_a_row_knows_nothing_of_those_that_follow(cells: list[str], data: st.DataObject) -> None:
    table = {"a": cells}
    columns = columns_of(table, 30)
    cut = data.draw(st.integers(1, len(cells) - 1))
    changed = {"a": cells[:cut] + list(reversed(cells[cut:]))}
    assert encoded(table, columns)[:cut].tolist() == encoded(changed, columns)[:cut].tolist()


def test_a_number_is_held_against_those_before_it() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(100, 20, 500)
    table = {"x": [repr(value) for value in values.tolist()]}
    (column,) = columns_of(table, 30)
    found = encoded(table, [column])[:, 1]
    assert (found[:FIRST] == 0.0).all()
    for row in (FIRST, 100, 499):
        before = values[:row]
        assert found[row] == pytest.approx(np.clip((values[row] - before.mean()) / before.std(), -CUT, CUT))


def test_frozen_features_learn_nothing_more() -> None:
    table = {"x": [str(value) for value in [*range(50), *range(1_000, 1_050)]]}
    columns = columns_of(table, 30)
    frozen = encoded(table, columns, frozen=50)
    assert (frozen[50:, 1] == CUT).all()
    assert (encoded(table, columns)[90:, 1] < CUT).all()
    assert frozen[:50].tolist() == encoded(table, columns)[:50].tolist()


def test_words_have_a_column_each_in_the_order_in_which_they_came() -> None:
    table = {"colour": ["red", "green", "blue", "red", ""]}
    (column,) = columns_of(table, 30)
    assert column.names == ["colour=red", "colour=green", "colour=blue", "colour=(missing)"]
    assert encoded(table, [column])[:, 1:].tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
    ]


def test_two_words_are_one_column_and_many_are_bounded() -> None:
    (flag,) = columns_of({"flag": ["False", "True", "False"]}, 30)
    assert flag.names == ["flag=True"]
    (many,) = columns_of({"city": [f"city {n}" for n in range(500)]}, 10)
    assert many.names == [*(f"city=city {n}" for n in range(6)), "city=(others)"]
    assert encoded({"city": ["city 400"]}, [many])[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]


def test_where_there_is_no_room_the_last_columns_are_left_out() -> None:
    table = {name: ["1", "2", "3"] * 5 for name in "abcdef"}
    assert [column.name for column in columns_of(table, 3)] == ["a", "b", "c"]
    assert columns_of(table, 0) == []


def test_a_few_words_among_numbers_are_missing_numbers() -> None:
    table = {"income": [str(n) for n in range(100)] + ["unknown"]}
    (column,) = columns_of(table, 30)
    assert (column.numeric, column.missing) == (True, True)
    assert encoded(table, [column])[100].tolist() == [1.0, 0.0, 0.0, 1.0]


def test_a_number_that_never_changes_says_nothing() -> None:
    table = {"one": ["7"] * 30}
    assert (encoded(table, columns_of(table, 30))[:, 1:] == 0.0).all()


@pytest.mark.parametrize("cell", ["", " ", "NA", "n/a", "NaN", "NULL", "None", "?"])
def test_what_stands_for_nothing(cell: str) -> None:
    assert is_missing(cell)


def test_a_column_of_nothing_is_a_column() -> None:
    table = {"empty": ["", "", ""]}
    assert encoded(table, columns_of(table, 5))[:, 1:].tolist() == [[1.0]] * 3
