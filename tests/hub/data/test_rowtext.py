from __future__ import annotations

from hub.data.rowtext import csv_text


def test_what_is_unknown_is_empty_and_texts_are_quoted_where_they_must_be() -> None:
    assert csv_text(["time", "a,b"], [(["now"], [1, None, -2.5])]) == 'time,"a,b"\nnow,1,,-2.5\n'
    assert csv_text([], [(["now"], [1])]) == "now,1\n"


def test_a_text_that_a_spreadsheet_would_run_is_a_text() -> None:
    for evil in ("=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1"):
        titles, row = csv_text([evil], [([evil], [-1])]).replace('"', "").split("\n", 1)
        assert titles == f"'{evil}"
        assert row == f"'{evil},-1\n"
