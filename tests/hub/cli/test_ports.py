"""Which port a daemon gets that may have any."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest

from hub.cli.ports import FIRST, LOOPBACK, TRIES, unasked_port, usable_port


def said(folder: Path, text: str) -> Path:
    """A file that says which ports are the kernel's."""
    path = folder / "range"
    path.write_text(text)
    return path


def test_any_port_is_none_that_the_kernel_may_give_to_somebody_else(tmp_path: Path) -> None:
    kernels = said(tmp_path, f"{FIRST + 500}\t60999\n")
    found = {unasked_port((), random.Random(seed), kernels) for seed in range(20)}
    assert found <= set(range(FIRST, FIRST + 500))
    assert len(found) > 1, "two that look at once find two"
    assert usable_port(0, "the web page", "--http-port") > 0


def test_no_port_is_given_away_twice(tmp_path: Path) -> None:
    kernels = said(tmp_path, f"{FIRST + TRIES}\t60999\n")
    given: list[int] = []
    while port := unasked_port(given, random.Random(1), kernels):
        given.append(port)
    assert len(set(given)) == len(given) > TRIES / 2


def test_a_port_on_which_somebody_listens_is_not_any(tmp_path: Path) -> None:
    kernels = said(tmp_path, f"{FIRST + TRIES}\t60999\n")
    port = unasked_port((), random.Random(1), kernels)
    with socket.create_server((LOOPBACK, port)):
        assert unasked_port((), random.Random(1), kernels) not in {0, port}


@pytest.mark.parametrize("text", ["1024 65535", f"{FIRST} 65535"])
def test_where_all_are_the_kernels_it_chooses(tmp_path: Path, text: str) -> None:
    assert unasked_port((), random.Random(1), said(tmp_path, text)) == 0


@pytest.mark.parametrize("text", ["", "many"])
def test_where_nobody_says_which_are_the_kernels_they_are_the_usual_ones(tmp_path: Path, text: str) -> None:
    for kernels in (said(tmp_path, text), tmp_path / "missing"):
        assert FIRST <= unasked_port((), random.Random(1), kernels) < 32768
