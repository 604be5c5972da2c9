"""What a collector is told to do: one set of types for wire, disk cache and JSON.

A config is complete: a collector that holds it needs nothing else to collect the device. Its digest names its content,
so that both sides can agree on what is live without sending it.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from common.components import ComponentName
from common.events import Severity
from common.judged import DerivedConfig, ThresholdConfig
from common.names import DeviceId, Slug
from common.series import Kept, Retention
from common.sources import Source

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
"""Name of a config's content."""
Regex = Annotated[str, Meta(min_length=1, max_length=4096)]

MAX_PARTS = 10_000
"""Of each kind in one config: whoever sends more is no hub of ours, and taking it in would hold up everything else."""

DEFAULT_EXCLUDE = r"\b(vim|tail|grep|tar|cat|bash)\b"

SERVICE_PROCESS = "process"
SERVICE_MODELER = "modeler"


class SnmpVersion(enum.Enum):
    """Versions of SNMP that a device may speak."""

    V1 = "1"
    V2C = "2c"
    V3 = "3"


class AuthProtocol(enum.Enum):
    """USM authentication (RFC 3414, RFC 7860)."""

    NONE = "none"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class PrivProtocol(enum.Enum):
    """USM privacy (RFC 3826; the longer keys as net-snmp and Cisco extend them)."""

    NONE = "none"
    DES = "des"
    AES128 = "aes128"
    AES192 = "aes192"
    AES256 = "aes256"


class SnmpEngine(enum.Enum):
    """Which implementation of the SNMP client serves the device."""

    OWN = "own"
    PYSNMP = "pysnmp"


class SnmpConfig(Struct, frozen=True, kw_only=True):
    """How to speak SNMP with a device.

    Attributes:
        community: v1 and v2c.
        timeout_s: of one request; it is tried `retries` times more.
        max_repetitions: rows asked for in one GETBULK; the client may ask fewer.
    """

    version: SnmpVersion = SnmpVersion.V2C
    port: Annotated[int, Meta(ge=1, le=65535)] = 161
    community: str = "public"
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    retries: Annotated[int, Meta(ge=0, le=10)] = 2
    max_repetitions: Annotated[int, Meta(ge=1, le=200)] = 100
    user: str = ""
    auth_protocol: AuthProtocol = AuthProtocol.NONE
    auth_password: str = ""
    priv_protocol: PrivProtocol = PrivProtocol.NONE
    priv_password: str = ""
    context: str = ""
    engine: SnmpEngine = SnmpEngine.OWN

    def __repr__(self) -> str:
        return f"SnmpConfig(version={self.version.value}, port={self.port}, user={self.user!r}, secrets hidden)"


class ProcessSetConfig(Struct, frozen=True, kw_only=True):
    """One process set definition, as a collector matches and judges by it.

    Attributes:
        order: the smallest order that matches a command line takes it.
        include: RE2, searched anywhere in the command line.
        exclude: RE2; a hit vetoes. Empty: no veto.
        name: template over the groups of `include`; each distinct result is a set of its own.
        required: expected on the device, seen or not.
        restart_severity: None counts restarts and says nothing.
        count_min: inclusive bounds on the number of processes; None for no bound. 0 is a value.
        confirm: scans in a row that must show the set missing; of more than one, only those on turn count.
        instances_max: how many independent trees of its processes there may be; None for any number. It is judged
            where parents are known (local).
    """

    id: Slug
    title: str
    order: int
    include: Regex
    exclude: Annotated[str, Meta(max_length=4096)] = DEFAULT_EXCLUDE
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    required: bool = False
    missing_severity: Severity = Severity.ERROR
    restart_severity: Severity | None = None
    count_min: Annotated[int, Meta(ge=0)] | None = None
    count_max: Annotated[int, Meta(ge=0)] | None = None
    confirm: Annotated[int, Meta(ge=1, le=100)] = 1
    instances_max: Annotated[int, Meta(ge=1)] | None = None


class ExpectedSet(Struct, frozen=True, array_like=True):
    """A process set that the modeler has seen on a device, and that is expected there from then on.

    Attributes:
        name: the set's id on the device: what its definition's template gives now.
        series: what its series are kept under when it once had another name; empty for `name`.
    """

    definition: Slug
    name: ComponentName
    series: str = ""


