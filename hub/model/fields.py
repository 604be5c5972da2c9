"""How the fields of a document are read: each by a reader that knows what it expects."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from common.events import Severity, parse_severity
from hub.model import schemas
from hub.model.properties import CATALOGUE, Property, Value, read_value
from hub.model.yaml import Item, Odd, Revealed, Unread

MAX_SHOWN = 60
MAX_NAMES = 50


class Fault(Struct, frozen=True):
    """Something wrong; `place` is where in the document, for example `field 'count.min'`."""

    line: int
    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}" if self.place else self.sentence


class WrongValueError(Exception):
    """A value that does not fit; each fault's place goes on from the field's own name.

    Attributes:
        rest: the value with what is wrong in it, where that is of no concern to what stands elsewhere; else None.
    """

    def __init__(self, *faults: Fault, rest: Any = None) -> None:
        super().__init__(*faults)
        self.faults = faults
        self.rest = rest


class Reader(Struct, frozen=True):
    """Reads the value of a field, or raises `WrongValueError`.

    Attributes:
        schema: the same for editors, as JSON Schema.
    """

    read: Callable[[Item], Any]
    schema: Mapping[str, Any]

    def __call__(self, item: Item) -> Any:
        """Read a value."""
        return self.read(item)


class FieldSpec(Struct, frozen=True):
    """A field that a document may have."""

    read: Reader
    required: bool = False


def read_fields(
    item: Item, specs: Mapping[str, FieldSpec], ignore: Iterable[str] = (), prefix: str = ""
) -> tuple[dict[str, Any], list[Fault]]:
    """Read a mapping; give what was right, by field, and all that was wrong.

    Args:
        item: its value is a dict of items.
        specs: by name of the field.
        ignore: fields that somebody else has read.
        prefix: put before the names of fields in messages.
    """
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, part in item.value.items():
        spec = specs.get(name)
        if spec is None:
            if name not in ignore:
                faults.append(Fault(part.line, "", unknown("field", prefix + name, [prefix + one for one in specs])))
            continue
        try:
            values[name] = spec.read(part)
        except WrongValueError as error:
            faults += (
                Fault(fault.line or part.line, f"field '{prefix}{name}{fault.place}'", fault.sentence)
                for fault in error.faults
            )
    faults += (
        Fault(item.line, "", f"field '{prefix}{name}' is missing")
        for name, spec in specs.items()
        if spec.required and name not in item.value
    )
    return values, faults


def schemas_of(specs: Mapping[str, FieldSpec]) -> dict[str, Any]:
    """The JSON Schema of each field that may be used."""
    return {name: spec.read.schema for name, spec in specs.items()}


def required_of(specs: Mapping[str, FieldSpec]) -> list[str]:
    """The names of the fields that must be there."""
    return [name for name, spec in specs.items() if spec.required]


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """The sentence for a word that is not one of those known, with the one that was probably meant."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    left = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"there is no {what} '{cut(word)}'{hint or '.'} Known: {', '.join(names[:MAX_NAMES]) or 'none'}{left}"


def cut(text: str) -> str:
    """A text for a message: on one line, and not too long."""
    clean = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[: MAX_SHOWN + 1])
    return clean if len(text) <= MAX_SHOWN else f"{clean[:MAX_SHOWN]}…"


def describe(value: object) -> str:
    """What was found, in words."""
    if isinstance(value, str):
        return f"'{cut(value)}'" if value else "an empty text"
    if isinstance(value, Odd):
        return value.what
    if isinstance(value, bool):
        return "true" if value else "false"
    return kind_of_value(value) + (f" ({value})" if isinstance(value, int | float) else "")


def kind_of_value(value: object) -> str:
    """What kind of value was found, without the value."""
    if value is None:
        return "nothing"
    if isinstance(value, Unread):
        return value.what
    names = {
        Revealed: "a secret",
        bool: "yes or no",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a mapping",
    }
    return names.get(type(value), "something else")


def wrong(item: Item, expected: str, place: str = "") -> WrongValueError:
    """The error for a value that is not what was expected."""
    return WrongValueError(Fault(item.line, place, f"got {describe(item.value)}; expected {expected}"))


# --- readers ----------------------------------------------------------------------------------------------------------


def text(expected: str, pattern: str | None = None, *, longest: int = 255) -> Reader:
    """Read text on one line."""
    compiled = re.compile(pattern) if pattern else None

    def read(item: Item) -> str:
        value = item.value
        if not isinstance(value, str):
            raise wrong(item, f"{expected}, in quotes if it looks like something else")
        if len(value) > longest:
            raise wrong(item, f"at most {longest} characters, not {len(value)}")
        if not value.isprintable() or (compiled is not None and not compiled.fullmatch(value)):
            raise wrong(item, expected)
        return value

    return Reader(read, schemas.text(expected, pattern, longest))


