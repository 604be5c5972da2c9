"""tocsin-probe: the collector of custom probes as a daemon."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from collectors.framework import kit
from collectors.probes.collector import ProbeCollector
from collectors.probes.settings import ProbeSettings
from common.events import CLASS_PROBE

SPEC = kit.spec(
    ProbeCollector,
    program="tocsin-probe",
    title="Tocsin's collector of custom probes: runs programs of yours, and makes series of what they print",
    settings_type=ProbeSettings,
    failure_class=CLASS_PROBE,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    from collectors.framework.pbdaemon import program
    from collectors.probes.verbs import with_verbs
    from common.daemon import main as daemon_main

    return daemon_main(with_verbs(program(SPEC)), argv)


if __name__ == "__main__":
    sys.exit(main())
