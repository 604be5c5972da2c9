"""What is written to somebody who does not read waits, and does not hold up whoever writes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from hub.cli.unblocked import MOST_BYTES, Unblocked, is_behind, unblocked

Pipe = tuple[int, TextIO]
LARGE = 200_000
"""Bytes: more than a pipe holds."""


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield reading, stream
    os.close(reading)


def read(reading: int, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += os.read(reading, size - len(found))
    return found


def test_a_pipe_that_nobody_reads_holds_nobody_up(pipe: Pipe) -> None:
    reading, stream = pipe
    ours = Unblocked(stream)
    ours.write("x" * LARGE)
    ours.flush()
    assert is_behind(ours)
    found = read(reading, 4096)
    while is_behind(ours):
        ours.flush()
        found += read(reading, 4096)
    ours.write("ü\n")
    ours.end()
    assert found + read(reading, LARGE + 3 - len(found)) == b"x" * LARGE + "ü\n".encode()
    assert os.get_blocking(stream.fileno()), "others who share it do not expect that"


def test_what_is_too_much_is_left_out_and_said(pipe: Pipe) -> None:
    reading, stream = pipe
    ours = Unblocked(stream)
    ours.write("x" * MOST_BYTES)
    ours.write("lost\n")
    ours.write("lost\n")
    found = b""
    while b"read here)\n" not in found:
        ours.flush()
        found += os.read(reading, 65536)
    assert found == b"x" * MOST_BYTES + b"(2 lines were left out while nothing was read here)\n"
    ours.end()


def test_an_end_does_not_wait_for_ever(pipe: Pipe) -> None:
    _, stream = pipe
    ours = Unblocked(stream)
    ours.write("x" * LARGE)
    ours.end(within_s=0.05)
    assert not is_behind(ours)


def test_files_and_what_is_none_are_written_to_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, memory = tmp_path / "log", io.StringIO()
    path.write_text("before\n")
    with path.open("a") as log:
        monkeypatch.setattr(sys, "stdout", log)
        monkeypatch.setattr(sys, "stderr", memory)
        with unblocked():
            sys.stdout.write("said\n")
            sys.stderr.write("noted\n")
        assert (sys.stdout, sys.stderr) == (log, memory)
    assert (path.read_text(), memory.getvalue()) == ("before\nsaid\n", "noted\n")
