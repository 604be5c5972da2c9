"""What a host serves, as bytes. Rows that did not change are encoded once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid
from collectors.sim import oids
from collectors.sim.host import Host
from collectors.sim.processes import Process, cpu_cs, memory_kib

PREFIXES: tuple[bytes, ...] = tuple(ber.encode_oid(column) for column in oids.COLUMNS)
PREFIX_SIZE = len(PREFIXES[0])
MOST_TEXTS = 100_000
_HEADS = tuple(
    tuple(bytes((ber.OBJECT_IDENTIFIER, PREFIX_SIZE + size)) + prefix for size in range(6)) for prefix in PREFIXES
)
_ZERO_DOT_ZERO = ber.encode_tlv(ber.OBJECT_IDENTIFIER, ber.encode_oid((0, 0)))
_STATUS = {status: ber.encode_int(status) for status in (oids.RUNNING, oids.RUNNABLE, oids.INVALID)}
_TYPE = {kind: ber.encode_int(kind) for kind in (oids.APPLICATION, oids.OPERATING_SYSTEM)}
_texts: dict[tuple[str, int], bytes] = {}


def varbind(oid: bytes, value: bytes) -> bytes:
    """A varbind of an OID's content and an encoded value."""
    return ber.encode_tlv(ber.SEQUENCE, ber.encode_tlv(ber.OBJECT_IDENTIFIER, oid) + value)


def cell(process: Process, column: int, t: float) -> bytes:
    """The varbind of a process in a column."""
    suffix = process.suffix
    if not suffix:
        suffix = process.suffix = ber.encode_sub_identifiers((process.pid,))
    content = _HEADS[column][len(suffix)] + suffix + _VALUES[column](process, t)
    size = len(content)
    return bytes((ber.SEQUENCE, size)) + content if size < 0x80 else ber.encode_tlv(ber.SEQUENCE, content)


def row(process: Process, columns: tuple[int, ...], t: float) -> bytes:
    """The varbinds of a process in some columns, which are one object as long as they are the same."""
    cpu, memory = cpu_cs(process, t), memory_kib(process, t)
    if process.row_columns is columns and process.row_cpu == cpu and process.row_memory == memory:
        return process.row
    process.row = b"".join([cell(process, column, t) for column in columns])
    process.row_columns, process.row_cpu, process.row_memory = columns, cpu, memory
    return process.row


def _text(text: str, most_bytes: int) -> bytes:
    found = _texts.get((text, most_bytes))
    if found is None:
        if len(_texts) >= MOST_TEXTS:
            _texts.clear()
        found = _texts[text, most_bytes] = ber.encode_tlv(ber.OCTET_STRING, text.encode()[:most_bytes])
    return found


def _status(process: Process) -> int:
    if process.zombie:
        return oids.INVALID
    return oids.RUNNING if process.name == "snmpd" else oids.RUNNABLE


_VALUES: tuple[Callable[[Process, float], bytes], ...] = (
    lambda process, _t: ber.encode_int(process.pid),
    lambda process, _t: _text(process.name, oids.MOST_NAME_BYTES),
    lambda _process, _t: _ZERO_DOT_ZERO,
    lambda process, _t: _text(process.path, oids.MOST_PARAMETERS_BYTES),
    lambda process, _t: _text(process.parameters, oids.MOST_PARAMETERS_BYTES),
    lambda process, _t: _TYPE[oids.APPLICATION if process.path else oids.OPERATING_SYSTEM],
    lambda process, _t: _STATUS[_status(process)],
    lambda process, t: ber.encode_int(cpu_cs(process, t)),
    lambda process, t: ber.encode_int(memory_kib(process, t)),
)

# --- scalars ----------------------------------------------------------------------------------------------------------

Scalar = Callable[[Host, float, float], bytes]
"""(host, t, epoch seconds) -> encoded value."""


def _string(text: str) -> bytes:
    return ber.encode_tlv(ber.OCTET_STRING, text.encode())


def _ticks(seconds: float) -> bytes:
    return ber.encode_int(int(100 * seconds) & 0xFFFFFFFF, ber.TIMETICKS)


def _date(at: float) -> bytes:
    """DateAndTime (RFC 2579), in UTC."""
    now = datetime.fromtimestamp(at, UTC)
    fields = (now.month, now.day, now.hour, now.minute, now.second, now.microsecond // 100_000, ord("+"), 0, 0)
    return ber.encode_tlv(ber.OCTET_STRING, now.year.to_bytes(2, "big") + bytes(fields))


SCALARS: Mapping[Oid, Scalar] = {
    oids.SYS_DESCR: lambda host, _t, _at: _string(f"Linux {host.name} 6.1.0-simulated #1 SMP x86_64"),
    oids.SYS_OBJECT_ID: lambda _host, _t, _at: ber.encode_tlv(
        ber.OBJECT_IDENTIFIER, ber.encode_oid(oids.NET_SNMP_LINUX)
    ),
    oids.SYS_UPTIME: lambda host, t, _at: _ticks(t - host.agent_since),
    oids.SYS_CONTACT: lambda _host, _t, _at: _string("nobody: this host is simulated"),
    oids.SYS_NAME: lambda host, _t, _at: _string(host.name),
    oids.SYS_LOCATION: lambda _host, _t, _at: _string("in a scenario"),
    oids.SYS_SERVICES: lambda _host, _t, _at: ber.encode_int(72),
    oids.HR_SYSTEM_UPTIME: lambda host, t, _at: _ticks(t - host.host_since),
    oids.HR_SYSTEM_DATE: lambda _host, _t, at: _date(at),
    oids.HR_SYSTEM_NUM_USERS: lambda _host, _t, _at: ber.encode_int(0, ber.GAUGE32),
    oids.HR_SYSTEM_PROCESSES: lambda host, _t, _at: ber.encode_int(len(host.pids), ber.GAUGE32),
    oids.HR_SYSTEM_MAX_PROCESSES: lambda _host, _t, _at: ber.encode_int(0),
    oids.HR_SW_OS_INDEX: lambda _host, _t, _at: ber.encode_int(1),
}
