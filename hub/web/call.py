"""One request of the API: what was asked, read strictly."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from hub.web.refusals import RefusalError, bad_request

MAX_TIME_S = 2.0**33

T = TypeVar("T")

Author = Annotated[str, Meta(max_length=255)]
Message = Annotated[str, Meta(max_length=8192)]


class File(Struct, frozen=True):
    """An answer that is not JSON.

    Attributes:
        max_age_s: so long whoever asked may keep it; 0 for not at all.
        missing: sentences that say what is not in it.
        status: of HTTP.
    """

    content_type: str
    data: bytes
    max_age_s: int = 0
    missing: tuple[str, ...] = ()
    status: int = 200


class Call(Struct, frozen=True):
    """A request after its path was recognised.

    Attributes:
        names: the variable parts of the path, by name.
        query: parameters with all their values.
        content: the body's bytes.
        accept: kinds of answer that are liked, as the header has them.
        content_type: what the body is, as the header has it.
    """

    names: Mapping[str, str]
    query: Mapping[str, list[str]]
    content: bytes
    accept: str = ""
    content_type: str = ""

    def accepts(self, kind: str) -> bool:
        """Whether this kind of answer is liked by its name, and JSON is not named before it."""
        named = [part.partition(";")[0].strip().lower() for part in self.accept.split(",")]
        return next((name == kind for name in named if name in {kind, "application/json"}), False)

    def body(self, type_: type[T]) -> T:
        """Read the body as JSON of a shape."""
        try:
            return msgspec.json.decode(self.content or b"{}", type=type_)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise bad_request(f"the body does not fit: {error}") from None

    def number(self, name: str) -> int:
        """A variable part of the path that is a number."""
        text = self.names[name]
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise RefusalError("not_found", f"{name} {text[:80]!r} is no number")
        return int(text)

    def only(self, *known: str) -> None:
        """Refuse parameters that nobody would read."""
        unknown = sorted(set(self.query) - set(known))
        if unknown:
            wanted = f"known are {', '.join(known)}" if known else "there are none here"
            raise bad_request(f"unknown parameter {unknown[0][:80]!r}; {wanted}")

    def text(self, name: str, default: str | None = None) -> str | None:
        """A parameter given once."""
        values = self.query.get(name)
        if values is None:
            return default
        if len(values) != 1:
            raise bad_request(f"parameter {name} is given {len(values)} times; once is wanted")
        return values[0]

    def wanted(self, name: str) -> str:
        """A parameter that must be there."""
        value = self.text(name)
        if value is None:
            raise bad_request(f"parameter {name} is missing")
        return value

    def all(self, name: str) -> list[str]:
        """A parameter that may be given many times."""
        return list(self.query.get(name, ()))

    def integer(self, name: str, default: int | None, low: int, high: int) -> int | None:
        """A whole number between two bounds."""
        value = self.text(name)
        if value is None:
            return default
        try:
            number = int(value) if len(value) <= 20 else high + 1
        except ValueError:
            raise bad_request(f"parameter {name}: got {value[:80]!r}, wanted a whole number") from None
        if not low <= number <= high:
            raise bad_request(f"parameter {name}: got {value[:80]}, wanted {low} to {high}")
        return number

    def seconds(self, name: str, default: float, high: float) -> float:
        """A duration from 0 to a bound."""
        value = self.text(name)
        if value is None:
            return default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 <= number <= high:
            raise bad_request(f"parameter {name}: got {value[:80]!r}, wanted seconds from 0 to {high:g}")
        return number

    def choice(self, name: str, default: str, known: Collection[str]) -> str:
        """One of some words."""
        value = self.text(name, default)
        if value not in known:
            raise bad_request(f"parameter {name}: got {str(value)[:80]!r}, wanted one of {', '.join(known)}")
        return str(value)

    def flag(self, name: str) -> bool:
        """1, true, yes or nothing; 0, false, no."""
        value = (self.text(name, "0") or "1").lower()
        if value not in {"0", "1", "true", "false", "yes", "no"}:
            raise bad_request(f"parameter {name}: got {value[:80]!r}, wanted 1 or 0")
        return value in {"1", "true", "yes"}

    def moment(self, name: str) -> float | None:
        """A time: epoch seconds, or ISO 8601 (UTC when it says nothing else)."""
        value = self.text(name)
        if value is None:
            return None
        at = _moment(value)
        if at is None:
            raise bad_request(f"parameter {name}: got {value[:80]!r}, wanted epoch seconds or ISO 8601")
        return at


def _moment(text: str) -> float | None:
    try:
        at = float(text)
    except ValueError:
        try:
            parsed = dt.datetime.fromisoformat(text)
            at = (parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    return at if 0 <= at <= MAX_TIME_S else None
