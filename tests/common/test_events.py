"""Severities, and which events are the same alarm."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.events import Event, Severity, fingerprint, identity, parse_severity


def event(**changes: object) -> Event:
    base = Event(
        device="web1",
        component="nginx",
        event_class="/Status/OSProcess",
        event_key="process_missing",
        severity=Severity.ERROR,
        summary="nginx is missing",
        at=1.0,
    )
    return msgspec.structs.replace(base, **changes)


@pytest.mark.parametrize(("text", "wanted"), [("error", 4), ("Critical", 5), ("0", 0), (3, 3), ("clear", 0)])
def test_a_severity_is_read_by_name_and_number(text: str | int, wanted: int) -> None:
    assert parse_severity(text) == wanted


@pytest.mark.parametrize("text", ["fatal", "9", "-1", ""])
def test_an_unknown_severity_names_those_that_exist(text: str) -> None:
    with pytest.raises(ValueError, match=r"critical \(5\)"):
        parse_severity(text)


def test_a_worse_repeat_and_a_clear_are_the_same_alarm() -> None:
    first = fingerprint(event())
    assert fingerprint(event(severity=Severity.CRITICAL, summary="still missing", at=9.0)) == first
    assert fingerprint(event(severity=Severity.CLEAR, summary="nginx is up")) == first


@pytest.mark.parametrize("field", ["device", "component", "event_class", "event_key"])
def test_each_part_of_the_identity_counts(field: str) -> None:
    assert fingerprint(event(**{field: "other"})) != fingerprint(event())


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\x1f")), min_size=4, max_size=4))
def test_parts_do_not_run_into_each_other(parts: list[str]) -> None:
    a, b, c, d = parts
    shifted = (a + "x", b, c, d)
    assert identity(*shifted) != identity(a, "x" + b, c, d)
