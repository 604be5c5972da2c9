"""Which processes a name means."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from collectors.framework.processtable import ProcessRow
from collectors.status.names import Names, mistake_of
from collectors.status.passes import ProcessName
from common.sources import Match


def row(name: str, *arguments: str) -> ProcessRow:
    line = " ".join(arguments)
    path, _, parameters = line.partition(" ")
    return ProcessRow(
        pid=7,
        name=name,
        path=path,
        parameters=parameters,
        started=1.0,
        cpu_s=0.0,
        memory_bytes=0,
        status="sleeping",
        alive=True,
    )


def means(text: str, match: Match, name: str, *arguments: str) -> bool:
    return Names([ProcessName(name=text, match=match)], lambda _: arguments).of(row(name, *arguments)) == (0,)


@pytest.mark.parametrize(
    ("text", "match", "name", "arguments", "meant"),
    [
        ("ngin", Match.SUBSTRING, "nginx", ["nginx: master"], True),
        ("worker.sh", Match.SUBSTRING, "bash", ["bash", "/opt/worker.sh", "-v"], True),
        ("Worker", Match.SUBSTRING, "bash", ["bash", "/opt/worker.sh"], False),
        ("worker.sh -v", Match.SUBSTRING, "bash", ["bash", "/opt/worker.sh", "-v"], False),
        ("two words", Match.SUBSTRING, "sh", ["sh", "-c", "echo two words"], True),
        ("c echo", Match.SUBSTRING, "sh", ["sh", "-c", "echo two words"], False),
        ("kworker", Match.SUBSTRING, "kworker/0:1", [], True),
        ("bash", Match.EXACT, "bash", ["-bash"], True),
        ("bas", Match.EXACT, "bash", ["-bash"], False),
        ("-v", Match.EXACT, "bash", ["bash", "/opt/worker.sh", "-v"], True),
        ("/opt/worker.sh", Match.EXACT, "bash", ["bash", "/opt/worker.sh", "-v"], True),
        ("worker.sh", Match.EXACT, "bash", ["bash", "/opt/worker.sh", "-v"], False),
        ("a-program-with-a-long-name", Match.EXACT, "a-program-with-", ["/bin/a-program-with-a-long-name"], True),
        ("a-program-with-", Match.EXACT, "a-program-with-", ["other"], True),
        (r"^/opt/\w+\.sh$", Match.REGEX, "bash", ["bash", "/opt/worker.sh", "-v"], True),
        (r"^worker", Match.REGEX, "bash", ["bash", "/opt/worker.sh", "-v"], False),
        (r"sh -v", Match.REGEX, "bash", ["bash", "/opt/worker.sh", "-v"], False),
        (r"^bash$", Match.REGEX, "bash", ["-bash"], True),
        ("x", Match.REGEX, "bash", [], False),
    ],
)
def test_a_name_is_looked_for_in_the_name_and_in_each_argument(
    text: str, match: Match, name: str, arguments: list[str], meant: bool
) -> None:
    assert means(text, match, name, *arguments) is meant


def test_arguments_are_read_only_where_the_line_leaves_a_doubt_and_once_for_all_names() -> None:
    asked: list[int] = []

    def arguments(pid: int) -> Sequence[str]:
        asked.append(pid)
        return ("sh", "-c", "echo two words")

    program = row("sh", "sh", "-c", "echo two words")
    assert Names([ProcessName(name="echo"), ProcessName(name="nothing")], arguments).of(program) == (0,)
    assert Names([ProcessName(name="no words")], arguments).of(program) == ()
    assert asked == []
    several = [ProcessName(name="two words"), ProcessName(name="-c", match=Match.EXACT), ProcessName(name="sh")]
    assert Names(several, arguments).of(program) == (0, 1, 2)
    assert asked == [7]


def test_names_with_a_mistake_say_so_and_mean_nobody() -> None:
    empty, broken = ProcessName(name=""), ProcessName(name="(", match=Match.REGEX)
    assert "must not be empty" in mistake_of(empty)
    assert "is no RE2 pattern" in mistake_of(broken)
    assert mistake_of(ProcessName(name="(")) == ""
    names = Names([empty, broken, ProcessName(name="sh")], lambda _: ("sh",))
    assert names.of(row("sh", "sh")) == (2,)
