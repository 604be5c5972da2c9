"""YAML text as plain values that know their lines, built under limits.

The parser's events are put together here, without recursion: a bomb of aliases or of brackets, a key that stands there
twice and a tag that would make an object end in a sentence, not in a value.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml
from msgspec import Struct
from yaml.resolver import Resolver

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 1_000_000  # with everything that aliases repeat
TAG = "tag:yaml.org,2002:"
SECRET_TAG = "!secret"  # noqa: S105 - a word, no secret

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COLLECTIONS = {None, "!", f"{TAG}map", f"{TAG}seq"}

Note = Callable[[int, str], None]


class Odd(Struct, frozen=True):
    """A value that no field takes; `what` says it in words."""

    what: str


class Unread(Odd, frozen=True):
    """A `!secret` that nobody has read; what it says may be shown."""


class Revealed(Struct, frozen=True):
    """A secret that `!secret` stands for; only a field for secrets takes it."""

    value: str

    def __repr__(self) -> str:
        return "Revealed()"


class Item(Struct, frozen=True):
    """A value and its line.

    Attributes:
        value: None, bool, int, float, str, Odd, Revealed, list[Item] or dict[str, Item].
        line: of the value, or of its key where it has one; 0 where there is no text.
        weight: how many values it is made of.
    """

    value: Any
    line: int = 0
    weight: int = 1


class BadYamlError(Exception):
    """A text that cannot be read any further."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence


def read_items(text: str, note: Note, secrets: Mapping[str, str] | None = None) -> list[Item]:
    """Read all documents of a text; what is wrong is noted by line, and a text that is no YAML gives nothing.

    `secrets` has what `!secret` stands for, by what is written behind it.
    """
    try:
        return _Composer(note, secrets or {}).documents(_events(text))
    except BadYamlError as error:
        note(error.line, error.sentence)
        return []


def secret_references(text: str) -> list[tuple[int, str]]:
    """What stands behind each `!secret` of a text, with its line; as far as the text can be read."""
    found: list[tuple[int, str]] = []
    with contextlib.suppress(BadYamlError):
        found.extend(
            (event.start_mark.line + 1 if event.start_mark else 1, event.value)
            for event in _events(text)
            if isinstance(event, yaml.ScalarEvent) and event.tag == SECRET_TAG
        )
    return found


def plain_item(value: object) -> Item:
    """A value that did not come from a text, as an item."""
    if isinstance(value, dict):
        return Item({str(key): plain_item(part) for key, part in value.items()})
    if isinstance(value, list | tuple):
        return Item([plain_item(part) for part in value])
    if value is None or isinstance(value, bool | int | float | str):
        return Item(value)
    return Item(Odd(f"a {type(value).__name__}"))


