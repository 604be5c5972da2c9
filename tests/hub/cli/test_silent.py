"""Devices that do not answer are told with their collector."""

from __future__ import annotations

import pytest

from hub.cli.collectors import silent_line


@pytest.mark.parametrize(
    ("silent", "devices", "sentence"),
    [
        (1, 3, "paris/process: 1 of 3 devices does not answer, and is asked less often"),
        (2, 3, "paris/process: 2 of 3 devices do not answer, and are asked less often"),
        (1, 1, "paris/process: 1 of 1 device does not answer, and is asked less often"),
    ],
)
def test_how_many_devices_are_silent(silent: int, devices: int, sentence: str) -> None:
    assert silent_line({"id": "paris", "daemon": "process", "silent": silent, "devices": devices}) == sentence
