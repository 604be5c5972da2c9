"""Why events cannot be had, in sentences that say what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from collectors.framework.processevents import access


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "stat").write_text("1 (x) R")
    return tmp_path


def capable(proc: Path, mask: int) -> Path:
    (proc / "self" / "status").write_text(f"Name:\tx\nCapEff:\t{mask:016x}\n")
    return proc


def test_without_proc_and_in_a_container_it_is_said_before_anything_is_asked(proc: Path) -> None:
    assert access.obstacle(proc) == ""
    assert "not mounted" in access.obstacle(proc / "none")
    (proc / "self" / "ns").mkdir()
    (proc / "self" / "ns" / "pid").write_text("a file of its own, as another namespace has another number")
    assert "pid namespace (a container)" in access.obstacle(proc)


@pytest.mark.parametrize(
    ("number", "mask", "words"),
    [
        (errno.EPERM, 0, "CAP_NET_ADMIN; give it with AmbientCapabilities=CAP_NET_ADMIN"),
        (errno.EPERM, 1 << 12, "RestrictAddressFamilies=AF_NETLINK"),
        (errno.EAFNOSUPPORT, 0, "RestrictAddressFamilies=AF_NETLINK"),
        (errno.EPROTONOSUPPORT, 1 << 12, "CONFIG_CONNECTOR"),
        (errno.ECONNREFUSED, 1 << 12, "network namespace"),
        (errno.EBADF, 1 << 12, os.strerror(errno.EBADF)),
    ],
)
def test_a_refusal_says_what_to_do(proc: Path, number: int, mask: int, words: str) -> None:
    said = access.refusal(OSError(number, os.strerror(number)), capable(proc, mask))
    assert words in said.replace("without CAP_NET_ADMIN this kernel tells nothing", "CAP_NET_ADMIN")


def test_silence_is_a_missing_right_or_a_kernel_without_them(proc: Path) -> None:
    assert "AmbientCapabilities=CAP_NET_ADMIN" in access.silence(capable(proc, 1 << 11))
    assert "CONFIG_PROC_EVENTS" in access.silence(capable(proc, 1 << 12))
    assert not access.may_listen(proc / "none")
