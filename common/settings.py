"""Settings files: TOML to frozen values, with every mistake told at once.

A settings type is a frozen msgspec Struct; a field that is a Struct itself is a section. What a field means stands in
the `Attributes:` part of its Struct's docstring, and comes from there into the file that `genconf` prints.
"""

from __future__ import annotations

import difflib
import enum
import inspect
import json
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec import inspect as types

from common.errors import SettingsError

T = TypeVar("T", bound=Struct)

LINE_LENGTH = 100
MAX_GOT = 80
_SECRET = re.compile(r"passw|secret|token|community|credential|database|://[^/\s]*@", re.IGNORECASE)
"""A key that may stand before a secret, and a URL with one: what is given for a database may have a password in it."""


def load_settings(path: Path, type_: type[T]) -> T:
    """Read a settings file.

    Raises:
        SettingsError: the file cannot be read, is no TOML, or has mistakes; `details` has a line for each.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such settings file; `genconf` prints one to begin with") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text at byte {error.start}") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    return read_settings(text, type_, str(path))


def read_settings(text: str, type_: type[T], origin: str) -> T:
    """Read settings from TOML text; `origin` names it in errors.

    Raises:
        SettingsError: as `load_settings`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{origin} is not TOML: {error}") from None
    mistakes: list[str] = []
    settings = _section(document, type_, "", mistakes)
    if settings is None or mistakes:
        count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise SettingsError(f"{origin}: {count} in the settings", mistakes)
    return settings


def _section(document: Mapping[str, Any], type_: type[T], prefix: str, mistakes: list[str]) -> T | None:
    """Read one section and those in it; None when it has mistakes, which are added to the list."""
    before = len(mistakes)
    fields = {field.name: field for field in msgspec.structs.fields(type_)}
    mistakes.extend(f"{prefix}{key}: {_unknown(key, fields)}" for key in document if key not in fields)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        section = _section_type(field.type)
        if name not in document:
            if field.required and section is None:
                mistakes.append(f"{prefix}{name}: missing, wanted {wanted(field.type)}")
                continue
            if section is None or not field.required:
                continue
        given = document.get(name, {})
        if section is None:
            values[name] = _value(given, field.type, f"{prefix}{name}", mistakes)
        elif isinstance(given, Mapping):
            values[name] = _section(given, section, f"{prefix}{name}.", mistakes)
        else:
            mistakes.append(f"{prefix}{name}: got {_got(name, given)}, wanted a section [{prefix}{name}]")
    if len(mistakes) > before:
        return None
    try:
        return type_(**values)
    except (ValueError, TypeError) as error:
        mistakes.append(f"{prefix.rstrip('.') or 'settings'}: {error}")
        return None


def _value(given: Any, type_: Any, where: str, mistakes: list[str]) -> Any:
    try:
        return msgspec.convert(given, type_, dec_hook=_path_hook)
    except msgspec.ValidationError:
        mistakes.append(f"{where}: got {_got(where, given)}, wanted {wanted(type_)}")
        return None


def _path_hook(type_: type[Any], given: Any) -> Any:
    if type_ is Path and isinstance(given, str) and given and "\0" not in given:
        return Path(given).expanduser()
    raise ValueError(f"{given!r} is not a {type_.__name__}")


def _unknown(key: str, fields: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, fields, n=1)
    known = f"did you mean {near[0]}?" if near else f"there are {', '.join(fields)}"
    return f"unknown; {known}"


def _got(where: str, given: Any) -> str:
    text = _literal(given)
    if _SECRET.search(where) or _SECRET.search(text):
        return "what is not shown here"
    return text if len(text) <= MAX_GOT else f"{text[:MAX_GOT]}…"


def _section_type(type_: Any) -> type[Any] | None:
    bare = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    return bare if isinstance(bare, type) and issubclass(bare, Struct) else None


# --- what is wanted, in words -----------------------------------------------------------------------------------------


def wanted(type_: Any) -> str:
    """Say what a field of that type takes."""
    return _words(types.type_info(type_))


