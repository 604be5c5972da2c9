"""Whose files are run, and whose not: only those that nobody else could have put there, or changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def unsafe(path: Path, what: str = "it") -> str:
    """Why a file, or a folder, and the folders above it, are not trusted: the end of a sentence; empty when they are.

    Args:
        path: with no links in it.
        what: how the sentence calls the file.
    """
    trusted = {0, os.geteuid()}
    for number, one in enumerate((path, *path.parents)):
        name = what if not number else f"the folder {one}"
        try:
            status = one.lstat()
        except OSError as error:
            return f"{name} cannot be looked at: {error.strerror or error}"
        if status.st_uid not in trusted:
            mine = f"root, or to user {os.geteuid()}, who runs the collector"
            return f"{name} belongs to user {status.st_uid}; it has to belong to {mine}"
        sticky = number and status.st_mode & stat.S_ISVTX
        if status.st_mode & stat.S_IWOTH and not sticky:
            return f"everybody may write to {name}; take that away with chmod o-w"
        if status.st_mode & stat.S_IWGRP and not sticky and status.st_gid not in {0, os.getegid()}:
            return f"the group {status.st_gid} may write to {name}; take that away with chmod g-w"
    return ""
