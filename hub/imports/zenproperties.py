"""The zProperties that have an equivalent here, and why the others have none; docs/zenoss.md has the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from common.events import Severity
from hub.imports.regexes import UnlikeError, to_re2
from hub.imports.report import Secret
from hub.imports.zenvalues import WrongValueError, flag, number, text, texts, whole
from hub.model.properties import CATALOGUE, Value, read_value


class NoEquivalentError(Exception):
    """A value that is right there, and cannot be said here; the text says why, and never shows a secret."""


class ZProperty(Struct, frozen=True):
    """A zProperty with an equivalent.

    Attributes:
        name: of the property here.
        convert: makes its value of one of Zenoss.
    """

    name: str
    convert: Callable[[Any], Any]


def _one_of(words: Mapping[str, str]) -> Callable[[Any], str]:
    known = ", ".join(word for word in words if word)

    def convert(value: Any) -> str:
        word = "" if value is None else text(value).strip()
        found = words.get(word.upper())
        if found is None:
            raise NoEquivalentError(f"expected one of {known}")
        return found

    return convert


def _community(value: Any) -> str:
    found = texts(value)
    if len(found) != 1:
        raise NoEquivalentError("a device has one community; communities are not tried in turn. Set snmp_community")
    return found[0]


def lock(value: Any) -> list[str]:
    """0 is no lock, 1 locks against deletion, 2 against changes as well."""
    number = whole(value)
    if not 0 <= number <= len(_LOCKS):
        raise WrongValueError("expected 0, 1 or 2")
    return list(_LOCKS[:number])


def severity(value: Any) -> str:
    """How bad it is when a process set is missing; 0 is no event there."""
    number = whole(value)
    if number not in range(Severity.DEBUG.value, Severity.CRITICAL.value + 1):
        raise NoEquivalentError("what is missing is an event; set monitor: false where none is wanted")
    return Severity(number).label


def _pattern(value: Any) -> str:
    try:
        return to_re2(text(value))
    except UnlikeError as error:
        raise NoEquivalentError(str(error)) from None


def _secret(value: Any) -> str:
    if not (found := text(value)):
        raise NoEquivalentError(
            "an empty one unsets it, and nothing inherited is unset here. Set it where it is needed"
        )
    return found


_AUTH = {
    "": "none",
    "MD5": "md5",
    "SHA": "sha1",
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_LOCKS = ("delete", "update")
_PRIV = {"": "none", "DES": "des", "AES": "aes128", "AES-192": "aes192", "AES-256": "aes256"}

Z_PROPERTIES: Mapping[str, ZProperty] = MappingProxyType(
    {
        "zSnmpVer": ZProperty("snmp_version", _one_of({"V1": "1", "V2C": "2c", "V3": "3"})),
        "zSnmpPort": ZProperty("snmp_port", whole),
        "zSnmpCommunity": ZProperty("snmp_community", _secret),
        "zSnmpCommunities": ZProperty("snmp_community", _community),
        "zSnmpTimeout": ZProperty("snmp_timeout_s", number),
        "zSnmpTries": ZProperty("snmp_retries", lambda value: whole(value) - 1),
        "zMaxOIDPerRequest": ZProperty("snmp_max_repetitions", whole),
        "zSnmpSecurityName": ZProperty("snmp_user", text),
        "zSnmpAuthType": ZProperty("snmp_auth_protocol", _one_of(_AUTH)),
        "zSnmpAuthPassword": ZProperty("snmp_auth_password", _secret),
        "zSnmpPrivType": ZProperty("snmp_priv_protocol", _one_of(_PRIV)),
        "zSnmpPrivPassword": ZProperty("snmp_priv_password", _secret),
        "zSnmpContext": ZProperty("snmp_context", text),
        "zSnmpCollectionInterval": ZProperty("interval_s", whole),
        "zModelerLock": ZProperty("lock", lock),
        "zMonitor": ZProperty("monitor", flag),
        "zFailSeverity": ZProperty("missing_severity", severity),
        "zSnmpMonitorIgnore": ZProperty("monitor", lambda value: not flag(value)),
        "zInterfaceMapIgnoreNames": ZProperty("interfaces_ignore", _pattern),
        "zFileSystemMapIgnoreNames": ZProperty("filesystems_ignore", _pattern),
    }
)

_REASONS: tuple[tuple[str, str], ...] = (
    ("zIcon|zDeviceTemplateIcon", "there are no icons"),
    ("zDeviceTemplates", "templates are bound by their own documents, not by a list of names; write them anew"),
    ("zCollectorPlugins", "the plugins of the modeler are others; choose with model_plugins"),
    ("zProdStateThreshold", "a device is watched in every state; set monitor: false where it should not be"),
    ("zPing", "hosts are not pinged; one that does not answer SNMP has an event of its own"),
    ("zAlertOnRestart", "of devices and their classes it is not taken; set restart_severity"),
    ("zCommand|zSsh|zKeyPath|zTelnet", "nobody logs in to hosts to read them; use SNMP, or a collector on the host"),
    ("zWin|zWmi", "hosts are not read over WMI or WinRM; use SNMP"),
    ("zStatus|zIpService|zNetwork|zRoute", "services and routes are not watched"),
    ("zCollector", "a setting of the modeler of Zenoss"),
    ("z[A-Z]", "it belongs to a part of Zenoss, or to a ZenPack, that has no equivalent"),
    ("c[A-Z]", "there are no custom properties; a group can tell devices apart"),
)
_UNNEEDED = "zIcon|zLinks|zSnmpEngineId|zSnmpDiscovery|zDeviceConfig|zCollectorLogChanges|zDeviceTemplateIcon"


def why_not(name: str) -> str | None:
    """Why a setting of Zenoss has no equivalent; None for a word that is neither a zProperty nor a custom one."""
    return next((why for pattern, why in _REASONS if re.match(pattern, name)), None)


def is_needed(name: str) -> bool:
    """Whether somebody may miss it: it says something about what is watched, and how."""
    return re.match(_UNNEEDED, name) is None


def convert(name: str, value: Any) -> tuple[str, Value | Secret]:
    """Make a property of a zProperty that has an equivalent.

    Raises:
        WrongValueError: the value is of the wrong kind.
        NoEquivalentError: the property here does not take it.
    """
    known = Z_PROPERTIES[name]
    made = known.convert(value)
    prop = CATALOGUE[known.name]
    try:
        read = read_value(prop, made)
    except ValueError as error:
        raise NoEquivalentError(f"{known.name} here is {error}") from None
    return known.name, Secret(known.name, str(read)) if prop.secret else read
