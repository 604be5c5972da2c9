"""Command lines and the sets that take them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.configs import ProcessSetConfig
from common.matching import (
    MAX_SETS,
    Matcher,
    SetName,
    arguments_of,
    check_definition,
    command_line,
    matcher_of,
    printable,
)


def definition(id_: str, include: str, **changes: Any) -> ProcessSetConfig:
    fields: dict[str, Any] = {"id": id_, "title": id_, "order": 1, "include": include, "name": id_}
    return ProcessSetConfig(**(fields | changes))


@pytest.mark.parametrize(
    ("path", "name", "parameters", "line"),
    [
        ("/usr/sbin/sshd", "sshd", "-D", "/usr/sbin/sshd -D"),
        ("", "kthreadd", "", "kthreadd"),
        ("C:\\Windows\\System32", "svchost.exe", "-k netsvcs", "svchost.exe -k netsvcs"),
        ("", "", "", ""),
    ],
)
def test_the_line_is_path_or_name_and_arguments(path: str, name: str, parameters: str, line: str) -> None:
    assert command_line(path, name, parameters) == line


def test_the_smallest_order_takes_a_line_that_several_match() -> None:
    matcher = Matcher([definition("any", ".", order=9), definition("ssh", "sshd", order=2)])
    assert matcher.match("/usr/sbin/sshd -D") == SetName("ssh", "ssh")
    assert matcher.match("/usr/sbin/cron") == SetName("any", "any")
    assert matcher.all_matches("/usr/sbin/sshd -D") == ["ssh", "any"]


def test_an_exclude_vetoes_and_the_next_definition_may_take_it() -> None:
    matcher = Matcher([definition("ssh", "sshd", order=1), definition("editors", "vim", order=2, exclude="")])
    assert matcher.match("vim /etc/ssh/sshd_config") == SetName("editors", "editors")
    assert matcher.match("grep sshd") is None


def test_groups_make_sets_of_their_own() -> None:
    matcher = Matcher([definition("pg", r"postgres: (?P<cluster>\S+)?: (\w+)", name="pg {cluster} {2}")])
    assert matcher.match("postgres: main: walwriter") == SetName("pg", "pg main walwriter")
    assert matcher.match("postgres: : checkpointer") == SetName("pg", "pg  checkpointer")


def test_two_definitions_with_one_name_are_two_components() -> None:
    matcher = Matcher([definition("a", "^a", name="web"), definition("b", "^b", name="web", order=2)])
    assert matcher.match("a 1") == SetName("a", "web")
    assert matcher.match("b 1") == SetName("b", "web [b]")


def test_a_hostile_host_cannot_make_sets_without_end() -> None:
    matcher = Matcher([definition("worker", r"worker-(\d+)", name="worker {1}")])
    names = {matcher.match(f"worker-{number}") for number in range(MAX_SETS * 3)}
    assert len(names - {None}) == MAX_SETS
    assert matcher.overflowing == {"worker"}


def test_what_is_required_is_expected_by_name() -> None:
    matcher = Matcher([definition("a", "^a", required=True), definition("b", "^b")])
    assert set(matcher.expected()) == {"a"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"include": "sshd("}, "include"),
        ({"include": r"(a)\1"}, "RE2"),
        ({"exclude": "[z-a]"}, "exclude"),
        ({"name": "{2}"}, r"\{2\} is no group"),
        ({"name": "{app}"}, r"\{app\} is no group"),
        ({"count_min": 3, "count_max": 2}, "min 3 is over max 2"),
    ],
)
def test_each_mistake_of_a_definition_is_a_sentence(changes: dict[str, Any], says: str) -> None:
    fields: dict[str, Any] = {"id": "x", "title": "x", "order": 1, "include": "(a)", "name": "x"}
    (mistake,) = check_definition(ProcessSetConfig(**(fields | changes)))
    assert re.search(says, mistake), mistake


def test_a_sound_definition_has_no_mistakes() -> None:
    assert check_definition(definition("x", r"(?P<app>\w+) (\d+)", name="{app} {2} {0}")) == []


def test_a_pattern_that_would_explode_elsewhere_takes_linear_time() -> None:
    matcher = Matcher([definition("evil", r"(a+)+$")])
    began = time.process_time()
    matcher.match("a" * 30_000 + "!")
    assert time.process_time() - began < 2


@given(st.text())
def test_what_is_shown_has_no_control_characters_and_an_end(text: str) -> None:
    shown = printable(text, 50)
    assert len(shown) <= 50
    assert all(character.isprintable() for character in shown)


@given(st.text(max_size=200))
def test_any_line_is_matched_or_not_but_never_an_error(line: str) -> None:
    matcher = Matcher([definition("word", r"(?P<first>\w+)", name="{first}", exclude="x")])
    found = matcher.match(line)
    assert found is None or len(found.component) <= 255


@pytest.mark.parametrize(
    ("path", "name", "parameters", "arguments"),
    [
        ("/usr/sbin/sshd", "sshd", "-D -p 22", "-D -p 22"),
        ("/usr/sbin/sshd", "sshd", "-D ", "-D"),
        ("", "", "  -x", "-x"),
        ("/bin/true", "true", "", ""),
    ],
)
def test_a_line_ends_with_its_arguments(path: str, name: str, parameters: str, arguments: str) -> None:
    line = command_line(path, name, parameters)
    count = arguments_of(line, parameters)
    assert line[len(line) - count :] == arguments


def test_devices_share_a_matcher_unless_names_depend_on_what_runs() -> None:
    plain, grouped = (definition("a", "^a"), definition("b", "^b")), (definition("web", "^web (.)", name="web {1}"),)
    assert matcher_of(plain) is matcher_of((*plain,))
    one, other = matcher_of(grouped), matcher_of((*grouped,))
    assert one is not other
    for letter in map(chr, range(0x4E00, 0x4E00 + MAX_SETS + 1)):
        one.match(f"web {letter}")
    assert (one.overflowing, other.overflowing) == ({"web"}, set())
