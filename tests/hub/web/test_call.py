from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.call import Call
from hub.web.refusals import RefusalError


def call(**query: list[str]) -> Call:
    return Call({}, query, b"")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda c: c.text("x"), None),
        (lambda c: c.text("x", "d"), "d"),
        (lambda c: c.all("x"), []),
        (lambda c: c.integer("x", 5, 1, 9), 5),
        (lambda c: c.seconds("x", 1.5, 60), 1.5),
        (lambda c: c.choice("x", "png", ("png", "svg")), "png"),
        (lambda c: c.flag("x"), False),
        (lambda c: c.moment("x"), None),
    ],
)
def test_what_is_not_given_has_its_default(read: Callable[[Call], Any], value: object) -> None:
    assert read(call()) == value


@pytest.mark.parametrize(
    ("read", "given", "value"),
    [
        (lambda c: c.integer("x", 5, 1, 9), "7", 7),
        (lambda c: c.seconds("x", 0, 60), "2.5", 2.5),
        (lambda c: c.flag("x"), "1", True),
        (lambda c: c.flag("x"), "", True),
        (lambda c: c.flag("x"), "no", False),
        (lambda c: c.moment("x"), "1800000000.5", 1_800_000_000.5),
        (lambda c: c.moment("x"), "2027-01-15T08:00:00Z", 1_800_000_000.0),
        (lambda c: c.moment("x"), "2027-01-15T09:00:00+01:00", 1_800_000_000.0),
        (lambda c: c.moment("x"), "2027-01-15T08:00:00", 1_800_000_000.0),
    ],
)
def test_what_is_given_is_read(read: Callable[[Call], Any], given: str, value: object) -> None:
    assert read(call(x=[given])) == value


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (lambda c: c.text("x"), ["a", "b"]),
        (lambda c: c.wanted("y"), ["a"]),
        (lambda c: c.integer("x", 5, 1, 9), ["ten"]),
        (lambda c: c.integer("x", 5, 1, 9), ["10"]),
        (lambda c: c.integer("x", 5, 1, 9), ["9" * 5000]),
        (lambda c: c.seconds("x", 0, 60), ["61"]),
        (lambda c: c.seconds("x", 0, 60), ["nan"]),
        (lambda c: c.seconds("x", 0, 60), ["-1"]),
        (lambda c: c.choice("x", "png", ("png", "svg")), ["gif"]),
        (lambda c: c.flag("x"), ["maybe"]),
        (lambda c: c.moment("x"), ["yesterday"]),
        (lambda c: c.moment("x"), ["inf"]),
        (lambda c: c.moment("x"), ["-5"]),
        (lambda c: c.moment("x"), ["99999-01-01"]),
        (lambda c: c.only("y"), ["a"]),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(read: Callable[[Call], Any], given: list[str]) -> None:
    with pytest.raises(RefusalError) as refused:
        read(call(x=given))
    assert refused.value.status == 400
    assert len(str(refused.value)) < 400


@given(st.text())
def test_no_text_breaks_a_reader(text: str) -> None:
    one = call(x=[text])
    for read in (
        lambda: one.integer("x", 5, 1, 9),
        lambda: one.seconds("x", 0, 60),
        lambda: one.flag("x"),
        lambda: one.moment("x"),
        one.only,
        lambda: Call({"event": text}, {}, b"").number("event"),
        lambda: Call({}, {}, text.encode("utf-8", "replace")).body(dict),
    ):
        with contextlib.suppress(RefusalError):
            read()
