# mypy: allow-untyped-calls
"""`tocsin device show --templates` and `device change --bind` against the API itself, in memory."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli.device_changes import change_command
from hub.cli.devices import device_group
from hub.cli.exits import CommandError
from hub.cli.templates import draws, says, show_templates
from tests.hub.cli.test_components import InMemory
from tests.hub.web.http import Bridge
from tests.hub.web.test_templates import TemplateCase


class CommandTests(TemplateCase):
    def device(self, *arguments: str) -> Result:
        command = change_command if arguments[0] == "change" else device_group
        given = arguments[1:] if arguments[0] == "change" else arguments
        result = CliRunner().invoke(command, given, obj=InMemory(Bridge(self.client)))
        if result.exception is not None and not isinstance(result.exception, CommandError | SystemExit):
            raise result.exception
        return result

    def rows(self, name: str = "web1") -> list[list[str]]:
        lines = self.device("show", name, "--templates").stdout.splitlines()
        return [re.split(r"  +", line.strip()) for line in lines]

    def test_what_holds_and_what_does_not_is_shown_with_who_says_so(self) -> None:
        assert self.rows() == [
            ["TEMPLATE", "WHAT", "ID", "SAYS", "FROM"],
            ["leaf", "for process_set", "Of Europe", "group eu"],
            ["source", "table", "process: " + MEASURED, "base"],
            ["point", "per", "memory / count, in bytes", "base"],
            ["threshold", "busy", "cpu above 9: error, for 60 s, over when 0.5 within, one worse after 7",
             "leaf, instead of base"],
            ["graph", "memory", "per, memory", "base"],
            ["threshold", "quiet", "dropped by leaf; base has it"],
            ["weak", "for process_set", "class /"],
            ["threshold", "busy", "cpu above 1: warning", "weak; does not hold: leaf is stronger"],
            ["process set mill", "threshold", "busy", "cpu changes: warning", "process set mill"],
            ["other", "not held", "class /; unbound by group eu"],
            ["base", "not held", "class /; replaced by leaf, which group eu binds"],
        ]  # fmt: skip
        document = json.loads(self.device("show", "web1", "--templates", "--json").stdout)
        assert document == self.client.get("devices/web1/templates").json

    def test_a_device_without_templates_is_told_so(self) -> None:
        self.apply({"path": "f", "text": "kind: DeviceClass\nid: /\n---\nkind: ProcessSet\nid: mill\ninclude: x\n"})
        self.put("web2")
        result = self.device("show", "web2", "--templates")
        assert "No template is bound for web2" in result.output

    def test_templates_are_bound_and_unbound_at_a_device(self) -> None:
        self.device("change", "web1", "--bind", "other", "--unbind", "leaf")
        assert self.model.model.device("web1").templates == ("other", "-leaf")
        assert re.search(r"^templates +other, -leaf$", self.device("show", "web1").stdout, re.MULTILINE)
        self.device("change", "web1", "--inherit", "leaf")
        assert self.model.model.device("web1").templates == ("other",)
        error = self.device("change", "web1", "--bind", "leaf", "--unbind", "leaf").exception
        assert isinstance(error, CommandError)
        assert "--bind and --unbind both name leaf" in error.message

    def test_two_looks_at_once_are_refused(self) -> None:
        error = self.device("show", "web1", "--templates", "--properties").exception
        assert isinstance(error, CommandError)
        assert "two looks" in error.message


MEASURED = "count, cpu, memory, restarts, oldest_s, +12"


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (
            {"form": "limit", "points": ["a", "b"], "levels": [
                {"severity": "critical", "minimum": 1.0, "maximum": 9.5}, {"severity": "info", "minimum": 2.0},
            ]},
            "a or b below 1 or above 9.5: critical; below 2: info",
        ),
        (
            {"form": "band", "points": ["a"], "scans": 3, "enabled": False, "levels": [
                {"severity": "error", "minimum": 1.0, "maximum": 2.0},
            ]},
            "a between 1 and 2: error, 3 scans in a row (silenced)",
        ),
        (
            {"form": "trend", "points": ["memory"], "within_s": 21600, "window_s": None, "levels": [
                {"severity": "error", "minimum": None, "maximum": 2e9},
            ]},
            "memory on the way to 2e+09: error, there within 21600 s",
        ),
        (
            {"form": "limit", "points": ["cpu"], "scans": 3, "of": 5, "levels": [
                {"severity": "error", "minimum": None, "maximum": 90.0},
            ]},
            "cpu above 90: error, 3 of the last 5 scans",
        ),
        (
            {"form": "absence", "points": ["cpu"], "scans": 3, "levels": [{"severity": "error"}]},
            "cpu has no value: error, 3 scans in a row",
        ),
        (
            {"form": "baseline", "points": ["cpu"], "scans": 6, "of": 9, "levels": [{"severity": "warning"}]},
            "cpu not as its past makes likely: warning, 6 of the last 9 parts",
        ),
        (
            {"form": "baseline", "points": ["cpu"], "scans": 2, "of": None, "side": "over", "season_s": 604800,
             "width": 5.5, "least": 3.0, "least_percent": 0.0, "adapts": "slow", "learn_s": 1209600,
             "levels": [{"severity": "warning"}]},
            (
                "cpu above what its past makes likely: warning, season of 604800 s, 5.5 times the usual spread, by 3 at"
                " least, by 0 % at least, adapts slow, learned for 1209600 s, 2 parts in a row"
            ),
        ),
    ],
)  # fmt: skip
def test_a_threshold_in_words(threshold: dict[str, object], expected: str) -> None:
    assert says(threshold) == expected


def test_a_graph_in_words() -> None:
    curves = [{"point": "cpu", "transform": "value / count"}, {"point": "memory", "transform": "", "stack": True}]
    plain = {"points": [{"point": "cpu"}], "band": None, "thresholds": True, "events": True, "percentiles": []}
    rich = {**plain, "points": curves, "log": True, "band": True, "events": False, "percentiles": [95.0, 99.5]}
    assert draws(plain) == "cpu"
    assert draws(rich) == (
        "cpu as value / count, memory (stacked), logarithmic, with bands, without events, percentile 95 and 99.5"
    )


class _Answers:
    """An API that answers this."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def get(self, _path: str) -> dict[str, Any]:
        return self._answer


def test_why_sources_are_not_collected_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    whys = ["elsewhere", "elsewhere", "no daemon", ""]
    sources = [{"id": f"s{place}", "said_by": "host", "not_collected": why} for place, why in enumerate(whys)]
    answer: Any = _Answers({"templates": [{"id": "host", "component": "device", "sources": sources}]})
    show_templates(answer, "web1", as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition("host; ")[2] for line in lines[2:5]] == [
        "not collected (1)",
        "not collected (1)",
        "not collected (2)",
    ]
    assert lines[-2:] == ["(1) elsewhere", "(2) no daemon"]
