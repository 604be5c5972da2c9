"""Things that are no hosts: a switch, a power supply, a printer. What each tells, as t goes on (pure).

The same seed and t give the same values; counters only ever grow.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid

MIB2: Oid = (1, 3, 6, 1, 2, 1)
IF_TABLE: Oid = (*MIB2, 2, 2, 1)
IF_X_TABLE: Oid = (*MIB2, 31, 1, 1, 1)
UPS_MIB: Oid = (*MIB2, 33, 1)
PRINTER_MIB: Oid = (*MIB2, 43)
HR_DEVICE: Oid = (*MIB2, 25, 3)
DAY_S = 86_400

Values = dict[Oid, bytes]


def _int(value: float, tag: int = ber.INTEGER) -> bytes:
    return ber.encode_int(int(value), tag)


def _text(text: str) -> bytes:
    return ber.encode_tlv(ber.OCTET_STRING, text.encode())


def _day(t: float, phase: float) -> float:
    """How much is going on at that time of a day: 0.1 at night, 1 in the middle of the day."""
    return 0.55 - 0.45 * math.cos(2 * math.pi * (t / DAY_S + phase))


def _day_so_far(t: float, phase: float) -> float:
    """The same, added up from t = 0: what a counter shows."""
    turn = 2 * math.pi
    wave = (math.sin(turn * (t / DAY_S + phase)) - math.sin(turn * phase)) * DAY_S / turn
    return 0.55 * t - 0.45 * wave


class Switch:
    """Interfaces with 64-bit counters.

    Args:
        ports: how many.
        faster: so many times as fast its days go by; what it carries in a second is the same.
    """

    def __init__(self, seed: int, ports: int = 24, faster: float = 1.0) -> None:
        rng = random.Random(f"switch/{seed}")  # noqa: S311 - to be the same again
        self.ports = ports
        self._faster = faster
        self._speed = [rng.choice((100, 1000, 1000, 1000, 10_000)) for _ in range(ports)]
        self._in = [rng.uniform(0.0001, 0.3) for _ in range(ports)]
        self._out = [rng.uniform(0.0001, 0.3) for _ in range(ports)]
        self._phase = [rng.random() * 0.2 for _ in range(ports)]
        self._up = [rng.random() < 0.8 for _ in range(ports)]
        self._errors = [rng.uniform(0, 0.01) if rng.random() < 0.2 else 0.0 for _ in range(ports)]
        self._began = [rng.randrange(2**50) for _ in range(ports)]

    def values(self, t: float) -> Values:
        """All of it, at t."""
        found: dict[Oid, bytes] = {}
        for port in range(self.ports):
            for table, column, value in self._cells(port, t):
                found[*table, column, port + 1] = value
        return found

    def _cells(self, port: int, t: float) -> list[tuple[Oid, int, bytes]]:
        name, speed, up = f"port{port + 1}", self._speed[port], self._up[port]
        so_far = _day_so_far(t, self._phase[port]) / self._faster if up else 0.0
        octets = speed * 125_000 * so_far
        octets_in, octets_out = (int(self._began[port] + part[port] * octets) for part in (self._in, self._out))
        packets_in, packets_out = octets_in // 700, octets_out // 700
        errors = int(self._errors[port] * so_far)
        mac = ber.encode_tlv(ber.OCTET_STRING, bytes((2, 0, 0, 0, port >> 8, port & 0xFF)))
        plain: dict[int, bytes] = {
            1: _int(port + 1),
            2: _text(name),
            3: _int(6),
            4: _int(1500),
            5: _int(min(speed * 1_000_000, 2**32 - 1), ber.GAUGE32),
            6: mac,
            7: _int(1),
            8: _int(1 if up else 2),
            9: _int(0, ber.TIMETICKS),
            10: _int(octets_in % 2**32, ber.COUNTER32),
            11: _int(packets_in % 2**32, ber.COUNTER32),
            12: _int(packets_in // 50 % 2**32, ber.COUNTER32),
            13: _int(0, ber.COUNTER32),
            14: _int(errors, ber.COUNTER32),
            16: _int(octets_out % 2**32, ber.COUNTER32),
            17: _int(packets_out % 2**32, ber.COUNTER32),
            18: _int(packets_out // 50 % 2**32, ber.COUNTER32),
            19: _int(errors // 3, ber.COUNTER32),
            20: _int(0, ber.COUNTER32),
        }
        wide: dict[int, bytes] = {
            1: _text(name),
            6: _int(octets_in, ber.COUNTER64),
            7: _int(packets_in, ber.COUNTER64),
            8: _int(packets_in // 50, ber.COUNTER64),
            9: _int(packets_in // 90, ber.COUNTER64),
            10: _int(octets_out, ber.COUNTER64),
            11: _int(packets_out, ber.COUNTER64),
            12: _int(packets_out // 60, ber.COUNTER64),
            13: _int(packets_out // 80, ber.COUNTER64),
            15: _int(speed, ber.GAUGE32),
            18: _text(""),
            19: _int(0, ber.TIMETICKS),
        }
        return [(IF_TABLE, column, value) for column, value in plain.items()] + [
            (IF_X_TABLE, column, value) for column, value in wide.items()
        ]


class Ups:
    """A power supply, whose line fails once a day (UPS-MIB, RFC 1628).

    Attributes:
        outage_s: from when to when of each day of t.
    """

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"ups/{seed}")  # noqa: S311 - to be the same again
        begins = rng.uniform(1800, 72_000)
        self.outage_s = (begins, begins + rng.uniform(300, 900))
        self._load = rng.uniform(20, 60)
        self._line = rng.uniform(226, 234)
        self._full_s = rng.uniform(1800, 3600)
        self._phase = rng.random()

    def values(self, t: float) -> Values:
        """All of it, at t."""
        at = t % DAY_S
        begins, ends = self.outage_s
        battery = begins <= at < ends
        used = (min(at, ends) - begins) / self._full_s if at >= begins else 0.0
        charge = 1 - used if battery else min(1.0, 1 - used + (at - ends) / (5 * self._full_s)) if at >= ends else 1.0
        load = self._load * (0.8 + 0.2 * _day(t, self._phase))
        low = battery and charge < 0.25
        line = 0.0 if battery else self._line + 2 * math.sin(t / 900)
        scalars: dict[Oid, bytes] = {
            (1, 1): _text("Tocsin simulated"),
            (1, 2): _text("Smart 3000"),
            (2, 1): _int(3 if low else 2),
            (2, 2): _int(at - begins if battery else 0),
            (2, 3): _int(charge * self._full_s / 60),
            (2, 4): _int(100 * charge),
            (2, 5): _int(540 - 60 * (1 - charge)),
            (2, 6): _int(50 if battery else 0),
            (2, 7): _int(24 + (6 if battery else 0)),
            (3, 1): _int(t // DAY_S + (at >= begins), ber.COUNTER32),
            (3, 2): _int(1),
            (4, 1): _int(5 if battery else 3),
            (4, 2): _int(500),
            (4, 3): _int(1),
            (6, 1): _int(battery + low, ber.GAUGE32),
        }
        found = {(*UPS_MIB, *oid, 0): value for oid, value in scalars.items()}
        into = {2: 0 if battery else 500, 3: line, 4: 10 * load / 8, 5: 30 * load}
        out = {2: 230, 3: 10 * load / 8, 4: 30 * load, 5: load}
        found |= {(*UPS_MIB, 3, 3, 1, column, 1): _int(value) for column, value in into.items()}
        found |= {(*UPS_MIB, 4, 4, 1, column, 1): _int(value) for column, value in out.items()}
        return found


class Printer:
    """A printer that is busy by day (Printer-MIB, RFC 3805)."""

    def __init__(self, seed: int, faster: float = 1.0) -> None:
        rng = random.Random(f"printer/{seed}")  # noqa: S311 - to be the same again
        self._faster = faster
        self._pages = rng.randrange(10_000, 300_000)
        self._rate = rng.uniform(0.01, 0.05)
        self._level = {name: rng.uniform(0.65, 1.0) for name in ("black", "cyan", "magenta", "yellow")}
        self._drum = rng.uniform(40, 85)
        self._phase = rng.random() * 0.1

    def values(self, t: float) -> Values:
        """All of it, at t."""
        printed = int(self._rate * _day_so_far(t, self._phase) / self._faster)
        rest: Callable[[str, float], float] = lambda name, yields: (self._level[name] - printed / yields) % 1.0  # noqa: E731
        # description, class, unit, capacity, level
        supplies = [
            ("Black Toner Cartridge", 3, 7, 12_000, 12_000 * rest("black", 12_000)),
            ("Cyan Toner Cartridge", 3, 7, 6000, 6000 * rest("cyan", 20_000)),
            ("Magenta Toner Cartridge", 3, 7, 6000, 6000 * rest("magenta", 20_000)),
            ("Yellow Toner Cartridge", 3, 7, 6000, 6000 * rest("yellow", 20_000)),
            ("Drum Unit", 3, 19, -2, self._drum),
            ("Waste Toner Box", 4, 13, -2, -3),
            ("Maintenance Kit", 3, 7, -1, -1),
        ]
        trays = [("Tray 1", 250, 250 - printed % 250), ("Tray 2", 500, 350), ("Manual Feed", 100, -3)]
        found: dict[Oid, bytes] = {
            (*PRINTER_MIB, 10, 2, 1, 4, 1, 1): _int((self._pages + printed) % 2**32, ber.COUNTER32),
            (*HR_DEVICE, 5, 1, 1, 1): _int(4 if _day(t, self._phase) > 0.5 else 3),
            (*HR_DEVICE, 2, 1, 5, 1): _int(2),
        }
        for number, (name, kind, unit, capacity, level) in enumerate(supplies, 1):
            cells = {4: _int(kind), 6: _text(name), 7: _int(unit), 8: _int(capacity), 9: _int(level)}
            found |= {(*PRINTER_MIB, 11, 1, 1, column, 1, number): value for column, value in cells.items()}
        for number, (name, capacity, level) in enumerate(trays, 1):
            cells = {9: _int(capacity), 10: _int(level), 13: _text(name)}
            found |= {(*PRINTER_MIB, 8, 2, 1, column, 1, number): value for column, value in cells.items()}
        return found
