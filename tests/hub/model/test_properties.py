from __future__ import annotations

import re

import msgspec
import pytest

from common.configs import DeviceConfig
from hub.compile.process import compile_device
from hub.model.entities import Device
from hub.model.model import Model
from hub.model.properties import (
    CATALOGUE,
    HIDDEN,
    PropertyType,
    Value,
    contradictions,
    default_of,
    effective,
    read_value,
    shown,
)

NAMES = {
    "source", "interval_s", "retention", "full_scan_every", "flap_restarts", "flap_window_s", "roll_days",
    "argument_masks", "standard_masks", "snmp_version", "snmp_port", "snmp_community", "snmp_timeout_s",
    "snmp_retries", "snmp_max_repetitions", "snmp_user", "snmp_auth_protocol", "snmp_auth_password",
    "snmp_priv_protocol", "snmp_priv_password", "snmp_context", "snmp_engine", "monitor", "missing_severity",
    "restart_severity", "replaced_severity", "user_severity", "exclude_own", "model_plugins",
    "model_interval_s", "interfaces_ignore", "filesystems_ignore", "lock",
    "retire_after_days",
}  # fmt: skip
SECRETS = {"snmp_community", "snmp_auth_password", "snmp_priv_password"}


def config_with(**properties: Value) -> DeviceConfig:
    return compile_device(Model(1, [Device(id="d", address="x", properties=properties)]), "d")


def test_the_catalogue_is_complete() -> None:
    assert set(CATALOGUE) == NAMES
    assert {name for name, prop in CATALOGUE.items() if prop.secret} == SECRETS
    assert all(prop.description for prop in CATALOGUE.values())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_the_catalogue_takes_a_config_takes(name: str) -> None:
    prop = CATALOGUE[name]
    values: list[Value] = list(prop.choices)
    if prop.type in {PropertyType.WHOLE, PropertyType.NUMBER}:
        assert prop.minimum is not None
        assert prop.maximum is not None
        values = (
            [int(prop.minimum), int(prop.maximum)] if prop.type is PropertyType.WHOLE else [prop.minimum, prop.maximum]
        )
    if prop.type is PropertyType.BOOLEAN:
        values = [True, False]
    if prop.type is PropertyType.REGEX:
        values = ["", "^eth[0-9]+$"]
    if prop.type is PropertyType.MASKS:
        values = [(), ("pin=(.+)", r"(?P<secret>\d+) x")]
    if prop.type is PropertyType.TEXT:
        values = ["x" * int(prop.minimum or 0), "x" * 255]
    assert values
    for value in values:
        config = config_with(**{name: read_value(prop, value)})
        msgspec.convert(msgspec.to_builtins(config), DeviceConfig)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_its_defaults_are_those_of_a_config(name: str) -> None:
    assert config_with(**{name: default_of(name, {})}) == config_with()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("interval_s", 0, "a whole number from 1 to 86400 s"),
        ("interval_s", 1.5, "a whole number"),
        ("interval_s", True, "a whole number"),
        ("interval_s", "60", "a whole number"),
        ("snmp_port", 65536, "from 1 to 65535"),
        ("snmp_timeout_s", float("nan"), "a number from 0.1 to 60 s"),
        ("snmp_timeout_s", 0, "a number from 0.1"),
        ("snmp_version", "2", "one of 1, 2c, 3"),
        ("snmp_version", True, "one of 1, 2c, 3"),
        ("source", None, "one of local, snmp"),
        ("snmp_community", "", "text of 1 to 255 characters"),
        ("snmp_community", "x" * 256, "text of 1 to 255"),
        ("snmp_community", "a\nb", "on one line"),
        ("snmp_community", 12345, "in quotes if it looks like a number"),
        ("snmp_community", HIDDEN, "the secret itself"),
        ("snmp_auth_password", "short", "text of 8 to 255"),
        ("monitor", 1, "true or false"),
        ("monitor", "yes", "true or false"),
        ("lock", ["delete", "move"], "a list of delete, update; none of them is []; there is no 'move'"),
        ("lock", [["delete"]], "a list of delete, update"),
        ("interfaces_ignore", "eth[", "a regular expression (RE2)"),
        ("argument_masks", ["pin=(x"], "missing ): pin=(x at position 0"),
        ("argument_masks", ["(?<=pin)(x)"], "at position 0"),
        ("argument_masks", ["pin=x"], "'pin=x' has no group"),
        ("argument_masks", ["(x)"] * 51, "up to 50 regular expressions (RE2)"),
        ("argument_masks", [""], "each with a group around what is secret"),
        ("roll_days", -1, "a whole number from 0 to 3650 days"),
        ("interfaces_ignore", 3, "a regular expression (RE2)"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        read_value(CATALOGUE[name], value)


def test_values_get_their_type() -> None:
    assert read_value(CATALOGUE["snmp_version"], 3) == "3"
    assert isinstance(read_value(CATALOGUE["snmp_timeout_s"], 2), float)
    assert read_value(CATALOGUE["snmp_context"], "") == ""
    assert read_value(CATALOGUE["lock"], ["update", "delete", "update"]) == ("update", "delete")
    assert read_value(CATALOGUE["lock"], "delete") == ("delete",)
    assert read_value(CATALOGUE["argument_masks"], "pin=(.+)") == ("pin=(.+)",)
    assert read_value(CATALOGUE["monitor"], value=False) is False


def test_the_interval_depends_on_the_source() -> None:
    assert effective({})["interval_s"] == 60
    assert effective({"source": "local"})["interval_s"] == 10
    assert effective({"source": "local", "interval_s": 7})["interval_s"] == 7


def test_secrets_are_never_shown() -> None:
    given: dict[str, Value] = {"snmp_community": "geheim", "snmp_port": 1161, "from_the_future": "geheim"}
    assert shown(given) == {"snmp_community": HIDDEN, "snmp_port": 1161, "from_the_future": HIDDEN}
    assert "geheim" not in repr(Device(id="d", address="x", properties=dict(given)))


@pytest.mark.parametrize(
    ("properties", "wrong"),
    [
        ({}, []),
        ({"snmp_version": "2c", "snmp_auth_password": "geheim12"}, []),
        ({"snmp_version": "3", "snmp_user": "u"}, []),
        ({"snmp_version": "3"}, ["needs snmp_user"]),
        ({"snmp_version": "3", "snmp_user": "u", "snmp_auth_protocol": "sha256"}, ["auth_password is not"]),
        ({"snmp_version": "3", "snmp_user": "u", "snmp_auth_password": "geheim12"}, ["auth_protocol is not"]),
        (
            {"snmp_version": "3", "snmp_user": "u", "snmp_priv_protocol": "aes128", "snmp_priv_password": "geheim12"},
            ["needs snmp_auth_protocol"],
        ),
        ({"snmp_version": "3", "source": "local"}, []),
    ],
)
def test_contradictions(properties: dict[str, Value], wrong: list[str]) -> None:
    found = contradictions(properties)
    assert len(found) == len(wrong)
    assert all(part in sentence for part, sentence in zip(wrong, found, strict=True))
    assert "geheim" not in str(found)
