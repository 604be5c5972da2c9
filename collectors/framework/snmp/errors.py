"""What can go wrong when an agent is asked over SNMP.

The client puts host, port, what was asked and what to check into each message: it is shown to the user as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.configs import SnmpConfig, SnmpVersion
from common.errors import PermanentError, TransientError


class SnmpTimeout(TransientError):  # noqa: N818  the name that the seam promises
    """The agent did not answer: silent, refused, or unreachable."""


class SnmpAuthError(PermanentError):
    """The agent refuses the user, the password, the security level, or what the user may read."""


class SnmpConfigError(PermanentError):
    """Settings that cannot work, whatever the agent does."""


class SnmpError(PermanentError):
    """The agent answered with an error, or with something that makes no sense."""


class BadAnswer(SnmpError):  # noqa: N818  named after what it is
    """Bytes that are not what SNMP allows; raised by the codec, which knows neither host nor request."""


class NoHostResources(SnmpError):  # noqa: N818  the name that the seam promises
    """The agent answers, but has no HOST-RESOURCES-MIB process table, or does not show it to us."""


ERROR_KEYS: tuple[tuple[type[Exception], str], ...] = (
    (SnmpTimeout, "snmp_timeout"),
    (SnmpAuthError, "snmp_auth"),
    (SnmpConfigError, "snmp_config"),
    (NoHostResources, "snmp_no_host_resources"),
    (SnmpError, "snmp_error"),
)
"""Keys of the events that say why a device cannot be read, whatever is read of it."""


def error_key(error: Exception) -> str:
    """The key of the event of an error."""
    return next((key for kind, key in ERROR_KEYS if isinstance(error, kind)), "snmp_error")


STATUS_NAMES = (
    "noError",
    "tooBig",
    "noSuchName",
    "badValue",
    "readOnly",
    "genErr",
    "noAccess",
    "wrongType",
    "wrongLength",
    "wrongEncoding",
    "wrongValue",
    "noCreation",
    "inconsistentValue",
    "resourceUnavailable",
    "commitFailed",
    "undoFailed",
    "authorizationError",
    "notWritable",
    "inconsistentName",
)
"""By error-status (RFC 3416, section 3)."""

TOO_BIG = 1
NO_SUCH_NAME = 2
AUTHORIZATION_ERROR = 16


def status_name(status: int) -> str:
    """Name of an error-status, or its number when there is no such status."""
    return STATUS_NAMES[status] if 0 <= status < len(STATUS_NAMES) else f"error-status {status}"


def endpoint(host: str, port: int) -> str:
    """Host and port as users write them, IPv6 addresses in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def oid_text(oid: Sequence[int]) -> str:
    """An OID with dots."""
    return ".".join(map(str, oid))


def oids_text(oids: Sequence[Sequence[int]]) -> str:
    """The first OID, and how many more there are."""
    if not oids:
        return "nothing"
    return oid_text(oids[0]) + (f" and {len(oids) - 1} more" if len(oids) > 1 else "")


def status_error(agent: str, asked: Sequence[Sequence[int]], status: int, index: int) -> PermanentError:
    """The error for an answer with an error-status."""
    at = oid_text(asked[index - 1]) if 1 <= index <= len(asked) else oids_text(asked)
    if status == AUTHORIZATION_ERROR:
        return SnmpAuthError(
            f"{agent} lets this user not read {at} (authorizationError). Check which view, context and security level "
            "the agent's access rules give the user."
        )
    return SnmpError(
        f"{agent} answered {status_name(status)} when asked for {at}. Its log may say more; try the same by hand with "
        "snmpget or snmpbulkwalk."
    )


def command_line(program: str, host: str, config: SnmpConfig, oid: str) -> str:
    """The net-snmp command that asks the same by hand; secrets are left for the user to fill in."""
    where = f"udp6:{endpoint(host, config.port)}" if ":" in host else endpoint(host, config.port)
    if config.version is not SnmpVersion.V3:
        return f"{program} -v{config.version.value} -c COMMUNITY {where} {oid}"
    return f"{program} -v3 -u {config.user} -l LEVEL -a AUTH -A PASSWORD -x PRIV -X PASSWORD {where} {oid}"


def no_host_resources(host: str, config: SnmpConfig) -> NoHostResources:
    """The error for an agent that answers but shows no process table."""
    return NoHostResources(
        f"{endpoint(host, config.port)} answers SNMP, but shows no process table (HOST-RESOURCES-MIB "
        "hrSWRunTable). Load that part of the agent, or give this credential a view that includes 1.3.6.1.2.1.25, "
        "then try: " + command_line("snmpwalk", host, config, "1.3.6.1.2.1.25.4.2.1.2")
    )
