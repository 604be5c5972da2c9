"""tocsin-process: the process collector as a daemon."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from collectors.framework.interfaces import CollectorSpec
from collectors.process.collector import ProcessCollector
from collectors.process.settings import ProcessSettings
from common.configs import SERVICE_PROCESS

SPEC = CollectorSpec(
    service=SERVICE_PROCESS,
    program="tocsin-process",
    title="Tocsin's process collector: keeps the roll of what runs on each device",
    make_collector=ProcessCollector,
    settings_type=ProcessSettings,
    runs_on_captures=True,
    found_at="collectors.process.main:SPEC",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    from collectors.framework.pbdaemon import main as run_daemon  # worker processes need the spec alone

    return run_daemon(SPEC, argv)


if __name__ == "__main__":
    sys.exit(main())
