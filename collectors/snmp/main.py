"""tocsin-snmp: the SNMP collector as a daemon."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.kit import main as run_kit
from collectors.framework.kit import spec
from collectors.snmp.collector import SnmpCollector
from common.events import CLASS_SNMP


class SnmpSettings(CollectorSettings, frozen=True, kw_only=True):
    """All settings of the SNMP collector."""

    folder: Path = Path("var/snmp")


SPEC = spec(
    SnmpCollector,
    title="Tocsin's SNMP collector: reads what templates say of any agent, and pings",
    settings_type=SnmpSettings,
    failure_class=CLASS_SNMP,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_kit(SPEC, argv)


if __name__ == "__main__":
    sys.exit(main())
