"""Which processes of this host are Tocsin's own: its daemons, and what they have begun.

A name alone proves nothing: anybody may call a program so. A daemon is known by its program and by whom it runs as: one
of those who own the folders of Tocsin's daemons, who could do as they like to Tocsin anyway.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

import psutil

from collectors.framework.processtable import ProcessRow

PROGRAMS = frozenset(f"tocsin-{name}" for name in ("hub", "process", "modeler", "status", "snmp", "probe", "collector"))
"""The last one runs collectors that were installed as packages."""
_MARK = "tocsin-"
_FIRST_PID = 1
_WRITTEN_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def owner_of(pid: int) -> int | None:
    """Number of the effective user of a process; None when it cannot be told."""
    try:
        return psutil.Process(pid).uids().effective
    except (psutil.Error, OSError, AttributeError):  # the last one on Windows
        return None


class OwnDaemons:
    """Finds them in a table.

    Args:
        folder: of this daemon; the folders of others lie beside it. None when there is none.
        pid: of this daemon, or of a worker of it.
    """

    def __init__(
        self, folder: Path | None, pid: int | None = None, owner: Callable[[int], int | None] = owner_of
    ) -> None:
        self._folder = folder
        self._pid = os.getpid() if pid is None else pid
        self._owner = owner

    def among(self, rows: Mapping[int, ProcessRow]) -> frozenset[int]:
        """Pids of the daemons and of all that descend from them."""
        roots = {self._pid}.intersection(rows)
        named = [pid for pid, row in rows.items() if _is_named(row)]
        if named:
            users = self.users()
            roots.update(pid for pid in named if self._owner(pid) in users)
        # Whatever loses its parent becomes a child of process 1: in a container that may be a daemon of ours.
        return frozenset(roots | _descendants(rows, roots - {_FIRST_PID}))

    def users(self) -> frozenset[int]:
        """Numbers of those whom Tocsin's daemons of this host may run as."""
        found = {os.geteuid()}
        if self._folder is None:
            return frozenset(found)
        try:
            beside = self._folder.resolve().parent
            kept = beside.stat()
            if kept.st_uid in {0, os.geteuid()} and not kept.st_mode & _WRITTEN_BY_OTHERS:
                found.update(entry.stat(follow_symlinks=False).st_uid for entry in os.scandir(beside) if _is_dir(entry))
        except OSError:
            pass
        return frozenset(found)


def _is_dir(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _is_named(row: ProcessRow) -> bool:
    """Whether a process calls itself one of the daemons, by itself or as a script of Python."""
    if _MARK not in row.path and _MARK not in row.parameters:
        return False
    program = PurePosixPath(row.path).name
    return program in PROGRAMS or (
        program.startswith("python") and PurePosixPath(row.parameters.split(" ", 1)[0]).name in PROGRAMS
    )


def _descendants(rows: Mapping[int, ProcessRow], roots: Iterable[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, row in rows.items():
        if row.parent is not None:
            children.setdefault(row.parent, []).append(pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid not in found:
                found.add(pid)
                waiting.append(pid)
    return found
