"""Temperatures and fans: /sys/class/hwmon, and thermal zones where it has no temperature.

A sensor may take its time, or fail by itself. The kernel's Documentation/hwmon/sysfs-interface.rst says what files
there are: temperatures in thousandths of a degree, fans in turns a minute.
"""

from __future__ import annotations

import re
from pathlib import Path

Figures = dict[str, float | int | None]
ROOT = Path("/sys/class")
MOST_SENSORS = 1000
MOST_LETTERS = 100
_INPUT = re.compile(r"(temp|fan)(\d+)_input\Z")


def sensors(root: Path = ROOT) -> dict[str, Figures]:
    """By name of the chip and of its sensor, for example `coretemp/Core 0`; those of one name are numbered."""
    found: dict[str, Figures] = {}
    for chip in _numbered(root / "hwmon", "hwmon*"):
        name = _line(chip / "name") or chip.name
        for path in _numbered(chip, "*_input"):
            parts = _INPUT.match(path.name)
            figure = _number(path)
            if parts is None or figure is None:
                continue
            kind = parts[1]
            label = _line(chip / f"{kind}{parts[2]}_label") or f"{kind}{parts[2]}"
            _add(found, f"{name}/{label}", {"temperature": figure / 1000} if kind == "temp" else {"fan": figure})
    if not any("temperature" in figures for figures in found.values()):
        for zone in _numbered(root / "thermal", "thermal_zone*"):
            figure = _number(zone / "temp")
            if figure is not None:
                _add(found, f"thermal/{_line(zone / 'type') or zone.name}", {"temperature": figure / 1000})
    return found


def _add(found: dict[str, Figures], name: str, figures: Figures) -> None:
    if len(found) >= MOST_SENSORS:
        return
    called, number = name, 1
    while called in found:
        number += 1
        called = f"{name} {number}"
    found[called] = figures


def _numbered(folder: Path, pattern: str) -> list[Path]:
    """What is in a folder, in the order of the numbers in its names: hwmon2 before hwmon10."""
    try:
        return sorted(folder.glob(pattern), key=lambda path: [int(one) for one in re.findall(r"\d+", path.name)])
    except OSError:
        return []


def _number(path: Path) -> int | None:
    """None for what the chip does not tell, which it may do with an error or with nonsense."""
    try:
        return int(_line(path))
    except ValueError:
        return None


def _line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(4096).decode("utf-8", "replace")
    except OSError:
        return ""
    return "".join(letter for letter in text.strip() if letter.isprintable())[:MOST_LETTERS]
