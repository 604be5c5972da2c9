from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from hub.data.rowtext import FORMULA, csv_text


def test_what_is_unknown_is_empty_and_texts_are_quoted_where_they_must_be() -> None:
    assert csv_text(["time", "a,b"], [(["now"], [1, None, -2.5])]) == 'time,"a,b"\nnow,1,,-2.5\n'
    assert csv_text([], [(["now"], [1])]) == "now,1\n"


def test_a_text_that_a_spreadsheet_would_run_is_a_text() -> None:
    for evil in ("=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1"):
        titles, row = csv_text([evil], [([evil], [-1])]).replace('"', "").split("\n", 1)
        assert titles == f"'{evil}"
        assert row == f"'{evil},-1\n"


@given(st.lists(st.text(st.sampled_from(["a", "=", "\r", "\n", '"', ",", "\0", "\u2028", "🚀", "'", " "])), min_size=1))
def test_any_name_is_one_cell_and_comes_back(names: list[str]) -> None:
    text = csv_text([], [([*names, "end"], [1]), (["next"], [2])])
    first, second = csv.reader(io.StringIO(text, newline=""))
    assert first == [*(f"'{name}" if name.startswith(FORMULA) else name for name in names), "end", "1"]
    assert second == ["next", "2"]
