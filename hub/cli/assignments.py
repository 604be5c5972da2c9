"""What `--set` says: typed properties, and secrets from where nobody else can read them.

A command line stands in the process table and in the shell's history, so a secret is asked for, or read from a file or
standard input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hub.cli.exits import usage
from hub.cli.figures import safe

Value = str | int | float | bool | tuple[str, ...]
MAX_SECRET_CHARS = 4096


class Sources:
    """Where values that are not on the command line come from: a prompt, files, standard input (once)."""

    def __init__(self, prompt: Callable[[str], str], interactive: Callable[[], bool]) -> None:
        self._prompt = prompt
        self._interactive = interactive
        self._stdin_for = ""

    def ask(self, name: str) -> str:
        """Ask the person at the terminal, without echo."""
        if not self._interactive():
            raise usage(
                f"--set {name}: there is no terminal to ask at; give {name}=@FILE, or {name}=- for standard input"
            )
        return self._prompt(name)

    def read_stdin(self, name: str) -> str:
        """The first line of standard input."""
        if self._stdin_for:
            raise usage(f"--set {name}=-: standard input was read for {self._stdin_for} already; use {name}=@FILE")
        self._stdin_for = name
        return self._first_line(sys.stdin.read(MAX_SECRET_CHARS + 2), f"--set {name}=-: standard input")

    def read_file(self, name: str, path: str) -> str:
        """The first line of a file."""
        try:
            text = Path(path).expanduser().read_text(encoding="utf-8")
        except OSError as error:
            raise usage(f"--set {name}=@{path}: {error.strerror or error}") from None
        except UnicodeDecodeError:
            raise usage(f"--set {name}=@{path}: the file is no UTF-8 text") from None
        return self._first_line(text, f"--set {name}=@{path}: the file")

    @staticmethod
    def _first_line(text: str, where: str) -> str:
        lines = text.splitlines()
        if not lines or not lines[0]:
            raise usage(f"{where} is empty")
        if len(lines) > 1:
            raise usage(f"{where} has more than one line; only the value may stand in it")
        if len(lines[0]) > MAX_SECRET_CHARS:
            raise usage(f"{where} has more than {MAX_SECRET_CHARS} characters")
        return lines[0]


class Kind:
    """What is known of a property: whether it is secret, and how its text becomes a value."""

    def __init__(self, read: Callable[[str], Value], *, secret: bool) -> None:
        self.read = read
        self.secret = secret


def assign(texts: Sequence[str], kinds: Mapping[str, Kind], sources: Sources) -> dict[str, Value]:
    """Read all `--set` options into typed values.

    Raises:
        CommandError: exit code 2: an unknown name, a value of another type, a secret on the command line.
    """
    values: dict[str, Value] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        kind = kinds.get(name)
        if kind is None:
            raise usage(f"--set {safe(name)}: there is no such property. There are: {', '.join(sorted(kinds))}")
        if name in values:
            raise usage(f"--set {name} stands there twice")
        written = _text(name, rest if equals else None, kind, sources)
        try:
            values[name] = kind.read(written)
        except ValueError as error:
            shown = "" if kind.secret else f"={safe(written)}"
            raise usage(f"--set {name}{shown}: {error}") from None
    return values


def _text(name: str, rest: str | None, kind: Kind, sources: Sources) -> str:
    if rest is None:
        if not kind.secret:
            raise usage(f"--set {name}: a value is missing; write {name}=VALUE")
        return sources.ask(name)
    if rest == "-":
        return sources.read_stdin(name)
    if rest.startswith("@") and len(rest) > 1:
        return sources.read_file(name, rest[1:])
    if kind.secret:
        raise usage(
            f"--set {name}=…: a secret does not belong on the command line, where others can read it. "
            f"Use `--set {name}` (asks), {name}=@FILE or {name}=- (standard input)"
        )
    return rest
