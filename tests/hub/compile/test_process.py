from __future__ import annotations

import msgspec
import pytest

from common.configs import (
    DEFAULT_EXCLUDE,
    AuthProtocol,
    DeviceConfig,
    PrivProtocol,
    ProcessSetConfig,
    SnmpConfig,
    SnmpEngine,
    SnmpVersion,
    SourceKind,
)
from common.digests import canonical, digest
from common.errors import NotFoundError, PermanentError
from common.events import Severity
from hub.compile.modeler import ModelerCompiler
from hub.compile.process import ProcessCompiler, compile_device
from hub.model.entities import (
    Bounds,
    Device,
    Instances,
    ProcessSet,
)
from hub.model.model import Model


def test_a_device_with_nothing_set() -> None:
    model = Model(1, [Device(id="d", address="10.0.0.1")])
    assert compile_device(model, "d") == DeviceConfig(
        device="d", address="10.0.0.1", source=SourceKind.SNMP, interval_s=60, snmp=SnmpConfig()
    )


def test_a_model_that_says_nothing_new_makes_configs_that_older_collectors_name_alike() -> None:
    model = Model(1, [Device(id="d", address="10.0.0.1"), ProcessSet(id="web", title="web", order=1, include="web")])
    for config in (compile_device(model, "d"), ModelerCompiler().compile(model, "d")):
        told = msgspec.msgpack.decode(canonical(config))
        assert list(told)[-1] == "lease_s"
        assert list(told["process_sets"][0])[-1] == "confirm"


def test_a_device_with_everything_set() -> None:
    device = Device(
        id="d",
        address="10.0.0.1",
        properties={
            "interval_s": 30, "full_scan_every": 3, "flap_restarts": 4, "flap_window_s": 60, "snmp_version": "3",
            "snmp_port": 1161, "snmp_community": "c", "snmp_timeout_s": 1.5, "snmp_retries": 1,
            "snmp_max_repetitions": 40, "snmp_user": "u", "snmp_auth_protocol": "sha256",
            "snmp_auth_password": "authauth", "snmp_priv_protocol": "aes128", "snmp_priv_password": "privpriv",
            "snmp_context": "x", "snmp_engine": "pysnmp",
        },
    )  # fmt: skip
    assert compile_device(Model(1, [device]), "d") == DeviceConfig(
        device="d",
        address="10.0.0.1",
        source=SourceKind.SNMP,
        interval_s=30,
        full_scan_every=3,
        flap_restarts=4,
        flap_window_s=60,
        snmp=SnmpConfig(
            version=SnmpVersion.V3,
            port=1161,
            community="c",
            timeout_s=1.5,
            retries=1,
            max_repetitions=40,
            user="u",
            auth_protocol=AuthProtocol.SHA256,
            auth_password="authauth",
            priv_protocol=PrivProtocol.AES128,
            priv_password="privpriv",
            context="x",
            engine=SnmpEngine.PYSNMP,
        ),
    )


def test_a_local_device_has_no_snmp_and_a_shorter_interval() -> None:
    config = compile_device(Model(1, [Device(id="d", address="x", properties={"source": "local"})]), "d")
    assert (config.source, config.interval_s, config.snmp) == (SourceKind.LOCAL, 10, None)


def test_its_process_sets_are_those_that_apply_and_are_monitored_in_order() -> None:
    full = ProcessSet(
        id="full",
        title="Full",
        order=1,
        include="i",
        exclude="e",
        name="n {1}",
        applies_to=("web",),
        required=True,
        missing_severity=Severity.CRITICAL,
        restart_severity=Severity.INFO,
        count=Bounds(0, 4),
        instances=Instances(1),
        confirm=2,
    )
    plain = ProcessSet(id="plain", order=2, include="p")
    model = Model(
        1,
        [
            Device(id="d", address="x", groups=("web",)),
            Device(id="e", address="x"),
            plain,
            ProcessSet(id="hidden", order=0, include="h", monitor=False),
            ProcessSet(id="other", order=0, include="o", applies_to=("/Network",)),
            full,
        ],
    )
    shown_plain = ProcessSetConfig(
        id="plain", title="plain", order=2, include="p", exclude=DEFAULT_EXCLUDE, name="plain"
    )
    shown_full = ProcessSetConfig(
        id="full",
        title="Full",
        order=1,
        include="i",
        exclude="e",
        name="n {1}",
        required=True,
        missing_severity=Severity.CRITICAL,
        restart_severity=Severity.INFO,
        count_min=0,
        count_max=4,
        confirm=2,
        instances_max=1,
    )
    assert compile_device(model, "d").process_sets == (shown_full, shown_plain)
    assert compile_device(model, "e").process_sets == (shown_plain,)


def test_devices_of_one_class_share_their_sets_until_these_change() -> None:
    compiler = ProcessCompiler()
    devices = [Device(id=id_, address="x") for id_ in ("a", "b")]
    before = Model(1, [*devices, ProcessSet(id="s", order=1, include="x")])
    shared = compiler.compile(before, "a").process_sets
    assert compiler.compile(before, "b").process_sets is shared
    moved = before.changed(2, {("Device", "c"): Device(id="c", address="y")})
    assert compiler.compile(moved, "c").process_sets is shared
    after = before.changed(3, {("ProcessSet", "s"): ProcessSet(id="s", order=1, include="y")})
    assert compiler.compile(after, "a").process_sets[0].include == "y"
    assert compiler.compile(before, "a").process_sets == shared


def test_the_same_model_gives_the_same_digest() -> None:
    devices = [Device(id="d", address="x", properties={"interval_s": 60})]
    again = [Device(id="d", address="x")]
    assert digest(compile_device(Model(1, devices), "d")) == digest(compile_device(Model(9, again), "d"))


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(NotFoundError, match="there is no device 'x'"):
        compile_device(Model(), "x")


def test_what_cannot_be_a_config_is_an_error_that_names_the_device_and_no_secret() -> None:
    stale = msgspec.structs.replace(
        Device(id="d", address="x"), properties={"interval_s": 0, "snmp_community": "geheim"}
    )
    with pytest.raises(PermanentError, match=r"device d cannot be made a config: .*interval_s") as caught:
        compile_device(Model(1, [stale]), "d")
    assert "geheim" not in str(caught.value)
