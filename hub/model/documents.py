"""Documents: what files say, read into entities, with every mistake of every file reported at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from common.errors import SettingsError
from hub.model.entities import Entity, Key, key_of
from hub.model.fields import Fault, WrongValueError, cut, describe, read_fields, unknown
from hub.model.kinds import KINDS, PLANNED, Kind
from hub.model.properties import CATALOGUE
from hub.model.unread import Unread
from hub.model.yaml import Item, Revealed, plain_item, read_items

MAX_REPORTED = 200
REFERRING = frozenset(
    {
        *("templates", "extends", "replaces", "component", "sources", "thresholds", "graphs"),
        *("applies_to", "class", "collector", "members", "components"),
    }
)
"""Fields that may be wrong only beside other documents."""


_NAMING = frozenset({"retention", "model_plugins"})
"""Properties that name another document."""


class SourceFile(Struct, frozen=True):
    """A file of documents.

    Attributes:
        path: what messages call it.
        secrets: what `!secret` in it stands for, by what is written behind it.
    """

    path: str
    text: str
    secrets: dict[str, str] = {}


class Document(Struct, frozen=True):
    """An entity, and where it was defined.

    Attributes:
        lines: of fields, and of what stands in them, by their paths; only of those that refer to other documents.
        warnings: what is not wrong, but should be otherwise; sentences with file and line.
    """

    entity: Entity
    path: str
    line: int
    lines: dict[tuple[str, ...], int] = {}
    warnings: tuple[str, ...] = ()


def places_of(documents: Iterable[Document]) -> Callable[[Key, tuple[str, ...]], str]:
    """Give what tells where something stands in one of these documents, as messages begin: file and line."""
    place = place_in(documents)

    def where(key: Key, path: tuple[str, ...]) -> str:
        file, line = place(key, path)
        return f"{file}:{line}: " if file else ""

    return where


def place_in(documents: Iterable[Document]) -> Callable[[Key, tuple[str, ...]], tuple[str, int]]:
    """Give what finds file and line of something; no file for what stands in none of these documents."""
    by_key = {key_of(document.entity): document for document in documents}

    def place(key: Key, path: tuple[str, ...]) -> tuple[str, int]:
        document = by_key.get(key)
        if document is None:
            return "", 0
        lines = (document.lines.get(path[:depth]) for depth in range(len(path), 0, -1))
        return document.path, next((line for line in lines if line), document.line)

    return place


def warning(place: Callable[[Key, tuple[str, ...]], tuple[str, int]], key: Key, field: str, sentence: str) -> str:
    """A sentence about a field of a document, with file and line; `place` is what `place_in` gives."""
    return str(Mistake(*place(key, tuple(field.split("."))), f"{' '.join(key)}: field '{field}': {sentence}"))


class Mistake(Struct, frozen=True):
    """One thing that is wrong, and where; no path for what stands in no file."""

    path: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}" if self.path else self.sentence


class Reading(Struct, frozen=True):
    """What files say.

    Attributes:
        documents: those of which an entity could be made, also where a mistake in it is of no concern to the others.
        unread: those that are wrong.
    """

    documents: list[Document]
    mistakes: list[Mistake]
    unread: Unread


def read_files(files: Sequence[SourceFile]) -> Reading:
    """Read all documents of all files, with the mistakes of those that are wrong."""
    reading = _Reading()
    for file in files:
        reading.file(file)
    return Reading(reading.documents, reading.mistakes, Unread(frozenset(reading.wrong), frozenset(reading.doubtful)))


def read_documents(files: Sequence[SourceFile]) -> list[Document]:
    """Read all documents of all files.

    Raises:
        SettingsError: something is wrong; its details are one sentence for each mistake.
    """
    reading = read_files(files)
    if reading.mistakes:
        raise refused(reading.mistakes)
    return reading.documents


def refused(mistakes: Iterable[Mistake]) -> SettingsError:
    """The error that tells mistakes, by file and line; those that stand in no file come last."""
    told = sorted(mistakes, key=lambda mistake: (not mistake.path, mistake.path, mistake.line))
    return SettingsError(_headline(told), _details(told))


def read_entity(kind: str, fields: Mapping[str, object]) -> Entity:
    """Read one entity from values that came without a file.

    Raises:
        SettingsError: something is wrong; its details are one sentence for each mistake.
    """
    faults, entity = _read(KINDS[kind], plain_item(dict(fields)), 1)
    if faults or entity is None:
        id_ = fields.get("id")
        label = f"{KINDS[kind].title} {cut(id_) if isinstance(id_, str) else ''}".strip()
        raise SettingsError(f"{label} cannot be stored as it is", [str(fault) for fault in faults])
    return entity


class _Reading:
    """Collects documents and mistakes over several files."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.mistakes: list[Mistake] = []
        self.wrong: set[Key] = set()
        self.doubtful: set[str] = set()
        self._first: dict[Key, str] = {}

    def file(self, file: SourceFile) -> None:
        seen: dict[str, int] = {}
        before, told = len(self.documents), len(self.mistakes)
        items = read_items(file.text, lambda line, sentence: self._note(file.path, line, sentence), file.secrets)
        noted = self.mistakes[told:]
        for item in items:
            for part in item.value if isinstance(item.value, list) else [item]:
                if part.value is not None:
                    self._document(file.path, part, seen)
        if noted:  # by line: nobody knows by which of the documents
            self.wrong |= {key_of(document.entity) for document in self.documents[before:]}
            if not items or any(mistake.sentence.startswith(("'id'", "'kind'")) for mistake in noted):
                self.doubtful |= KINDS.keys()

    def _note(self, path: str, line: int, sentence: str) -> None:
        self.mistakes.append(Mistake(path, line, sentence))

    def _document(self, path: str, item: Item, seen: dict[str, int]) -> None:
        if not isinstance(item.value, dict):
            self._note(path, item.line, f"got {describe(item.value)}; expected a document: a mapping with kind and id")
            self.doubtful |= KINDS.keys()
            return
        word = item.value.get("kind")
        if word is None or not isinstance(word.value, str) or word.value not in KINDS:
            self._note(path, word.line if word else item.line, _wrong_kind(word))
            self._doubt(item, KINDS)
            return
        name = word.value
        seen[name] = seen.get(name, 0) + 1
        faults, entity = _read(KINDS[name], item, seen[name])
        label = _label(name, item)
        for fault in faults:
            self._note(path, fault.line, f"{label}: {fault}")
        if entity is None:
            entity = _rest(KINDS[name], item, len(faults), seen[name])
        if entity is None:
            self._doubt(item, [name])
        self._claim(name, item, path)
        if entity is not None:
            warnings = tuple(
                str(Mistake(path, line, f"{label}: {sentence}")) for line, sentence in _plain_secrets(item)
            )
            self.documents.append(Document(entity, path, item.line, _lines(item), warnings))

    def _claim(self, kind: str, item: Item, path: str) -> None:
        """Note who has an id first, also when the document is wrong otherwise."""
        id_ = item.value["id"].value if "id" in item.value else None
        if not isinstance(id_, str):
            return
        here = f"{path}:{item.line}"
        first = self._first.setdefault((kind, id_), here)
        if first is not here:
            self._note(path, item.line, f"{kind} {cut(id_)} is defined twice; the first is at {first}")
            self.wrong.add((kind, id_))

    def _doubt(self, item: Item, kinds: Iterable[str]) -> None:
        """Note that a document is wrong, which may be of one of these kinds."""
        for kind in kinds:
            values, _ = read_fields(item, {"id": KINDS[kind].fields["id"]}, ignore=item.value)
            if "id" in values:
                self.wrong.add((kind, values["id"]))
            else:
                self.doubtful.add(kind)