def _events(text: str) -> Iterable[Any]:
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError as error:
        raise BadYamlError(text.count("\n", 0, error.start) + 1, "is no UTF-8 text") from None
    if size_bytes > MAX_BYTES:
        raise BadYamlError(1, f"has {size_bytes} bytes; a file may have {MAX_BYTES}. Cut it into several")
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadYamlError(line, f"is no valid YAML: {error.reason}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f" ({error.context})" if error.context else ""
        raise BadYamlError(mark.line + 1 if mark else 1, f"is no valid YAML: {error.problem}{context}") from None


class _Frame:
    """A list or mapping that is being filled."""

    def __init__(self, line: int, anchor: str | None, *, is_map: bool) -> None:
        self.line = line
        self.anchor = anchor
        self.values: Any = {} if is_map else []
        self.is_map = is_map
        self.key: str | None = None
        self.key_line = line
        self.weight = 1


class _Composer:
    def __init__(self, note: Note, secrets: Mapping[str, str]) -> None:
        self._note = note
        self._secrets = secrets
        self._resolver: Any = Resolver()
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Item] = {}
        self._documents: list[Item] = []
        self._weight = 0

    def documents(self, events: Iterable[Any]) -> list[Item]:
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event, line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._begin(event, line)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event.anchor or "", line)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
        return self._documents

    def _begin(self, event: Any, line: int) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise BadYamlError(line, f"is nested deeper than {MAX_DEPTH} levels")
        self._check_key(line, "a list or a mapping")
        if event.tag == SECRET_TAG:
            self._note(line, f"{SECRET_TAG} stands before file:NAME or env:NAME, not before a list or a mapping")
        elif event.tag not in _COLLECTIONS:
            self._note(line, f"the tag {event.tag} is not known")
        self._open_anchor(event.anchor)
        self._stack.append(_Frame(line, event.anchor, is_map=isinstance(event, yaml.MappingStartEvent)))

    def _end(self) -> None:
        frame = self._stack.pop()
        self._finish(Item(frame.values, frame.line, frame.weight), frame.anchor)

    def _scalar(self, event: Any, line: int) -> None:
        if self._takes_key():
            self._key(event.value, line)
            return
        self._open_anchor(event.anchor)
        self._finish(Item(self._value(event), line), event.anchor)

    def _alias(self, anchor: str, line: int) -> None:
        self._check_key(line, "an alias")
        item = self._anchors.get(anchor)
        if item is None:
            raise BadYamlError(line, f"the alias *{anchor} stands for nothing, or for what it is a part of")
        self._finish(item, None)

    def _open_anchor(self, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors.pop(anchor, None)

    def _finish(self, item: Item, anchor: str | None) -> None:
        """Put a complete value where it belongs."""
        if anchor is not None:
            self._anchors[anchor] = item
        if not self._stack:
            self._documents.append(item)
            self._weight += item.weight
            return
        frame = self._stack[-1]
        frame.weight += item.weight
        if self._weight + frame.weight > MAX_NODES:
            raise BadYamlError(frame.line, f"has more than {MAX_NODES} values, counting what its aliases repeat")
        if not frame.is_map:
            frame.values.append(item)
            return
        if frame.key is not None:
            frame.values[frame.key] = Item(item.value, frame.key_line, item.weight)
        frame.key = None

    def _takes_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].is_map and self._stack[-1].key is None

    def _check_key(self, line: int, what: str) -> None:
        if self._takes_key():
            raise BadYamlError(line, f"{what} cannot be the name of a field; expected a word")

    def _key(self, key: str, line: int) -> None:
        frame = self._stack[-1]
        if key in frame.values:
            self._note(line, f"'{key[:60]}' stands there twice; the first is in line {frame.values[key].line}")
        frame.key, frame.key_line = key, line

    def _value(self, event: Any) -> Any:
        tag = event.tag
        if tag == SECRET_TAG:
            secret = self._secrets.get(event.value)
            return Unread(f"!secret {event.value[:60]}, which nobody has read") if secret is None else Revealed(secret)
        if tag is None or tag == "!":
            tag = self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
        return _construct(tag, event.value)


def _construct(tag: str, text: str) -> Any:
    kind = tag.removeprefix(TAG)
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"yes", "true", "on"}
    if kind == "int":
        return _whole(text)
    if kind == "float":
        return _number(text)
    if kind in {"timestamp", "merge", "value"}:
        what = {"timestamp": "a date", "merge": "a merge", "value": "a default value"}[kind]
        return Odd(f"{what} ({text[:40]}); in quotes it would be text")
    return Odd(f"something of the tag {tag[:60]}, which is not known")


def _whole(text: str) -> int | Odd:
    digits = text.lstrip("+-")
    if digits.isascii() and digits.isdigit() and len(digits) <= 18 and (digits == "0" or digits[0] != "0"):
        return int(text)
    return Odd(f"a number that is not written in plain decimal digits ({text[:40]}); in quotes it would be text")


def _number(text: str) -> float | Odd:
    try:
        return float(text)
    except ValueError:
        return Odd(f"a number in a form that is not known ({text[:40]}); in quotes it would be text")
