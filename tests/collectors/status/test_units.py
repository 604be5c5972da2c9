"""Units that failed, told by programs that stand in for systemctl."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from collectors.status.units import failed_units, units


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", code)


def test_names_of_units_that_failed(tmp_path: Path) -> None:
    told = "nginx.service loaded failed failed The web\\n\\nmnt-\\x1bx.mount not-found failed failed /mnt/x\\n"
    found = units(tmp_path, program(f"print('{told}')"))
    assert found == {"": {"units_failed": 2, "failed": ["nginx.service", "mnt- x.mount"]}}
    assert units(tmp_path, program("pass")) == {"": {"units_failed": 0, "failed": []}}


def test_without_systemd_nothing_is_asked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="systemd does not run this host"):
        units(tmp_path / "nothing", program("raise SystemExit(1)"))


def test_one_that_fails_says_why_and_one_that_hangs_is_ended() -> None:
    with pytest.raises(OSError, match="status 1: Failed to connect to bus"):
        failed_units(program("import sys; sys.exit('Failed to connect to bus')"))
    with pytest.raises(OSError, match=r"did not answer within 0\.1 s"):
        failed_units(program("import signal; signal.pause()"), time_limit_s=0.1)
    with pytest.raises(FileNotFoundError):
        failed_units(("/no/such/program",))
