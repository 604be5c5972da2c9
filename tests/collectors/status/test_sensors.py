"""Temperatures and fans, from folders as the kernel has them."""

from __future__ import annotations

from pathlib import Path

from collectors.status.sensors import sensors


def put(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")


def test_chips_in_order_with_labels_where_they_have_them(tmp_path: Path) -> None:
    put(tmp_path / "hwmon" / "hwmon10", name="nct6775", fan1_input="880", fan2_input="0", in0_input="1200")
    put(
        tmp_path / "hwmon" / "hwmon2",
        name="coretemp",
        temp1_input="45500",
        temp1_label="Package id 0",
        temp2_input="-5000",
        temp2_label="Core 0",
        temp2_crit="100000",
    )
    put(tmp_path / "hwmon" / "hwmon3", name="coretemp", temp1_input="50000", temp1_label="Package id 0")
    put(tmp_path / "thermal" / "thermal_zone0", type="acpitz", temp="27800")
    assert list(sensors(tmp_path).items()) == [
        ("coretemp/Package id 0", {"temperature": 45.5}),
        ("coretemp/Core 0", {"temperature": -5.0}),
        ("coretemp/Package id 0 2", {"temperature": 50.0}),
        ("nct6775/fan1", {"fan": 880}),
        ("nct6775/fan2", {"fan": 0}),
    ]


def test_zones_stand_in_where_no_chip_tells_a_temperature(tmp_path: Path) -> None:
    put(tmp_path / "thermal" / "thermal_zone0", type="acpitz", temp="27800")
    put(tmp_path / "thermal" / "thermal_zone1", temp="30000")
    assert sensors(tmp_path) == {"thermal/acpitz": {"temperature": 27.8}, "thermal/thermal_zone1": {"temperature": 30}}


def test_one_that_fails_or_tells_nonsense_is_left_out_and_labels_are_safe_to_show(tmp_path: Path) -> None:
    put(tmp_path / "hwmon" / "hwmon0", name="a\x1b[31m", temp1_input="none", temp3_input="1000")
    (tmp_path / "hwmon" / "hwmon0" / "temp2_input").mkdir()
    assert sensors(tmp_path) == {"a[31m/temp3": {"temperature": 1.0}}


def test_a_host_without_sensors_has_none(tmp_path: Path) -> None:
    assert sensors(tmp_path) == {}
