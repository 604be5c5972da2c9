"""Names of rows."""

from __future__ import annotations

import pytest

from common.rownames import RowNameError, parse_row_name

ROW = {1: "eth0", 2: "", 3: None}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{$1}", "eth0"),
        ("port {index}: {$1}", "port 4.2: eth0"),
        ("{$2}", ""),
        ("{$2|$1}", "eth0"),
        ("{$3|index}", "4.2"),
        ("{$3|$2|if#}", "if4.2"),
        ("{$3}", None),
        ("{$3|$2}", ""),
    ],
)
def test_places_are_filled(text: str, name: str | None) -> None:
    assert parse_row_name(text, 3).fill("4.2", ROW.__getitem__) == name


@pytest.mark.parametrize(
    ("text", "told"),
    [("{$1", "a brace is not closed"), ("{$4}", "there is no $4"), ("{x}", "got '{x}'"), ("{$0#}", "got '{$0#}'")],
)
def test_what_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(RowNameError) as caught:
        parse_row_name(text, 3)
    assert told in str(caught.value)
