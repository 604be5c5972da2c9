from __future__ import annotations

from pathlib import Path

import pytest

from collectors.snmp.main import main

ETC = Path(__file__).resolve().parents[3] / "etc"


def test_settings_file_in_etc_is_what_genconf_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["genconf"]) == 0
    text = capsys.readouterr().out
    assert (ETC / "snmp.toml").read_text() == text, "run: tocsin-snmp genconf > etc/snmp.toml"