def prose(longest: int) -> Reader:
    """Read text of several lines."""

    def read(item: Item) -> str:
        if not isinstance(item.value, str):
            raise wrong(item, "text")
        if len(item.value) > longest:
            raise wrong(item, f"at most {longest} characters, not {len(item.value)}")
        return item.value.strip()

    return Reader(read, {"type": "string", "maxLength": longest})


def whole(minimum: int, maximum: int) -> Reader:
    """Read a whole number."""

    def read(item: Item) -> int:
        value = item.value
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise wrong(item, f"a whole number from {minimum} to {maximum}")
        return value

    return Reader(read, {"type": "integer", "minimum": minimum, "maximum": maximum})


def _read_flag(item: Item) -> bool:
    """Read yes or no."""
    if not isinstance(item.value, bool):
        raise wrong(item, "true or false")
    return item.value


flag = Reader(_read_flag, {"type": "boolean"})


def choice(*words: str) -> Reader:
    """Read one of some words."""

    def read(item: Item) -> str:
        if item.value not in words:
            raise wrong(item, f"one of {', '.join(words)}")
        return str(item.value)

    return Reader(read, {"enum": list(words)})


def severity(*, none: bool) -> Reader:
    """Read how bad something is, by name or number; where `none` is allowed, it and nothing are None."""
    names = [one.label for one in Severity if one is not Severity.CLEAR]
    expected = f"one of {', '.join(names)} (or 1 to 5){', none' if none else ''}"

    def read(item: Item) -> Severity | None:
        value = item.value
        if none and (value is None or value == "none"):
            return None
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise wrong(item, expected)
        try:
            found = parse_severity(value)
        except ValueError:
            raise wrong(item, expected) from None
        if found is Severity.CLEAR:
            raise wrong(item, expected)
        return found

    return Reader(read, schemas.severity(none=none))


def many(read_one: Reader, *, longest: int) -> Reader:
    """Read a list, or a single value that stands for a list of one; doubles are dropped."""

    def read(item: Item) -> tuple[Any, ...]:
        if not isinstance(item.value, list):
            return (read_one(item),)
        if len(item.value) > longest:
            raise wrong(item, f"at most {longest} entries, not {len(item.value)}")
        values: dict[Any, None] = {}
        faults: list[Fault] = []
        for number, part in enumerate(item.value, start=1):
            try:
                values[read_one(part)] = None
            except WrongValueError as error:
                faults += (Fault(fault.line, f"[{number}]{fault.place}", fault.sentence) for fault in error.faults)
        if faults:
            raise WrongValueError(*faults)
        return tuple(values)

    return Reader(read, schemas.many(read_one.schema, longest))


def group(specs: Mapping[str, FieldSpec], expected: str) -> Reader:
    """Read a mapping with fields of its own into a dict."""

    def read(item: Item) -> dict[str, Any]:
        if not isinstance(item.value, dict):
            raise wrong(item, expected)
        values, faults = read_fields(item, specs)
        if faults:
            raise WrongValueError(*(Fault(fault.line, "", str(fault)) for fault in faults))
        return values

    return Reader(read, schemas.mapping(schemas_of(specs), required_of(specs)))


def _bare(prop: Property, part: Item) -> object:
    """The value of a property without what is known of its place in the file."""
    if prop.secret and isinstance(part.value, Revealed):
        return part.value.value
    return [one.value for one in part.value] if isinstance(part.value, list) else part.value


def read_properties(item: Item, known: Mapping[str, Property] = CATALOGUE, elsewhere: str = "") -> dict[str, Value]:
    """Read properties; a secret's value never gets into a message.

    Args:
        item: a mapping.
        known: those that there are here: the catalogue, or a part of it.
        elsewhere: what is to be said of one that is only in the rest of the catalogue.
    """
    if not isinstance(item.value, dict):
        raise wrong(item, "a mapping from the name of a property to its value")
    values: dict[str, Value] = {}
    faults: list[Fault] = []
    for name, part in item.value.items():
        prop = known.get(name)
        if prop is None:
            if elsewhere and name in CATALOGUE:
                faults.append(Fault(part.line, f".{name}", elsewhere))
            else:
                faults.append(Fault(part.line, "", unknown("property", name, known)))
            continue
        value = _bare(prop, part)
        try:
            values[name] = read_value(prop, value)
        except ValueError as error:
            got = kind_of_value(part.value) if prop.secret else describe(part.value)
            faults.append(Fault(part.line, f".{name}", f"got {got}; expected {error}"))
    if faults:
        raise WrongValueError(*faults)
    return values


properties = Reader(read_properties, schemas.properties())
