"""What probes print: what is right is taken, what is wrong is told with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.probes.output.figures import figure
from collectors.probes.output.names import fitting, point_flaw
from collectors.probes.output.parse import parse
from collectors.probes.output.parsed import MAX_COMPONENTS, MAX_EVENTS, MAX_FLAWS, Parsed
from common.events import Severity
from common.series import Kind

NO_NAME = "is no name of a point (1 to 19 of A-Z a-z 0-9 _ -)"


def told(text: str, status: int = 0) -> Parsed:
    return parse(text.encode(), status)


def sentences(text: str, status: int = 0) -> list[str]:
    return [flaw.sentence for flaw in told(text, status).flaws]


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_figures_are_numbers_or_the_text_of_numbers() -> None:
    parsed = told('{"dmkcheckd": {"data": "476", "stack": 136, "share": " 0.5 ", "none": null, "big": 1.5e3}}')
    assert parsed.components == {"dmkcheckd": {"data": 476, "stack": 136, "share": 0.5, "none": None, "big": 1500.0}}
    assert not parsed.flaws
    assert type(parsed.components["dmkcheckd"]["data"]) is int


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": {"x": 1}}, "tracking"]',
        '{"handler": "tracking", "components": {"a": {"x": 1}}}',
        '{"components": {"a": {"x": 1}}, "events": [], "handler": "tracking"}',
    ],
)
def test_the_handler_may_stand_beside_the_figures(text: str) -> None:
    parsed = told(text)
    assert (parsed.handler, parsed.components, parsed.flaws) == ("tracking", {"a": {"x": 1}}, [])


def test_a_component_may_be_called_handler() -> None:
    assert told('{"handler": {"x": 1}}').components == {"handler": {"x": 1}}


def test_device_is_the_device_itself() -> None:
    assert told('{"device": {"x": 1}}').components == told('{"": {"x": 1}}').components == {"": {"x": 1}}


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ('"x": NaN', "line 2, column 6: the point 'x' of 'a' is no number"),
        ('"x": -Infinity', "line 2, column 6: the point 'x' of 'a' is no number"),
        ('"x": "nan"', "line 2, column 6: the point 'x' of 'a' is no number"),
        ('"x": 1e400', "line 2, column 6: the point 'x' of 'a' is larger than any number that can be held (1.8e308)"),
        ('"x": "0x10"', "line 2, column 6: the point 'x' of 'a' is no number"),
        ('"x": true', "line 2, column 6: the point 'x' of 'a' is no number: a number or the text of one was expected"),
        ('"x": [1]', "line 2, column 6: the point 'x' of 'a' is no number: a number or the text of one was expected"),
        ('"x": 1, "x": 2', "line 2, column 9: the point 'x' of 'a' stands twice; none of them is taken"),
        ('"a b": 1', f"line 2, column 1: the point 'a b' of 'a' {NO_NAME}; a_b would be one"),
        ('"": 1', f"line 2, column 1: the point '' of 'a' {NO_NAME}; root would be one"),
    ],
)  # fmt: skip
def test_a_wrong_figure_harms_itself_alone(item: str, sentence: str) -> None:
    text = f'{{"a": {{"y": 2,\n{item}}}}}'
    parsed = told(text)
    assert [flaw.sentence for flaw in parsed.flaws] == [sentence]
    assert parsed.components == {"a": {"y": 2}}


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("../etc/passwd", "leads upwards"),
        ("a/../b", "leads upwards"),
        ("..\\\\x", "leads upwards"),
        ("a\\u0000b", "control character"),
        ("a\\nb", "control character"),
        ("\\ud800", "control character"),
        ("\\u202e", "control character"),
        ("x" * 300, "300 characters"),
        (" a", "space"),
    ],
)
def test_a_component_with_a_bad_name_is_left_out(key: str, word: str) -> None:
    parsed = told(f'{{"{key}": {{"x": 1}}, "/home": {{"x": 2}}}}')
    assert parsed.components == {"/home": {"x": 2}}
    assert word in parsed.flaws[0].sentence
    assert not any(ord(sign) < 32 and sign != "\n" for sign in parsed.flaws[0].sentence + parsed.flaws[0].shown)


def test_a_component_that_stands_twice_or_has_no_points_is_left_out() -> None:
    parsed = told('{"a": {"x": 1}, "b": 3, "a": {"x": 2}, "c": {"x": 4}}')
    assert parsed.components == {"c": {"x": 4}}
    assert len(parsed.flaws) == 2


def test_the_excerpt_has_a_caret_under_the_place() -> None:
    (flaw,) = told('{"a": {"x": 1,]}').flaws
    line, caret = flaw.shown.splitlines()
    assert flaw.sentence == "line 1, column 15: this is no JSON: a key in double quotes was expected"
    assert line[caret.index("^")] == "]"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": {"x": 1}', "line 1, column 15: this is no JSON: a comma or } was expected"),
        ('{"a": {"x": 1}} {"b": {}}', "line 1, column 17: this is no JSON: there is something behind the end"),
        ('{"a\n": 1}', "line 1, column 4: this is no JSON: a control character stands in a text"),
        ('{"a": "\\x"}', "line 1, column 8: this is no JSON: behind the backslash stands no escape"),
        ('{"a": 01}', "line 1, column 8: this is no JSON: a comma or } was expected"),
        ('{"a": tru}', "line 1, column 7: this is no JSON: a value was expected"),
        ('{"a": "x', "line 1, column 7: this is no JSON: the text that begins here has no end"),
        ("hello", "line 1, column 1: JSON"),
        ("", "line 1, column 1: it printed nothing"),
        ("[1, 2, 3]", "line 1, column 1: an array has two parts"),
        ("[[]]", "line 1, column 2: an object"),
        ('[{}, "a/b"]', "line 1, column 6: the handler 'a/b' is no id of a template"),
        ('{"a":' * 100_000, "line 1, column 166: this is no JSON: it is nested more than 32 levels deep"),
        ("[" * 100_000, "line 1, column 34: this is no JSON: it is nested more than 32 levels deep"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(text: str, sentence: str) -> None:
    parsed = told(text)
    assert parsed.flaws[0].sentence.startswith(sentence)
    assert not parsed.components


def test_bytes_that_are_no_text_are_told() -> None:
    (flaw,) = parse(b'{"a": {"x": 1},\n "\xff": {}}', 0).flaws
    assert flaw.sentence == "line 2, column 3: byte 18 is no UTF-8 text"


def test_everything_is_bounded() -> None:
    many = told("{" + ",".join(f'"c{n}": {{"x": 1}}' for n in range(MAX_COMPONENTS + 5)) + "}")
    assert len(many.components) == MAX_COMPONENTS
    assert "at most 1000 components" in many.flaws[0].sentence
    wrong = told("{" + ",".join(f'"c{n}": 1' for n in range(500)) + "}")
    assert (len(wrong.flaws), wrong.more_flaws) == (MAX_FLAWS, 480)
    wide = told('{"a": {' + ",".join(f'"p{n}": 1' for n in range(300)) + "}}")
    assert len(wide.components["a"]) == 200


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_taken_one_by_one() -> None:
    parsed = told(
        """{"events": [
        {"summary": "disk replaced", "severity": "info", "component": "sda", "class": "/Probe/Disk", "key": "k"},
        {"severity": 5}, {"summary": "x", "severity": "loud"}, {"summary": "x", "colour": "red"}, 7,
        {"summary": "x\\u001b[31m", "severity": 4, "component": "../x"}, {"summary": "bare"}]}"""
    )
    assert [(one.summary, one.severity, one.component) for one in parsed.events] == [
        ("disk replaced", Severity.INFO, "sda"),
        ("bare", Severity.WARNING, ""),
    ]
    assert len(parsed.flaws) == 5
    many = told('{"events": [' + ",".join(['{"summary": "x"}'] * 50) + "]}")
    assert len(many.events) == MAX_EVENTS
    assert len(many.flaws) == 1


# --- Nagios -----------------------------------------------------------------------------------------------------------

DISK = """DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968
/ 15272 MB (77%);
/boot 68 MB (69%);
/home 69357 MB (27%); | /boot=68MB;88;93;0;98
/home=69357MB;253404;253409;0;253414
/var/log=818MB;970;975;0;980"""
"""The example of the plugin API of Nagios."""


def test_the_example_of_nagios_is_taken_whole() -> None:
    parsed = told(DISK)
    mib = 1 << 20
    assert parsed.components == {
        "": {"root": 2643 * mib, "boot": 68 * mib, "home": 69357 * mib, "var_log": 818 * mib}
    }  # fmt: skip
    assert parsed.points["root"].unit == "bytes"
    assert parsed.text == "DISK OK - free space: / 3326 MB (56%);"
    assert parsed.long_text.splitlines() == ["/ 15272 MB (77%);", "/boot 68 MB (69%);", "/home 69357 MB (27%); "]
    assert (parsed.state, parsed.flaws) == (0, [])


@pytest.mark.parametrize(
    ("figure_", "value", "unit"),
    [
        ("a=3", 3, ""),
        ("a=3s", 3, "s"),
        ("a=3ms", 0.003, "s"),
        ("a=3us", 3e-06, "s"),
        ("a=45.5%;80;90;0;100", 45.5, "percent"),
        ("a=7B", 7, "bytes"),
        ("a=7KB", 7168, "bytes"),
        ("a=7GiB", 7 * 2**30, "bytes"),
        ("a=-0.5;@10:20;~:5", -0.5, ""),
        ("a=0,5s", 0.5, "s"),
        ("'a'=1", 1, ""),
    ],
)
def test_units_of_nagios(figure_: str, value: float, unit: str) -> None:
    parsed = told(f"OK - fine | {figure_}")
    assert parsed.components[""]["a"] == pytest.approx(value)
    assert parsed.points["a"].unit == unit
    assert not parsed.flaws


def test_labels_of_nagios_become_names_that_rrd_can_hold() -> None:
    parsed = told("OK | 'it''s a = disk'=1 time=2c x=U 'a very long label of a figure'=3")
    assert parsed.components[""]["it_s_a_disk"] == 1
    assert parsed.components[""]["x"] is None
    assert parsed.points["time"].kind is Kind.COUNTER
    long = fitting("a very long label of a figure")
    assert parsed.components[""][long] == 3
    assert len(long) <= 19


@given(st.text(max_size=60), st.sampled_from(["", "_p95", "_rate"]))
def test_what_fits_is_a_name_of_a_point(name: str, more: str) -> None:
    found = fitting(name, more)
    assert not point_flaw(found)
    assert found.endswith(more)


def test_long_names_are_told_apart() -> None:
    assert fitting("requests_of_all_customers_a", "_max") != fitting("requests_of_all_customers_b", "_max")


def test_wrong_figures_of_nagios_harm_themselves_alone() -> None:
    parsed = told("WARNING - x | a=1 b=2furlong c=x=3 a=4 d=5", 1)
    assert parsed.components == {"": {"a": 1, "d": 5}}
    assert parsed.state == 1
    assert len(parsed.flaws) == 3
    assert parsed.flaws[0].sentence.startswith("line 1, column 19: the unit 'furlong'")


@pytest.mark.parametrize(
    ("text", "status", "form"),
    [
        ("PING CRITICAL - 100% loss", 2, "nagios"),
        ("all fine | x=1", 0, "nagios"),
        ("[OK] fine | x=1", 0, "nagios"),
        ("all fine", 0, ""),
        ("PING CRITICAL", 4, ""),
        ('{"OK": {"x": 1}}', 0, "json"),
    ],
)
def test_which_form_it_is(text: str, status: int, form: str) -> None:
    assert told(text, status).form == form


def test_huge_figures() -> None:
    assert figure("18446744073709551615") == 2**64 - 1
    assert figure("-" + "9" * 30) == -1e30
    for text in ("9" * 399, "", "--1", "1_000", "１２"):
        with pytest.raises(ValueError, match=r"is|has"):
            figure(text)
