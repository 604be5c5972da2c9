"""Puts another database file in the place of the hub's, in steps of which each may be the last.

The file is made whole under a name of its own first. Then it gets a name that says what is to be done
(`hub.db.restoring-TIME`): until that the hub has the old database, from then on the new one, as whoever comes next
finishes what is left. What was there is set aside under `hub.db.before-TIME`, with its log, as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from common.durable import sync
from common.errors import SettingsError
from hub.model.sqlitefile import JOURNAL, SHM, WAL, RunNote, beside

TO_DO = ".restoring-"
ASIDE = ".before-"


def unfinished(path: Path) -> Path | None:
    """A file that is to take the place of this one."""
    found = sorted(path.parent.glob(f"{path.name}{TO_DO}*"))
    return found[0] if found else None


def decide(path: Path, copy: Path, time: str) -> None:
    """From now on the copy is the database; `finish` does what is left.

    Raises:
        SettingsError: the folder cannot be written.
    """
    label, again = time, 1
    while beside(path, f"{ASIDE}{label}").exists():
        again += 1
        label = f"{time}-{again}"
    try:
        copy.rename(beside(path, f"{TO_DO}{label}"))
        sync(path.parent)
    except OSError as error:
        raise SettingsError(f"{path} cannot be replaced: {error.strerror or error}") from None


def finish(path: Path, after: Callable[[str], None] = lambda _step: None) -> Path | None:
    """Do what is left of a restore, if anything is; return where the database of before lies, if there was one.

    Args:
        path: the database. Nobody uses it.
        after: is told of each step that is done.

    Raises:
        SettingsError: the folder cannot be written. It can be tried again.
    """
    new = unfinished(path)
    if new is None:
        return None
    aside = beside(path, ASIDE + new.name.removeprefix(f"{path.name}{TO_DO}"))
    try:
        for suffix in (WAL, SHM, JOURNAL, ""):
            old, kept = beside(path, suffix), beside(aside, suffix)
            if old.exists():
                old.rename(kept)
                after(f"{old.name} aside")
        RunNote(path).remove()
        sync(path.parent)
        new.rename(path)
        after("in place")
        sync(path.parent)
    except OSError as error:
        raise SettingsError(f"{path} cannot be replaced: {error.strerror or error}; try it again") from None
    return aside if aside.exists() else None
