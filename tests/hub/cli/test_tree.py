"""`tocsin tree`: the status tree as tables, and how it is asked for."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from rich.console import Console

from hub.cli import main as command_line
from hub.cli.client import Api
from hub.cli.context import Client
from hub.cli.exits import CommandError, Exit
from hub.cli.tokens import Credentials
from hub.cli.tree import tree_command, url_of
from hub.cli.treetables import ages, sections


def leaf(value: Any, units: str = "", age_s: float = 0.2, **more: Any) -> dict[str, Any]:
    return {"value": value, "writeable": False, "type": "x", "units": units, "age_s": age_s, **more}


ROOM = {"total": leaf(2048, "bytes"), "percent": leaf(25.9, "percent")}
TREE = {
    "disk": {"_": ROOM, "_mnt": {"total": leaf(None), "percent": leaf(None), "problem": leaf("it is gone\x1b[31m")}},
    "network": {"lo": {"packets_sent": leaf(1234567, "packets")}},
    "process": {"nginx": {}, "worker": {"812": {"cpu_percent": leaf(99.5, "percent")}}},
    "load": {"load1": leaf(0.5, "processes", description="mean of 1 min")},
    "uptime": {"boot": leaf(0, "epoch s", age_s=31.0)},
}


def drawn(node: Any, path: str = "") -> str:
    out = Console(file=io.StringIO(), width=100, markup=False, highlight=False)
    out.print(*sections(node, path), sep="\n")
    text = out.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    return "\n".join(line.rstrip() for line in str(text).splitlines())


def test_things_of_a_kind_are_a_table_and_single_ones_are_names_and_values() -> None:
    text = drawn(TREE)
    assert "disk\n        TOTAL  PERCENT  PROBLEM\n_     2.0 KiB   25.9 %\n_mnt        –        –  it is gone" in text
    assert "\x1b" not in text
    assert "PACKETS_SENT\nlo     1 234 567" in text
    assert "process/nginx\nnothing" in text
    assert "process/worker\n     CPU_PERCENT\n812       99.5 %" in text
    assert "load\nload1  0.5 processes  mean of 1 min" in text
    assert "boot  19" in text


def test_a_leaf_is_a_line_with_what_it_is_or_why_it_is_not_known() -> None:
    assert drawn(leaf(25.9, "percent", description="used"), "disk/_/percent") == "25.9 %  used"
    assert drawn(leaf(None, "bytes", reason="there is no /x"), "disk/_x/total") == "–  there is no /x"
    assert drawn(leaf([0, 1]), "x") == "0, 1"


def test_ages_are_those_of_all_values() -> None:
    assert (min(ages(TREE)), max(ages(TREE))) == (0.2, 31.0)
    assert ages({}) == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("", "/api/v1/status/here"),
        ("disk/_/total", "/api/v1/status/here/disk/_/total"),
        ("process/%2Fusr%2Fx/", "/api/v1/status/here/process/%2Fusr%2Fx/"),
        ("process/köchin a?b#c", "/api/v1/status/here/process/k%C3%B6chin%20a%3Fb%23c"),
    ],
)
def test_a_path_keeps_its_slashes_and_what_is_quoted(path: str, wanted: str) -> None:
    assert url_of("here", path) == wanted


def api(answer: httpx.Response, seen: list[httpx.Request]) -> Api:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer

    return Api("http://127.0.0.1:1", Credentials(token="t"), httpx.MockTransport(handle))


def run(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, *arguments: str) -> tuple[int, list[httpx.Request]]:
    seen: list[httpx.Request] = []
    served = api(answer, seen)
    monkeypatch.setattr(Client, "api", property(lambda _: served))
    assert tree_command.name == "tree"
    return command_line.main(["tree", *arguments]), seen


def test_json_is_the_document_as_it_is_and_metadata_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (plain,) = run(monkeypatch, httpx.Response(200, json={"value": 7}), "here", "disk/_/total", "--json")
    assert (code, capsys.readouterr().out) == (0, '{\n  "value": 7\n}\n')
    assert (plain.url.path, plain.headers["accept"]) == ("/api/v1/status/here/disk/_/total", "application/json")
    code, (described,) = run(monkeypatch, httpx.Response(200, json=leaf(7)), "here", "x", "--json", "--metadata")
    assert described.headers["accept"] == "application/json;metadata=true"


def test_a_path_that_leads_nowhere_ends_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = run(monkeypatch, httpx.Response(400, json={"error": "Invalid path: x"}), "here", "x")
    assert code == Exit.NOT_FOUND
    assert "Invalid path: x" in capsys.readouterr().err
    with pytest.raises(CommandError, match="Invalid path: x"):
        api(httpx.Response(400, json={"error": "Invalid path: x"}), []).tree("/x", metadata=False)


def test_it_is_shown_again_and_again_for_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, seen = run(
        monkeypatch,
        httpx.Response(200, json={"value": 7}),
        *("here", "x", "--follow", "--json", "--every", "0.1", "--for", "0.15"),
    )
    assert code == 0
    assert capsys.readouterr().out == '{"value": 7}\n' * len(seen)
    assert seen


@pytest.mark.parametrize("options", [("--every", "1"), ("--for", "1"), ("--metadata",), ("--follow", "--every", "0")])
def test_options_that_would_do_nothing_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    code, seen = run(monkeypatch, httpx.Response(200, json={}), "here", *options)
    assert (code, seen) == (Exit.USAGE, [])
    assert capsys.readouterr().err.startswith("tocsin: ")
