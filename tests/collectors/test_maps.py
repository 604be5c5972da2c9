"""The maps of the larger rooms name each of their modules once, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import collectors.framework
import collectors.framework.data
import collectors.framework.data.reading
import collectors.framework.data.spool
import collectors.framework.data.writing
import collectors.framework.judging
import collectors.framework.kit
import collectors.framework.outlets
import collectors.framework.processevents
import collectors.framework.sources
import collectors.framework.watching
import collectors.probes
import collectors.probes.found
import collectors.probes.launch
import collectors.probes.output
import collectors.process
import collectors.status

ENTRY = re.compile(r"^    (\w+/?) +\S", re.MULTILINE)


ROOMS = [
    collectors.probes,
    collectors.probes.found,
    collectors.probes.launch,
    collectors.probes.output,
    collectors.process,
    collectors.status,
    collectors.framework,
    collectors.framework.data,
    collectors.framework.data.reading,
    collectors.framework.data.spool,
    collectors.framework.data.writing,
    collectors.framework.judging,
    collectors.framework.kit,
    collectors.framework.outlets,
    collectors.framework.processevents,
    collectors.framework.sources,
    collectors.framework.watching,
]


@pytest.mark.parametrize("room", ROOMS)
def test_the_map_of_a_room_is_that_room(room: ModuleType) -> None:
    folder = Path(str(room.__file__)).parent
    modules = [path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")]
    rooms = [f"{path.parent.name}/" for path in folder.glob("*/__init__.py")]
    assert sorted(ENTRY.findall(room.__doc__ or "")) == sorted(modules + rooms)
