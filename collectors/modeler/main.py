"""tocsin-modeler: the modeler as a daemon."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.interfaces import CollectorSpec
from collectors.framework.pbdaemon import main as run_daemon
from collectors.modeler.collector import ModelerCollector
from common.configs import SERVICE_MODELER
from common.events import CLASS_MODEL


class ModelerSettings(CollectorSettings, frozen=True, kw_only=True):
    """All settings of the modeler."""

    folder: Path = Path("var/modeler")


SPEC = CollectorSpec(
    service=SERVICE_MODELER,
    program="tocsin-modeler",
    title="Tocsin's modeler: finds out what devices really have",
    make_collector=ModelerCollector,
    failure_class=CLASS_MODEL,
    settings_type=ModelerSettings,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_daemon(SPEC, argv)


if __name__ == "__main__":
    sys.exit(main())