def _read(kind: Kind, item: Item, number: int) -> tuple[list[Fault], Entity | None]:
    """Read one document; the entity is None when it could not be made."""
    values, faults = read_fields(item, kind.fields, ignore=("kind",))
    bad = item.value.keys() & kind.fields.keys() - values.keys()
    for name, sentence in kind.check(values, bad):
        line = item.value[name].line if name in item.value else item.line
        faults.append(Fault(line, f"field '{name}'", sentence))
    return faults, None if faults else kind.build(values, number)


def _rest(kind: Kind, item: Item, faults: int, number: int) -> Entity | None:
    """Read a wrong document so far that others can be checked beside it; None where that would tell what is not true.

    Args:
        kind: of the document.
        item: the document.
        faults: how many there are; those that are of no concern to others have to be all.
        number: the document's place among those of its kind in its file, from 1.
    """
    values: dict[str, Any] = {}
    for name, spec in kind.fields.items():
        if name in item.value:
            try:
                values[name] = spec.read(item.value[name])
            except WrongValueError as error:
                if error.rest is None:
                    return None
                values[name] = error.rest
                faults -= len(error.faults)
    return None if faults else kind.build(values, number)


def _lines(item: Item) -> dict[tuple[str, ...], int]:
    """The lines of what refers to other documents."""
    lines: dict[tuple[str, ...], int] = {}
    for name in REFERRING & item.value.keys():
        part = item.value[name]
        lines[name,] = part.line
        if isinstance(part.value, dict):
            lines.update(((name, entry), nested.line) for entry, nested in part.value.items())
        elif isinstance(part.value, list):
            ids = ((one.value.get("id"), one.line) for one in part.value if isinstance(one.value, dict))
            lines.update(((name, id_.value), line) for id_, line in ids if id_ is not None)
    properties = item.value["properties"].value if "properties" in item.value else None
    if isinstance(properties, dict):
        lines.update((("properties", name), properties[name].line) for name in _NAMING & properties.keys())
    return lines


def _plain_secrets(item: Item) -> list[tuple[int, str]]:
    """Secrets that stand in a file for everybody who can read it, by line; a default is none."""
    properties = item.value["properties"].value if "properties" in item.value else {}
    return [
        (part.line, f"{name} stands there in plain text; write !secret file:NAME or !secret env:NAME in its place")
        for name, part in properties.items()
        if (prop := CATALOGUE.get(name)) is not None and prop.secret and part.value not in {prop.default, ""}
        if not isinstance(part.value, Revealed)
    ]


def _wrong_kind(word: Item | None) -> str:
    known = ", ".join(sorted(KINDS))
    if word is None:
        return f"field 'kind' is missing; known: {known}"
    if not isinstance(word.value, str):
        return f"field 'kind': got {describe(word.value)}; known: {known}"
    if word.value in PLANNED:
        return f"kind '{word.value}' is not known yet; known: {known}"
    return unknown("kind", word.value, KINDS)


def _label(kind: str, item: Item) -> str:
    id_: Any = item.value["id"].value if "id" in item.value else None
    return f"{kind} {cut(id_)}" if isinstance(id_, str) else kind


def _headline(mistakes: Sequence[Mistake]) -> str:
    files = len({mistake.path for mistake in mistakes})
    many = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "one mistake"
    where = f"{files} files" if files > 1 else cut(mistakes[0].path)
    return f"{many} in {where}; nothing was applied"


def _details(mistakes: Sequence[Mistake]) -> list[str]:
    told = [str(mistake) for mistake in mistakes[:MAX_REPORTED]]
    left = len(mistakes) - len(told)
    return [*told, f"and {left} more"] if left else told
