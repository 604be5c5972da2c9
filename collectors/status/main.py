"""tocsin-status: the status collector as a daemon."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from collectors.framework.kit import main as run_collector
from collectors.framework.kit import spec
from collectors.status.collector import StatusCollector
from collectors.status.settings import StatusCollectorSettings
from common.events import CLASS_HOST

SPEC = spec(
    StatusCollector,
    title="Tocsin's status collector: this host's disks, interfaces and named processes, live",
    settings_type=StatusCollectorSettings,
    failure_class=CLASS_HOST,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_collector(SPEC, argv)


if __name__ == "__main__":
    sys.exit(main())
