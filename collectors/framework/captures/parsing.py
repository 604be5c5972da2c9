"""Text to readings, with every mistake told at once, by line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from collectors.framework.captures.reading import (
    KINDS,
    Failure,
    Got,
    Origin,
    Probed,
    Reading,
    Scanned,
    Typed,
    Walked,
)
from collectors.framework.captures.text import FORMAT
from collectors.framework.captures.words import WrongWordError, read_oid, read_type, read_word, shown
from collectors.framework.processtable import ProcessRow
from collectors.framework.snmp.interfaces import Oid
from common.errors import SettingsError

MOST_MISTAKES = 30
_HEADING = {"capture", "device", "source", "at", "monotonic_s", "engine", "version"}
_SECTIONS = ("get", "table", "processes", "answered")


def parse(text: str, origin: str) -> Reading:
    """Read a reading; `origin` names the file in errors.

    Raises:
        SettingsError: with a line for each mistake.
    """
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            reader.take(_decoded(stripped))
        except WrongWordError as wrong:
            reader.mistakes.append(f"{origin}:{number}: {wrong}")
    reading = reader.reading
    if reading is None and not reader.mistakes:
        reader.mistakes.append(f'{origin}:1: no reading, wanted a first line such as {{"capture": {FORMAT}, …}}')
    if reader.mistakes or reading is None:
        count = len(reader.mistakes)
        more = [f"and {count - MOST_MISTAKES} more"] if count > MOST_MISTAKES else []
        what = "a mistake" if count == 1 else f"{count} mistakes"
        raise SettingsError(f"{origin} is no capture: {what}", [*reader.mistakes[:MOST_MISTAKES], *more])
    return reading


def _decoded(line: str) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise WrongWordError(f"not JSON: {error}") from None


class _Reader:
    """Takes line after line."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []
        self.reading: Reading | None = None
        self._row: Callable[[Any], None] | None = None
        self._row_type: type = list
        self._failed = False

    def take(self, words: Any) -> None:
        if self.reading is None:
            if self._failed:
                return
            self._failed = True
            self.reading = _heading(words)
            self._failed = False
            return
        named = next((name for name in _SECTIONS if isinstance(words, dict) and name in words), None)
        if named is not None:
            self._row = None
            self._begin(named, words)
        elif self._row is not None and isinstance(words, self._row_type):
            self._row(words)
        elif isinstance(words, dict) or self._row is not None:
            raise WrongWordError(f"{shown(words)} begins nothing, wanted one of: {', '.join(_SECTIONS)}")
        # rows of a heading that is wrong itself are not looked at

    def _begin(self, named: str, words: dict[str, Any]) -> None:
        assert self.reading is not None
        if named == "get":
            self.reading.sections.append(_got(words))
        elif named == "answered":
            _only(words, {"answered"})
            self.reading.sections.append(_probed(words["answered"]))
        elif named == "table":
            walked = _walked(words)
            self.reading.sections.append(walked)
            if walked.failure is None:
                types = [read_type(word) for word in words["types"]]
                self._row, self._row_type = lambda row: _table_row(walked, types, row), list
        else:
            self._row, self._row_type = self._scan(words), dict

    def _scan(self, words: dict[str, Any]) -> Callable[[Any], None]:
        assert self.reading is not None
        _only(words, {"processes", "full", "problem"})
        full, problem = words.get("full", True), words.get("problem", "")
        if not isinstance(full, bool) or not isinstance(problem, str):
            raise WrongWordError('wanted "full": true or false, and "problem": text')
        sections, rows, at = self.reading.sections, [], len(self.reading.sections)  # type: tuple[Any, list[Any], int]
        sections.append(Scanned(rows=(), full=full, problem=problem))
        pids: set[int] = set()

        def take(row: Any) -> None:
            try:
                process = msgspec.convert(row, ProcessRow)
            except msgspec.ValidationError as error:
                raise WrongWordError(f"no process: {error}") from None
            if process.pid in pids:
                raise WrongWordError(f"process {process.pid} stands here twice")
            pids.add(process.pid)
            rows.append(process)
            sections[at] = Scanned(rows=tuple(rows), full=full, problem=problem)

        return take


