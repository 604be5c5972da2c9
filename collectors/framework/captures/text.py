"""A reading as text: lines of JSON, one for each row of a table (docs/captures.md has the format)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from collectors.framework.captures.reading import Got, Probed, Reading, Scanned, Section, Typed, Walked
from collectors.framework.captures.words import NAMES, oid_word, word_of
from collectors.framework.processtable import ProcessRow
from collectors.framework.snmp import ber
from common.masking import Masker, masker

FORMAT = 1


def heading(reading: Reading) -> str:
    """The first line of a file."""
    at = datetime.fromtimestamp(reading.at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    words: dict[str, Any] = {"capture": FORMAT, "device": reading.device, "source": reading.origin.value}
    words |= {"at": at, "monotonic_s": round(reading.monotonic_s, 6)}
    if reading.engine:
        words |= {"engine": reading.engine, "version": reading.version}
    return _line(words)


def lines_of(section: Section, secrets: Masker | None = None) -> Iterator[str]:
    """The lines of a section, without what looks like a secret."""
    known = secrets or masker()
    if isinstance(section, Got):
        yield from _got(section, known)
    elif isinstance(section, Walked):
        yield from _walked(section, known)
    elif isinstance(section, Probed):
        yield _line({"answered": {str(pid): alive for pid, alive in section.alive.items()}})
    else:
        yield from _scanned(section, known)


def _got(section: Got, secrets: Masker) -> Iterator[str]:
    if section.failure is not None:
        oids = [oid_word(oid) for oid in section.values]
        yield _line({"get": oids, "error": section.failure.kind, "message": secrets.mask(section.failure.message)})
        return
    words = {oid_word(oid): word_of(_masked(typed, secrets)) for oid, typed in section.values.items()}
    yield _line({"get": words})


def _walked(section: Walked, secrets: Masker) -> Iterator[str]:
    columns = [oid_word(column) for column in section.columns]
    if section.failure is not None:
        yield _line({"table": columns, "error": section.failure.kind, "message": secrets.mask(section.failure.message)})
        return
    usual = [_usual(rows.values()) for rows in section.rows]
    head: dict[str, Any] = {"table": columns, "types": [NAMES[tag] for tag in usual]}
    if section.problem:
        head["problem"] = secrets.mask(section.problem)
    yield _line(head | {"varbinds": section.varbinds, "requests": section.requests})
    for index in sorted({index for rows in section.rows for index in rows}):
        cells = [word_of(_masked(rows.get(index), secrets), tag) for rows, tag in zip(section.rows, usual, strict=True)]
        yield _line([oid_word(index), *cells])


def _usual(values: Iterable[Typed]) -> int:
    """The type that most values of a column have."""
    counts: dict[int, int] = {}
    for typed in values:
        if typed.tag in NAMES:
            counts[typed.tag] = counts.get(typed.tag, 0) + 1
    return max(counts, key=lambda tag: counts[tag], default=ber.INTEGER)


def _scanned(section: Scanned, secrets: Masker) -> Iterator[str]:
    head: dict[str, Any] = {"processes": len(section.rows), "full": section.full}
    if section.problem:
        head["problem"] = section.problem
    yield _line(head)
    for row in sorted(section.rows, key=lambda row: row.pid):
        yield _line(_row(row, secrets))


def _row(row: ProcessRow, secrets: Masker) -> dict[str, Any]:
    words: dict[str, Any] = msgspec.to_builtins(row)
    words["parameters"] = secrets.arguments(row.path, row.name, row.parameters)
    return words


def _masked(typed: Typed | None, secrets: Masker) -> Typed | None:
    if typed is None or typed.tag != ber.OCTET_STRING or not isinstance(typed.value, bytes):
        return typed
    return Typed(typed.tag, secrets.mask_bytes(typed.value))


def _line(words: Any) -> str:
    return msgspec.json.encode(words).decode() + "\n"
