"""The properties that a device may have: name, type, unit, default, range.

Documents, the API and the command line read them by this one catalogue.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct

from common.components import PLUGINS, Lock
from common.configs import (
    AuthProtocol,
    DeviceConfig,
    PrivProtocol,
    SnmpConfig,
    SnmpEngine,
    SnmpVersion,
    SourceKind,
    Told,
)
from common.entrypoints import PLUGIN_NAME
from common.events import Severity
from common.masking import check_mask
from common.matching import check_regex
from common.series import Retention

Value = str | int | float | bool | tuple[str, ...]

HIDDEN = "(set)"
MAX_TEXT = 255
SNMP_INTERVAL_S = 60
LOCAL_INTERVAL_S = 10
MODEL_INTERVAL_S = 43200
MAX_PATTERNS = 50
MAX_OTHERS = 50
"""Words of a list that are of packages."""
MIN_PASSWORD = 8  # RFC 3414, section 11.2
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
"""Of a document, such as a plan."""
AS_DEFINED = "definition"
"""The severity that a process set's definition gives."""
NO_EVENT = "none"


class PropertyType(enum.Enum):
    """What a property's value is."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    CHOICE = "one of"
    REGEX = "regular expression"
    BOOLEAN = "true or false"
    LIST = "list of"
    MASKS = "list of masks"
    PLAN = "name of a plan"


class Property(Struct, frozen=True, kw_only=True):
    """One property.

    Attributes:
        default: what holds where nobody says otherwise; None where `default_of` has to look at other properties.
        choices: the words of a choice, or of a list; of a plan those that are always there.
        others: of a list, what other words may be that packages bring: a regular expression; empty for none.
        minimum, maximum: inclusive; of the value, or of a text's length.
        secret: never shown, logged or put into a message.
        component: may also be said of a single component of a device.
    """

    name: str
    type: PropertyType
    description: str
    default: Value | None
    unit: str = ""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False
    component: bool = False
    others: str = ""

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        if self.type is PropertyType.CHOICE:
            return f"one of {', '.join(self.choices)}"
        if self.type is PropertyType.BOOLEAN:
            return "true or false"
        if self.type is PropertyType.REGEX:
            return f"a regular expression (RE2) of up to {MAX_TEXT} characters on one line"
        if self.type is PropertyType.PLAN:
            return f"the name of a retention plan: {', '.join(self.choices)}, or that of one of your own"
        if self.type is PropertyType.MASKS:
            return (
                f"a list of up to {MAX_PATTERNS} regular expressions (RE2) of up to {MAX_TEXT} characters, each with a "
                "group around what is secret; none of them is []"
            )
        if self.type is PropertyType.LIST:
            more = ", or names of plugins that packages bring" if self.others else ""
            return f"a list of {', '.join(self.choices)}{more}; none of them is []"
        unit = f" {self.unit}" if self.unit else ""
        if self.type is PropertyType.TEXT:
            return f"text of {self.minimum or 0:g} to {self.maximum or MAX_TEXT:g} characters on one line"
        if self.minimum is not None and self.maximum is not None:
            return f"a {self.type.value} from {self.minimum:g} to {self.maximum:g}{unit}"
        return f"a {self.type.value} of at least {self.minimum or 0:g}{unit}"


def _text(name: str, description: str, default: str, *, minimum: int = 0, secret: bool = False) -> Property:
    return Property(
        name=name,
        type=PropertyType.TEXT,
        description=description,
        default=default,
        minimum=minimum,
        maximum=MAX_TEXT,
        secret=secret,
    )


def _whole(name: str, description: str, default: int | None, minimum: int, maximum: int, unit: str = "") -> Property:
    return Property(
        name=name,
        type=PropertyType.WHOLE,
        description=description,
        default=default,
        minimum=minimum,
        maximum=maximum,
        unit=unit,
    )


def _choice(name: str, description: str, default: enum.Enum, choices: type[enum.Enum]) -> Property:
    return Property(
        name=name,
        type=PropertyType.CHOICE,
        description=description,
        default=str(default.value),
        choices=tuple(str(choice.value) for choice in choices),
    )


def _regex(name: str, description: str) -> Property:
    return Property(name=name, type=PropertyType.REGEX, description=description, default="", maximum=MAX_TEXT)


def _flag(name: str, description: str, *, default: bool, component: bool = False) -> Property:
    return Property(name=name, type=PropertyType.BOOLEAN, description=description, default=default, component=component)


def _list(
    name: str, description: str, choices: Iterable[str], *, component: bool = False, others: str = ""
) -> Property:
    return Property(
        name=name,
        type=PropertyType.LIST,
        description=description,
        default=(),
        choices=tuple(choices),
        component=component,
        others=others,
    )


def _severity(name: str, description: str, *more: str) -> Property:
    words = (one.label for one in Severity if one is not Severity.CLEAR)
    return Property(
        name=name,
        type=PropertyType.CHOICE,
        description=description,
        default=AS_DEFINED,
        choices=(AS_DEFINED, *words, *more),
        component=True,
    )


_SNMP = SnmpConfig()
_PLAIN = DeviceConfig(device="x", address="", source=SourceKind.LOCAL, interval_s=LOCAL_INTERVAL_S)

_ALL = (
    _choice("source", "where the process table comes from", SourceKind.SNMP, SourceKind),
    _whole(
        "interval_s",
        f"from scan to scan; {SNMP_INTERVAL_S} for SNMP, {LOCAL_INTERVAL_S} for local",
        None,
        1,
        86400,
        "s",
    ),
    Property(
        name="retention",
        type=PropertyType.PLAN,
        description="how long the files of its series keep what",
        default=Retention.STANDARD.value,
        choices=tuple(plan.value for plan in Retention),
    ),
    _whole("full_scan_every", "scans from one full SNMP pass to the next", _PLAIN.full_scan_every, 1, 10000, "scans"),
    _whole("flap_restarts", "more restarts than this are one alarm", _PLAIN.flap_restarts, 1, 1_000_000, "restarts"),
    _whole("flap_window_s", "time in which these restarts are counted", _PLAIN.flap_window_s, 1, 604_800, "s"),
    _whole("roll_days", "how long it is kept who ran when; 0 keeps nothing", _PLAIN.roll_days, 0, 3650, "days"),
    Property(
        name="argument_masks",
        type=PropertyType.MASKS,
        description="what is secret in command lines, beside what the standard masks find",
        default=(),
        maximum=MAX_PATTERNS,
    ),
    _flag("standard_masks", "whether what looks like a secret in command lines is masked", default=True),
    _choice("snmp_version", "version of SNMP", _SNMP.version, SnmpVersion),
    _whole("snmp_port", "UDP port of the agent", _SNMP.port, 1, 65535),
    _text("snmp_community", "community, for versions 1 and 2c", _SNMP.community, minimum=1, secret=True),
    Property(
        name="snmp_timeout_s",
        type=PropertyType.NUMBER,
        description="how long to wait for an answer",
        default=_SNMP.timeout_s,
        unit="s",
        minimum=0.1,
        maximum=60,
    ),
    _whole("snmp_retries", "tries after the first", _SNMP.retries, 0, 10),
    _whole("snmp_max_repetitions", "rows asked for in one request", _SNMP.max_repetitions, 1, 200, "rows"),
    _text("snmp_user", "user, for version 3", _SNMP.user),
    _choice("snmp_auth_protocol", "how version 3 proves who asks", _SNMP.auth_protocol, AuthProtocol),
    _text("snmp_auth_password", "password for that", _SNMP.auth_password, minimum=MIN_PASSWORD, secret=True),
    _choice("snmp_priv_protocol", "how version 3 encrypts", _SNMP.priv_protocol, PrivProtocol),
    _text("snmp_priv_password", "password for that", _SNMP.priv_password, minimum=MIN_PASSWORD, secret=True),
    _text("snmp_context", "context name, for version 3", _SNMP.context),
    _choice("snmp_engine", "which implementation of SNMP asks", _SNMP.engine, SnmpEngine),
    _flag("monitor", "whether its process sets are watched", default=True, component=True),
    _severity("missing_severity", "how bad it is when a process set is missing"),
    _severity("restart_severity", "how bad it is when one restarts", NO_EVENT),
    _choice(
        "replaced_severity", "how bad it is to run a program replaced on disk; local", _PLAIN.replaced_severity, Told
    ),
    _choice("user_severity", "how bad it is to run as another user than before; local", _PLAIN.user_severity, Told),
    _flag("exclude_own", "whether Tocsin's own daemons are in no process set; local", default=_PLAIN.exclude_own),
    _list("model_plugins", "what the modeler looks for; [] for all that it can", PLUGINS, others=PLUGIN_NAME.pattern),
    _whole("model_interval_s", "from one modelling to the next", MODEL_INTERVAL_S, 60, 2_592_000, "s"),
    _regex("interfaces_ignore", "interfaces that the modeler leaves out, searched in their names"),
    _regex("filesystems_ignore", "filesystems that it leaves out, searched in their mount points"),
    _list("lock", "what the modeler may not do to a component", (lock.value for lock in Lock), component=True),
    Property(
        name="retire_after_days",
        type=PropertyType.WHOLE,
        description="how long a component may be absent before it is retired",
        default=30,
        unit="days",
        minimum=1,
        maximum=3650,
        component=True,
    ),
)

CATALOGUE: Mapping[str, Property] = MappingProxyType({prop.name: prop for prop in _ALL})


HUB_ONLY = frozenset({"lock", "retire_after_days"})
"""Properties that no collector has to know."""


def read_value(prop: Property, value: object) -> Value:
    """Check a value.

    Raises:
        ValueError: it does not fit; the text is what was expected.
    """
    if prop.type is PropertyType.CHOICE:
        return _read_choice(prop, value)
    if prop.type is PropertyType.TEXT:
        return _read_text(prop, value)
    if prop.type is PropertyType.REGEX:
        return _read_regex(prop, value)
    if prop.type is PropertyType.BOOLEAN:
        return _read_flag(prop, value)
    if prop.type is PropertyType.LIST:
        return _read_list(prop, value)
    if prop.type is PropertyType.MASKS:
        return _read_masks(prop, value)
    if prop.type is PropertyType.PLAN:
        return _read_name(prop, value)
    return _read_number(prop, value)


def _read_regex(prop: Property, value: object) -> str:
    pattern = _read_text(prop, value)
    if wrong := check_regex(pattern):
        raise ValueError(f"{prop.expected}; {wrong}")
    return pattern


def _read_flag(prop: Property, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(prop.expected)


def _read_list(prop: Property, value: object) -> tuple[str, ...]:
    given = list(value) if isinstance(value, list | tuple) else [value]
    words = [word for word in given if isinstance(word, str) and _is_word(prop, word)]
    if words != given or len(words) > MAX_OTHERS:
        strange = sorted({word for word in given if isinstance(word, str)} - set(words))
        raise ValueError(prop.expected + (f"; there is no {strange[0][:60]!r}" if strange else ""))
    return tuple(dict.fromkeys(words))


def _is_word(prop: Property, word: str) -> bool:
    return word in prop.choices or bool(prop.others and re.fullmatch(prop.others, word))


def _read_masks(prop: Property, value: object) -> tuple[str, ...]:
    given = list(value) if isinstance(value, list | tuple) else [value]
    if len(given) > MAX_PATTERNS:
        raise ValueError(f"{prop.expected}; there are {len(given)}")
    patterns: list[str] = []
    for pattern in given:
        if not isinstance(pattern, str) or not pattern.isprintable() or not 0 < len(pattern) <= MAX_TEXT:
            raise ValueError(prop.expected)
        if wrong := check_mask(pattern):
            raise ValueError(f"{prop.expected}; {wrong}")
        patterns.append(pattern)
    return tuple(dict.fromkeys(patterns))


def _read_choice(prop: Property, value: object) -> str:
    # YAML reads `snmp_version: 1` as a number.
    word = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(word, str) or word not in prop.choices:
        raise ValueError(prop.expected)
    return word


def _read_name(prop: Property, value: object) -> str:
    # YAML reads `retention: 90` as a number.
    word = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(word, str) or not re.fullmatch(NAME, word):
        raise ValueError(prop.expected)
    return word


def _read_number(prop: Property, value: object) -> int | float:
    whole = prop.type is PropertyType.WHOLE
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not is_number or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(prop.expected)
    if (prop.minimum is not None and value < prop.minimum) or (prop.maximum is not None and value > prop.maximum):
        raise ValueError(prop.expected)
    return value if whole else float(value)


def _read_text(prop: Property, value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(prop.expected + ("" if isinstance(value, str) else ", in quotes if it looks like a number"))
    if not (prop.minimum or 0) <= len(value) <= (prop.maximum or MAX_TEXT):
        raise ValueError(prop.expected)
    if prop.secret and value == HIDDEN:
        raise ValueError(f"the secret itself; {HIDDEN} only stands for one that is set")
    return value


def default_of(name: str, properties: Mapping[str, Value]) -> Value:
    """What holds for a property that is not set, beside those that are."""
    default = CATALOGUE[name].default
    if default is not None:
        return default
    local = properties.get("source", SourceKind.SNMP.value) == SourceKind.LOCAL.value
    return LOCAL_INTERVAL_S if local else SNMP_INTERVAL_S


def effective(properties: Mapping[str, Value]) -> dict[str, Value]:
    """Every property with the value that holds."""
    return {name: properties[name] if name in properties else default_of(name, properties) for name in CATALOGUE}


def collected(properties: Mapping[str, Value]) -> dict[str, Value]:
    """Of all properties those that collectors work by, with the value that holds."""
    return {name: value for name, value in effective(properties).items() if name not in HUB_ONLY}


def shown(properties: Mapping[str, Value]) -> dict[str, Value]:
    """Properties as people may see them: secrets are only said to be set."""
    return {name: HIDDEN if is_secret(name) else value for name, value in properties.items()}


def is_secret(name: str) -> bool:
    """Whether a property must not be shown; one that is not known is not shown either."""
    prop = CATALOGUE.get(name)
    return prop is None or prop.secret


def contradictions(properties: Mapping[str, Value]) -> list[str]:
    """What is wrong between properties that are each right."""
    return [sentence for _, sentence in in_vain(properties)]


def in_vain(properties: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Properties that are each right, and cannot hold beside the others or without one that is not set; and why."""
    values = effective(properties)
    if values["source"] != SourceKind.SNMP.value or values["snmp_version"] != SnmpVersion.V3.value:
        return []
    wrong = [] if values["snmp_user"] else [("snmp_version", "snmp_version 3 needs snmp_user")]
    for kind in ("auth", "priv"):
        has_protocol = values[f"snmp_{kind}_protocol"] != "none"
        if has_protocol != bool(values[f"snmp_{kind}_password"]):
            there, missing = ("protocol", "password") if has_protocol else ("password", "protocol")
            name = f"snmp_{kind}_{there}"
            wrong.append((name, f"{name} is set, but snmp_{kind}_{missing} is not; set both or neither"))
    if values["snmp_priv_protocol"] != "none" and values["snmp_auth_protocol"] == "none":
        why = "snmp_priv_protocol needs snmp_auth_protocol too: SNMP does not encrypt what it has not authenticated"
        wrong.append(("snmp_priv_protocol", why))
    return wrong
