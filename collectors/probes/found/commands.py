"""The program and the arguments of a source whose command a template says.

The hub may name probes that lie in this host's folders, and programs that this host's settings allow; nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from collectors.probes.allowing import is_allowed
from collectors.probes.found.folders import Probe
from collectors.probes.found.safety import unsafe
from common.errors import PermanentError

MAX_NAMES = 20


def probe_of(command: Collection[str], probes: Mapping[str, Probe], allow: Collection[str]) -> Probe:
    """The probe that a command begins with.

    Raises:
        PermanentError: it is none that is run here; the sentence says why.
    """
    name = next(iter(command), "")
    if not name.startswith("/"):
        probe = probes.get(name)
        if probe is not None:
            return probe
        known = ", ".join(sorted(probes)[:MAX_NAMES]) or "none"
        raise PermanentError(f"there is no probe {name[:100]!r} in this host's folders of probes; there are: {known}")
    if not is_allowed(name, allow):
        raise PermanentError(
            f"the settings of this host do not allow {name[:200]!r}: put it, or what matches it, into allow of [probes]"
        )
    if not Path(name).is_file():
        raise PermanentError(f"there is no program {name[:200]} on this host")
    real = os.path.realpath(name)
    why = unsafe(Path(real))
    if why:
        raise PermanentError(f"{name[:200]} is not run: {why}")
    return Probe(PurePosixPath(name).name, (name,), path=name, real=real)