def _heading(words: Any) -> Reading:
    if not isinstance(words, dict) or words.get("capture") != FORMAT:
        raise WrongWordError(f'the first line has to be {{"capture": {FORMAT}, "device": …, "source": …, "at": …}}')
    _only(words, _HEADING)
    try:
        at = datetime.fromisoformat(words["at"])
        return Reading(
            device=_text(words["device"]),
            origin=Origin(words["source"]),
            at=(at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp(),
            monotonic_s=float(words.get("monotonic_s", 0.0)),
            engine=_text(words.get("engine", "own"), empty=True),
            version=_text(words.get("version", "2c"), empty=True),
            sections=[],
        )
    except (KeyError, ValueError, TypeError):
        raise WrongWordError(
            'wanted "device": text, "source": "snmp" or "local", "at": a time such as "2026-11-20T03:00:00Z", and '
            '"monotonic_s": a number or nothing'
        ) from None


def _text(word: Any, *, empty: bool = False) -> str:
    if not isinstance(word, str) or not (word or empty):
        raise TypeError
    return word


def _only(words: Mapping[str, Any], known: set[str]) -> None:
    strange = [key for key in words if key not in known]
    if strange:
        raise WrongWordError(f"{shown(strange[0])} is unknown here; there are: {', '.join(sorted(known))}")


def _failure(words: dict[str, Any]) -> Failure:
    kind, message = words["error"], words.get("message", "")
    if kind not in KINDS or not isinstance(message, str):
        raise WrongWordError(f'{shown(kind)} is no error, wanted "error": one of {", ".join(KINDS)}, "message": text')
    return Failure(kind, message or "the capture says that this failed")


def _got(words: dict[str, Any]) -> Got:
    _only(words, {"get", "error", "message"})
    asked = words["get"]
    if "error" in words:
        if not isinstance(asked, list):
            raise WrongWordError('of a GET that failed, wanted "get": a list of OIDs')
        return Got(values={read_oid(oid): None for oid in asked}, failure=_failure(words))
    if not isinstance(asked, dict):
        raise WrongWordError('wanted "get": {OID: value, …}')
    return Got(values={read_oid(oid): read_word(word) for oid, word in asked.items()})


def _walked(words: dict[str, Any]) -> Walked:
    _only(words, {"table", "types", "problem", "varbinds", "requests", "error", "message"})
    if not isinstance(words["table"], list) or not words["table"]:
        raise WrongWordError('wanted "table": a list of OIDs, one for each column')
    columns = tuple(read_oid(word) for word in words["table"])
    empty: tuple[dict[Oid, Typed], ...] = tuple({} for _ in columns)
    if "error" in words:
        return Walked(columns=columns, rows=empty, failure=_failure(words))
    types = words.get("types")
    if not isinstance(types, list) or len(types) != len(columns):
        raise WrongWordError(f'wanted "types": a list of {len(columns)} types, one for each column')
    for word in types:
        read_type(word)
    problem, costs = words.get("problem", ""), [words.get(name, 0) for name in ("varbinds", "requests")]
    if not isinstance(problem, str) or not all(isinstance(cost, int) and cost >= 0 for cost in costs):
        raise WrongWordError('wanted "problem": text, "varbinds" and "requests": whole numbers, or nothing')
    return Walked(columns=columns, rows=empty, problem=problem, varbinds=costs[0], requests=costs[1])


def _table_row(walked: Walked, types: list[int], row: Any) -> None:
    if not isinstance(row, list) or len(row) != len(types) + 1:
        raise WrongWordError(f'{shown(row)} is no row, wanted ["INDEX", and {len(types)} values]')
    index = read_oid(row[0])
    if any(index in rows for rows in walked.rows):
        raise WrongWordError(f"row {row[0]} stands here twice")
    for rows, tag, word in zip(walked.rows, types, row[1:], strict=True):
        typed = read_word(word, tag)
        if typed is not None:
            rows[index] = typed


def _probed(words: Any) -> Probed:
    if not isinstance(words, dict) or not all(
        pid.isascii() and pid.isdigit() and isinstance(alive, bool) for pid, alive in words.items()
    ):
        raise WrongWordError('wanted "answered": {"PID": true or false, …}')
    return Probed(alive={int(pid): alive for pid, alive in words.items()})
