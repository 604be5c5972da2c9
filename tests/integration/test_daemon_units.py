"""The systemd units in etc: what they start exists, and they give away little."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

UNITS = sorted((Path(__file__).parents[2] / "etc" / "systemd").glob("*.service"))


def test_there_is_a_unit_for_each_daemon() -> None:
    assert {"tocsin-hub", "tocsin-modeler", "tocsin-process", "tocsin-status"} <= {path.stem for path in UNITS}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_closed_down(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
