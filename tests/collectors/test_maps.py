"""The maps of the larger rooms name each of their modules once, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import collectors.framework
import collectors.framework.processevents
import collectors.process

ENTRY = re.compile(r"^    (\w+/?) +\S", re.MULTILINE)


@pytest.mark.parametrize("room", [collectors.process, collectors.framework, collectors.framework.processevents])
def test_the_map_of_a_room_is_that_room(room: ModuleType) -> None:
    folder = Path(str(room.__file__)).parent
    modules = [path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")]
    rooms = [f"{path.parent.name}/" for path in folder.glob("*/__init__.py")]
    assert sorted(ENTRY.findall(room.__doc__ or "")) == sorted(modules + rooms)