class SetOverride(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of one process set of one device, against its definition; None is as the definition says.

    Attributes:
        monitor: False for one that is neither judged nor written.
        restart_severity: `Severity.CLEAR` counts restarts and says nothing.
    """

    name: ComponentName
    monitor: bool = True
    missing_severity: Severity | None = None
    restart_severity: Severity | None = None


class ModelConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the modeler looks for on a device.

    Attributes:
        plugins: names; empty for all.
        interfaces_ignore, filesystems_ignore: RE2, searched in names; empty ignores none.
    """

    plugins: tuple[str, ...] = ()
    interfaces_ignore: str = ""
    filesystems_ignore: str = ""


class SourceKind(enum.Enum):
    """Where a device's process table comes from."""

    LOCAL = "local"
    SNMP = "snmp"


class Told(enum.Enum):
    """How badly something is told of, if at all."""

    NONE = "none"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def severity(self) -> Severity:
        """As a severity; `CLEAR` says nothing."""
        return Severity.CLEAR if self is Told.NONE else Severity[self.name]


class DeviceConfig(Struct, frozen=True, kw_only=True):
    """All that a collector needs for one device.

    Attributes:
        device: id.
        address: host name or IP address; not used for the local source.
        interval_s: whole seconds from scan to scan, also the step of its series.
        snmp: None for the local source.
        full_scan_every: cycles from one full SNMP pass to the next.
        flap_restarts: more restarts than this within `flap_window_s` are one `process_restarting`.
        thresholds, derived: on the data points of its process sets.
        expected: process sets that the modeler has seen there.
        overrides: process sets that are treated otherwise than their definitions say.
        retention: how long the files of its series keep what.
        only_expected: sets that are not in `expected` are not watched, even if they run or are required.
        model: for the modeler alone; `interval_s` is then the time from one modelling to the next.
        lease_s: seconds; without the hub for longer than this, the collector stops collecting the device until the hub
            says again that it is its. None: it goes on for ever.
        roll_days: how long it is kept who ran when; 0 keeps nothing.
        argument_masks: RE2, each with a group around what is secret in a command line (common.masking).
        standard_masks: what usually stands before a secret is masked, too.
        exclude_own: Tocsin's own daemons on a local device are in no set.
        replaced_severity: of a set whose program was replaced on disk and that was not restarted (local).
        user_severity: of a set that runs as another user than before (local).
        sources: what else is read, by the daemon whose config this is.
    """

    device: DeviceId
    address: Annotated[str, Meta(max_length=255)]
    source: SourceKind
    interval_s: Annotated[int, Meta(ge=1, le=86400)]
    snmp: SnmpConfig | None = None
    process_sets: Annotated[tuple[ProcessSetConfig, ...], Meta(max_length=MAX_PARTS)] = ()
    full_scan_every: Annotated[int, Meta(ge=1, le=10000)] = 10
    flap_restarts: Annotated[int, Meta(ge=1)] = 5
    flap_window_s: Annotated[int, Meta(ge=1)] = 1800
    thresholds: Annotated[tuple[ThresholdConfig, ...], Meta(max_length=MAX_PARTS)] = ()
    derived: Annotated[tuple[DerivedConfig, ...], Meta(max_length=MAX_PARTS)] = ()
    expected: Annotated[tuple[ExpectedSet, ...], Meta(max_length=MAX_PARTS)] = ()
    overrides: Annotated[tuple[SetOverride, ...], Meta(max_length=MAX_PARTS)] = ()
    model: ModelConfig | None = None
    only_expected: bool = False
    retention: Kept = Retention.STANDARD
    lease_s: Annotated[int, Meta(ge=1)] | None = None
    roll_days: Annotated[int, Meta(ge=0, le=3650)] = 14
    argument_masks: Annotated[tuple[Regex, ...], Meta(max_length=100)] = ()
    standard_masks: bool = True
    exclude_own: bool = False
    replaced_severity: Told = Told.WARNING
    user_severity: Told = Told.WARNING
    sources: Annotated[tuple[Source, ...], Meta(max_length=MAX_PARTS)] = ()


@lru_cache(maxsize=4096)
def _one(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    return parts


def shared(config: DeviceConfig) -> DeviceConfig:
    """The same config, with the parts that many devices have alike as the same objects for all of them."""
    return msgspec.structs.replace(
        config,
        process_sets=_one(config.process_sets),
        thresholds=_one(config.thresholds),
        derived=_one(config.derived),
        sources=_one(config.sources),
    )
