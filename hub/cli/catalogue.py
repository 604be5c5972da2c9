"""The properties of devices as `--set` knows them."""

from __future__ import annotations

from hub.cli.assignments import Kind, Value


def property_kinds() -> dict[str, Kind]:
    """All properties by name."""
    whole = (
        "interval_s",
        "full_scan_every",
        "flap_restarts",
        "flap_window_s",
        "snmp_port",
        "snmp_retries",
        "snmp_max_repetitions",
    )
    words = (
        "source",
        "snmp_version",
        "snmp_user",
        "snmp_auth_protocol",
        "snmp_priv_protocol",
        "snmp_context",
        "snmp_engine",
    )
    secrets = ("snmp_community", "snmp_auth_password", "snmp_priv_password")
    kinds = {name: Kind(_whole, secret=False) for name in whole}
    kinds["snmp_timeout_s"] = Kind(float, secret=False)
    kinds |= {name: Kind(str, secret=False) for name in words}
    return kinds | {name: Kind(str, secret=True) for name in secrets}


def _whole(text: str) -> Value:
    return int(text)
