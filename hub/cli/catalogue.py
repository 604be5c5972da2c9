"""The properties of devices as `--set` knows them: the model's catalogue, read from text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from hub.cli.assignments import Kind, Value
from hub.model.properties import CATALOGUE, Property, PropertyType, read_value


def _several(text: str) -> object:
    """Patterns: a JSON list of texts, or one that stands for itself, because no character could part them."""
    try:
        return msgspec.json.decode(text, type=list[str]) if text else []
    except msgspec.DecodeError:
        return text


_READERS: dict[PropertyType, Callable[[str], object]] = {
    PropertyType.WHOLE: int,
    PropertyType.NUMBER: float,
    PropertyType.BOOLEAN: lambda text: {"true": True, "yes": True, "false": False, "no": False}.get(text.lower()),
    PropertyType.MASKS: _several,
    PropertyType.LIST: lambda text: [word for word in (part.strip() for part in text.split(",")) if word],
}


def property_kinds() -> dict[str, Kind]:
    """All properties by name."""
    return {name: Kind(partial(_read, prop), secret=prop.secret) for name, prop in CATALOGUE.items()}


def _read(prop: Property, text: str) -> Value:
    """Turn text into a value of the property's type.

    Raises:
        ValueError: says what is wanted.
    """
    try:
        value = _READERS.get(prop.type, str)(text)
    except ValueError:
        raise ValueError(f"wanted {prop.expected}") from None
    try:
        return read_value(prop, value)
    except ValueError as error:
        raise ValueError(f"wanted {error}") from None
