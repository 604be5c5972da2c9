"""Packages that bring something: what pip would have put into a folder of Python's path."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path


def install(folder: Path, package: str, group: str, names: Mapping[str, str], code: Mapping[str, str] = {}) -> None:
    """Put one there.

    Args:
        folder: that is on Python's path.
        package: its name; its version is 1.2.
        group: of its entry points.
        names: each with its `MODULE:NAME`.
        code: text of its modules, by name.
    """
    info = folder / f"{package.replace('-', '_')}-1.2.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    with (info / "entry_points.txt").open("a") as file:
        file.write("".join([f"[{group}]\n", *(f"{name} = {origin}\n" for name, origin in names.items())]))
    for name, text in code.items():
        (folder / f"{name}.py").write_text(text)
    importlib.invalidate_caches()  # they go by the time of the folder, which is none of the finest
