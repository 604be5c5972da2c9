"""The batch format of Zenoss: text to entries, each a name and its settings.

The facts, from the loader of zenoss-prodbin (BatchDeviceLoader): an entry is a line, and all that follow one that ends
in a backslash. It begins with a name, in quotes if there are blanks in it; a name that begins with a slash is that of
an organizer, and what it sets are the defaults of the entries that follow, until the next organizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from hub.imports.literals import BadSettingsError, Setting, read_settings

MAX_ENTRY = 256 * 1024
"""Characters of an entry with all its lines."""
_BYTE_ORDER_MARK = "\ufeff"


class Entry(Struct, frozen=True):
    """An organizer, or what stands below one.

    Attributes:
        line: its first one, from 1.
    """

    name: str
    line: int
    settings: tuple[Setting, ...] = ()

    @property
    def is_organizer(self) -> bool:
        """Whether the entries that follow belong to it."""
        return self.name.startswith("/")


class Mistake(Struct, frozen=True, order=True):
    """Something that is wrong in the text; line and column count from 1."""

    line: int
    column: int
    sentence: str


class Batch(Struct, frozen=True):
    """All entries in their order, and all mistakes."""

    entries: tuple[Entry, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def read_batch(data: bytes) -> Batch:
    """Read a file; everything that is wrong with it is told at once."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode(errors="replace")) + 1
        sentence = f"byte {data[error.start]:#04x} is no UTF-8; save the file as UTF-8"
        return Batch(mistakes=(Mistake(line, column, sentence),))
    entries, mistakes = [], []
    for number, lines in _logical_lines(text.removeprefix(_BYTE_ORDER_MARK)):
        try:
            entries.append(_entry(number, lines))
        except BadSettingsError as error:
            mistakes.append(Mistake(error.line, error.column, error.sentence))
    return Batch(tuple(entries), tuple(mistakes))


def _logical_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of each entry with the number of the first; blank lines and comments are left out."""
    gathered: list[str] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip()
        if not gathered and (not line or line.lstrip().startswith("#")):
            continue
        gathered.append(line)
        if not line.endswith("\\"):
            yield number - len(gathered) + 1, gathered
            gathered = []
    if gathered:
        yield text.count("\n") + 2 - len(gathered), gathered


def _entry(number: int, lines: Sequence[str]) -> Entry:
    if sum(map(len, lines)) > MAX_ENTRY:
        raise BadSettingsError(number, 1, f"the entry has more than {MAX_ENTRY} characters; cut it into several")
    for below, line in enumerate(lines):
        if "\0" in line:
            raise BadSettingsError(number + below, line.index("\0") + 1, "a NUL character; is this a text file?")
    indent = len(lines[0]) - len(lines[0].lstrip())
    name, end = _name(number, lines[0], indent)
    rest = [lines[0][end:], *lines[1:]]
    settings = read_settings(rest, number, end) if any(part.strip(" \t\\") for part in rest) else []
    return Entry(name, number, tuple(settings))


def _name(number: int, line: str, start: int) -> tuple[str, int]:
    """The name that a line begins with, and where it ends."""
    quote = line[start : start + 1]
    if quote and quote in "'\"":
        end = line.find(quote, start + 1)
        if end < 0:
            raise BadSettingsError(number, start + 1, f"the name has no closing {quote}")
        name = line[start + 1 : end].strip()
        end += 1
    else:
        name = "".join(line[start:].split(None, 1)[:1]).rstrip("\\")
        end = start + len(name)
    if not name:
        raise BadSettingsError(number, start + 1, "the entry has no name")
    if not name.isprintable():
        raise BadSettingsError(number, start + 1, "the name has characters that cannot be printed")
    return name, end
