"""One case: a capture whose rows are changed, run through as `--replay` does."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from msgspec import structs
from twisted.internet.defer import Deferred

from collectors.framework.captures.folder import readings
from collectors.framework.captures.reading import SYS_UPTIME, Failure, Got, Reading, Section, Typed, Walked
from collectors.framework.captures.replaying import Tape
from collectors.framework.captures.run import Run, run_through
from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid
from collectors.process.events import MISSING
from collectors.process.main import SPEC
from tests.fakes.snmp import result_of
from tests.fuzz.agents import HOST, PIDS_OF
from tests.fuzz.wholepath import SETS, SNMP, fit_to_be_seen

HONEST, CHANGED, AFTER = 2, 5, 4
VALUES = (
    Typed(ber.INTEGER, -1), Typed(ber.INTEGER, -(2**31)), Typed(ber.COUNTER64, 2**64 - 1), Typed(ber.OCTET_STRING, b""),
    Typed(ber.OCTET_STRING, b"\x1b[2J\xff\0"), Typed(ber.OCTET_STRING, b"x" * 64_000), Typed(ber.NULL, None),
    Typed(ber.OBJECT_IDENTIFIER, (1, 3)), Typed(ber.TIMETICKS, 0), Typed(ber.OPAQUE, b"\x9f\x78\4"),
)  # fmt: skip
PIDS: tuple[Oid, ...] = ((0,), (2**31 - 1,), (2**32 - 1,), (1, 2), (), (633,))


def _rows_gone(rng: random.Random, walked: Walked) -> Walked:
    gone = set(rng.sample(sorted(walked.rows[0]), rng.choice([1, 3, 20])))
    rows = tuple({index: typed for index, typed in column.items() if index not in gone} for column in walked.rows)
    return structs.replace(walked, rows=rows)


def _end_gone(rng: random.Random, walked: Walked) -> Walked:
    kept = rng.randrange(37)
    return structs.replace(walked, rows=tuple(dict(list(column.items())[:kept]) for column in walked.rows))


def _column_gone(rng: random.Random, walked: Walked) -> Walked:
    rows = list(walked.rows)
    rows[rng.randrange(len(rows))] = {}
    return structs.replace(walked, rows=tuple(rows))


def _cells(rng: random.Random, walked: Walked) -> Walked:
    rows = [dict(column) for column in walked.rows]
    for _ in range(rng.choice([1, 5, 40])):
        column = rng.choice(rows)
        if column:
            column[rng.choice(sorted(column))] = rng.choice(VALUES)
    return structs.replace(walked, rows=tuple(rows))


def _cells_gone(rng: random.Random, walked: Walked) -> Walked:
    rows = [dict(column) for column in walked.rows]
    for _ in range(rng.choice([1, 5, 40])):
        column = rng.choice(rows)
        if column:
            del column[rng.choice(sorted(column))]
    return structs.replace(walked, rows=tuple(rows))


def _more_rows(rng: random.Random, walked: Walked) -> Walked:
    index = rng.choice(PIDS)
    return structs.replace(walked, rows=tuple(column | {index: rng.choice(VALUES)} for column in walked.rows))


def _problem(rng: random.Random, walked: Walked) -> Walked:
    return structs.replace(_end_gone(rng, walked), problem="OIDs that do not increase")


def _failure(rng: random.Random, walked: Walked) -> Walked:
    kind = rng.choice(["SnmpTimeout", "SnmpAuthError", "SnmpConfigError", "SnmpError", "Strange"])
    return structs.replace(walked, rows=tuple({} for _ in walked.rows), failure=Failure(kind, "no\x1b[2J answer"))


CHANGES: tuple[Callable[[random.Random, Walked], Walked], ...] = (
    _rows_gone, _end_gone, _column_gone, _cells, _cells, _cells_gone, _more_rows, _problem, _failure,
)  # fmt: skip


def case(seed: int) -> list[Reading]:
    """Readings of a host to which nothing happens; those in the middle are changed."""
    rng = random.Random(f"rows/{seed}")
    (base,) = readings(HOST)
    found = []
    for number in range(HONEST + CHANGED + AFTER):
        sections: list[Section] = []
        for section in base.sections:
            if isinstance(section, Got):
                up = section.values[SYS_UPTIME]
                assert up is not None
                assert isinstance(up.value, int)
                ticks = Typed(ber.TIMETICKS, up.value + 6000 * number)
                if HONEST <= number < HONEST + CHANGED and rng.random() < 0.2:
                    ticks = rng.choice(VALUES)
                sections.append(Got(values=section.values | {SYS_UPTIME: ticks}))
            elif isinstance(section, Walked):
                changing = HONEST <= number < HONEST + CHANGED
                sections.append(rng.choice(CHANGES)(rng, section) if changing else section)
        at = base.at + 60 * number
        found.append(structs.replace(base, at=at, monotonic_s=base.monotonic_s + 60 * number, sections=sections))
    return found


def false_alarms(base: Reading, told: Reading, run: Run) -> list[str]:
    """Sets that are said to be missing although the reading has a process of theirs as it was, or is no whole table."""
    honest, walked = (next(one for one in reading.sections if isinstance(one, Walked)) for reading in (base, told))
    missing = [event.component for event in run.events if event.event_key == MISSING and event.severity.value]
    if walked.problem or walked.failure is not None:
        return missing

    def whole(pid: int) -> bool:
        return all(mine.get((pid,)) == theirs[pid,] for mine, theirs in zip(walked.rows, honest.rows, strict=True))

    return [name for name in missing if any(whole(pid) for pid in PIDS_OF[name])]


def run_case(seed: int) -> None:
    """Run one case.

    Raises:
        AssertionError: something is not as it has to be.
    """
    told = case(seed)
    (base,) = readings(HOST)
    made = run_through(SPEC, SNMP, Tape(told, SNMP.interval_s), data_dir=Path("/nonexistent"))
    runs = result_of(Deferred.fromCoroutine(made))
    assert len(runs) == len(told)
    for number, (reading, run) in enumerate(zip(told, runs, strict=True)):
        false = false_alarms(base, reading, run)
        assert not false, f"reading {number}: {false}"
        assert all(fit_to_be_seen(line) for line in run.lines()), run.lines()
    counts = {sample.key.component: sample.values["count"] for sample in runs[-1].samples}
    assert counts == {name: len(PIDS_OF[name]) for name in SETS}
