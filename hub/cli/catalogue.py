"""The properties of devices as `--set` knows them: the model's catalogue, read from text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hub.cli.assignments import Kind, Value
from hub.model.properties import CATALOGUE, Property, PropertyType, read_value

_READERS: dict[PropertyType, Callable[[str], object]] = {
    PropertyType.WHOLE: int,
    PropertyType.NUMBER: float,
    PropertyType.BOOLEAN: lambda text: {"true": True, "yes": True, "false": False, "no": False}.get(text.lower()),
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
