"""A config's digest names its content, whole and alone."""

from __future__ import annotations

import msgspec
import pytest

from common.configs import MAX_PARTS, DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind, Told, shared
from common.digests import digest, digest_of_all
from common.events import Severity
from common.judged import Level, ThresholdConfig, ThresholdForm

CONFIG = DeviceConfig(
    device="web1",
    address="192.0.2.1",
    source=SourceKind.SNMP,
    interval_s=60,
    snmp=SnmpConfig(community="hush"),
    process_sets=(ProcessSetConfig(id="sshd", title="sshd", order=1, include="sshd", name="sshd"),),
)


def test_a_digest_survives_the_wire() -> None:
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(CONFIG), type=DeviceConfig)
    assert digest(again) == digest(CONFIG)


def test_devices_share_what_they_have_alike() -> None:
    data = msgspec.msgpack.encode(CONFIG)
    one, other = (shared(msgspec.msgpack.decode(data, type=DeviceConfig)) for _ in range(2))
    assert one == other == CONFIG
    assert digest(one) == digest(CONFIG)
    assert one.process_sets is other.process_sets


def test_any_change_changes_the_digest() -> None:
    changed = msgspec.structs.replace(CONFIG, snmp=SnmpConfig(community="hush2"))
    assert digest(changed) != digest(CONFIG)


def test_the_digest_of_all_does_not_depend_on_order() -> None:
    assert digest_of_all({"a": "1", "b": "2"}) == digest_of_all({"b": "2", "a": "1"})
    assert digest_of_all({"a": "1", "b": "2"}) != digest_of_all({"a": "2", "b": "1"})


def test_no_repr_shows_a_secret() -> None:
    secret = SnmpConfig(community="hush", auth_password="hush", priv_password="hush")
    assert "hush" not in repr(secret)
    assert "hush" not in repr(msgspec.structs.replace(CONFIG, snmp=secret))


def test_a_config_with_more_parts_than_make_sense_is_none() -> None:
    crowded = msgspec.structs.replace(CONFIG, process_sets=CONFIG.process_sets * (MAX_PARTS + 1))
    with pytest.raises(msgspec.ValidationError, match="process_sets"):
        msgspec.msgpack.decode(msgspec.msgpack.encode(crowded), type=DeviceConfig)


def test_peers_that_know_less_name_the_same_config_alike() -> None:
    plain = DeviceConfig(
        device="box",
        address="192.0.2.1",
        source=SourceKind.SNMP,
        interval_s=60,
        snmp=SnmpConfig(max_repetitions=50),
        process_sets=(ProcessSetConfig(id="web", title="web", order=1, include="^/web ", name="web"),),
        thresholds=(
            ThresholdConfig(
                id="t",
                form=ThresholdForm.LIMIT,
                points=("memory",),
                levels=(Level(maximum=5.0, severity=Severity.WARNING),),
            ),
        ),
    )
    # As software has it that knows no field after lease_s.
    assert digest(plain) == "d4f43635b857b076e041459e45dd3c1d"
    for late in ({"roll_days": 3}, {"standard_masks": False}, {"user_severity": Told.NONE}):
        assert digest(msgspec.structs.replace(plain, **late)) != digest(plain)
