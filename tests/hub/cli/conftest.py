"""A fake hub, and a way to run `tocsin` against it inside the test."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.cli.main import main
from tests.fakes.api import TOKEN, FakeApi, example


class Done:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """The one document on standard output; fails if there is anything else."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may sit at any terminal, or at none, and like colours or not."""
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> float:
    """The time of day, which stands: an age is as told however long the command takes."""
    now = 1_800_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    return now


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    served = FakeApi(example())
    yield served
    served.close()


@pytest.fixture
def run(fake: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "TOCSIN_URL": fake.url,
        "TOCSIN_TOKEN": TOKEN,
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)

    def run_command(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
        code = main(arguments)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run_command