def _words(info: types.Type) -> str:
    match info:
        case types.Metadata():
            return _words(info.type)
        case types.BoolType():
            return "true or false"
        case types.IntType() | types.FloatType():
            return f"a {'whole ' if isinstance(info, types.IntType) else ''}number{_bounds(info)}"
        case types.StrType():
            return f"text{_text_bounds(info)}"
        case types.EnumType():
            return "one of " + ", ".join(_literal(member.value) for member in info.cls)
        case types.LiteralType():
            return "one of " + ", ".join(_literal(value) for value in info.values)
        case types.UnionType():
            return " or ".join(_words(part) for part in info.types if not isinstance(part, types.NoneType))
        case types.ListType() | types.VarTupleType() | types.SetType() | types.FrozenSetType():
            return f"a list, each {_words(info.item_type)}"
        case types.DictType():
            return f"a table, each value {_words(info.value_type)}"
        case types.CustomType() if info.cls is Path:
            return "a path"
    return "another value"


def _bounds(info: types.IntType | types.FloatType) -> str:
    low = [f"{info.ge} or more"] if info.ge is not None else [f"more than {info.gt}"] if info.gt is not None else []
    high = [f"at most {info.le}"] if info.le is not None else [f"less than {info.lt}"] if info.lt is not None else []
    if info.ge is not None and info.le is not None:
        return f" from {info.ge} to {info.le}"
    return (", " + ", ".join(low + high)) if low or high else ""


def _text_bounds(info: types.StrType) -> str:
    parts = [f"that matches {info.pattern}"] if info.pattern else []
    if info.min_length:
        parts.append(f"of at least {info.min_length} characters")
    if info.max_length is not None:
        parts.append(f"of at most {info.max_length} characters")
    return (" " + ", ".join(parts)) if parts else ""


# --- genconf ----------------------------------------------------------------------------------------------------------


def genconf(type_: type[Struct], title: str) -> str:
    """Write the settings file that has every value at its default, each with what it means."""
    head = [f"# Settings of {title}. Every value here is the default.", ""]
    return "\n".join([*head, *_section_text(type_, "")]) + "\n"


def _section_text(type_: type[Any], prefix: str) -> Iterator[str]:
    told = descriptions(type_)
    fields = msgspec.structs.fields(type_)
    for field in (field for field in fields if _section_type(field.type) is None):
        yield from _comment(f"{field.name}: {told.get(field.name, '')} ({wanted(field.type)})".replace(":  (", ": ("))
        yield _line(field)
        yield ""
    for field in fields:
        section = _section_type(field.type)
        if section is not None:
            about = told.get(field.name) or _first_sentence(section)
            yield from _comment(about)
            yield f"[{prefix}{field.name}]"
            yield ""
            yield from _section_text(section, f"{prefix}{field.name}.")


def _line(field: msgspec.structs.FieldInfo) -> str:
    default = field.default
    if field.default_factory is not NODEFAULT:
        default = field.default_factory()
    if default is NODEFAULT:
        return f"# {field.name} =      # must be set"
    if default is None:
        return f"# {field.name} =      # not set"
    return f"{field.name} = {_literal(default)}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, LINE_LENGTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _literal(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, enum.Enum):
        return _literal(value.value)
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_literal(item)}" for key, item in value.items()) + "}"
    return str(value)


def _first_sentence(type_: type[Any]) -> str:
    return (inspect.getdoc(type_) or "").split("\n\n", 1)[0].replace("\n", " ")


_ENTRY = re.compile(r"^    (?P<names>[\w, ]+): *(?P<text>.*)$")


def descriptions(type_: type[Any]) -> dict[str, str]:
    """What the docstrings of a Struct and its bases say of each field."""
    found: dict[str, str] = {}
    for base in reversed(type_.__mro__):
        text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        _, _, part = text.partition("Attributes:\n")
        names: list[str] = []
        for line in part.splitlines():
            if line and not line.startswith("    "):
                break
            entry = _ENTRY.match(line)
            if entry is not None:
                names = [name.strip() for name in entry["names"].split(",")]
                found.update(dict.fromkeys(names, entry["text"].strip()))
            elif line.strip():
                found.update({name: f"{found[name]} {line.strip()}".strip() for name in names})
    return found
