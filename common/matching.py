"""Which process belongs to which set: command line in, set out.

Used alike by collectors, which decide by it, and by the hub, which checks and previews definitions. Patterns are RE2:
command lines come from hosts that nobody vouches for, so matching takes linear time, always.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakValueDictionary

import msgspec
import re2
from msgspec import Struct

from common.components import MAX_NAME
from common.configs import ProcessSetConfig
from common.patternset import PatternSet
from common.textcache import TextCache

MAX_CACHED, MAX_CACHED_CHARACTERS = 20_000, 16 << 20
MAX_SETS = 100
"""Distinct sets of one definition on one device."""

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+)\}")
_options = re2.Options()
_options.log_errors = False


class SetName(Struct, frozen=True, gc=False):
    """A process set on a device.

    Attributes:
        component: what events and series call it; unique on the device.
    """

    definition: str
    component: str


class Lined(Protocol):
    """What a process runs, with the text that is matched."""

    @property
    def line(self) -> str:
        """The command line."""


def command_line(path: str, name: str, parameters: str) -> str:
    """The text that is matched; Windows agents put a folder into the path."""
    program = path if path and "\\" not in path else name
    return f"{program} {parameters}".strip()


def arguments_of(line: str, parameters: str) -> int:
    """How many characters at the end of a command line are the arguments that it was made of."""
    return min(len(parameters.rstrip()), len(line))


def printable(text: str, limit: int = 200) -> str:
    """A text of a monitored host, safe to show: no control characters, bounded."""
    if len(text) <= limit and text.isprintable():
        return text
    clean = "".join(c if c.isprintable() else "\ufffd" for c in text[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def component_name(text: str) -> str:
    """A text of a monitored host as the name of a component; empty when nothing is left of it."""
    return printable(text.strip(), MAX_NAME).strip()


def check_definition(config: ProcessSetConfig) -> list[str]:
    """Mistakes of a definition, each a sentence; empty when it can be run."""
    mistakes: list[str] = []
    groups: set[str] = set()
    for field, pattern in (("include", config.include), ("exclude", config.exclude)):
        compiled, wrong = _compiled(pattern)
        if compiled is None:
            mistakes.append(f"{field}: {wrong}")
            continue
        if field == "include":
            groups = {str(n) for n in range(compiled.groups + 1)} | set(compiled.groupindex)
            mistakes.extend(
                f"name: {{{field_}}} is no group of include; there are: {', '.join(sorted(groups))}"
                for field_ in _FIELD.findall(config.name)
                if field_ not in groups
            )
    if config.count_min is not None and config.count_max is not None and config.count_min > config.count_max:
        mistakes.append(f"count: min {config.count_min} is over max {config.count_max}")
    return mistakes


def check_regex(pattern: str) -> str:
    """What is wrong with a pattern, as a sentence; empty when it is one of RE2."""
    return _compiled(pattern)[1]


def _compiled(pattern: str) -> tuple[Any, str]:
    """The compiled pattern, or None and what is wrong with it."""
    try:
        return re2.compile(pattern, _options), ""
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        return None, f"{pattern!r} is no RE2 pattern: {reason}{_where(pattern, reason)}"


def _where(pattern: str, reason: str) -> str:
    part = reason.rpartition(": ")[2]
    position = pattern.find(part) if part else -1
    return f" at position {position}" if position >= 0 else ""


class _Patterns:
    """Compiled definitions; devices that are watched by the same ones share them."""

    def __init__(self, definitions: tuple[ProcessSetConfig, ...]) -> None:
        self.definitions = sorted(definitions, key=lambda definition: (definition.order, definition.id))
        self._includes = [re2.compile(definition.include, _options) for definition in self.definitions]
        self._excludes = [
            re2.compile(definition.exclude, _options) if definition.exclude else None for definition in self.definitions
        ]
        self.taken: TextCache[Lined, tuple[int, str] | None] = TextCache(MAX_CACHED, MAX_CACHED_CHARACTERS)
        self._any = PatternSet([definition.include for definition in self.definitions])
        self.by_id = {definition.id: definition for definition in definitions}
        encoded = msgspec.msgpack.encode(self.definitions)
        self.digest = hashlib.blake2b(encoded, digest_size=16).hexdigest()

    def take(self, program: Lined) -> tuple[int, str] | None:
        """Number of the definition that takes a program, and the name that it gives; remembered for all devices."""
        try:
            return self.taken[program]
        except KeyError:
            pass
        line = program.line
        hits = self.hits(line)
        return self.taken.keep(program, (hits[0], self.expand(hits[0], line)) if hits else None, len(line))

    def hits(self, line: str) -> list[int]:
        """Numbers of the definitions that match a line, in their order."""
        if not line:
            return []
        hits = sorted(self._any.hits(line))
        return [n for n in hits if not ((veto := self._excludes[n]) is not None and veto.search(line))]

    def expand(self, number: int, line: str) -> str:
        """The name of the set that a definition puts a line into."""
        definition = self.definitions[number]
        if "{" not in definition.name:
            return definition.name
        found = self._includes[number].search(line)
        assert found is not None  # the set of all patterns said so

        def group(field: re.Match[str]) -> str:
            key: str | int = int(field[1]) if field[1].isdigit() else field[1]
            return str(found.group(key) or "")

        return printable(_FIELD.sub(group, definition.name).strip(), MAX_NAME) or definition.title


_shared: WeakValueDictionary[tuple[ProcessSetConfig, ...], _Patterns] = WeakValueDictionary()


def _patterns(definitions: tuple[ProcessSetConfig, ...]) -> _Patterns:
    found = _shared.get(definitions)
    if found is None:
        found = _shared[definitions] = _Patterns(definitions)
    return found


class Matcher:
    """The definitions of a device, ready to match.

    Attributes:
        definitions: in the order in which they are asked; `by_id` in their own.
        digest: of the definitions.
        overflowing: definitions that would have made more than `MAX_SETS` sets.
    """

    def __init__(self, definitions: Sequence[ProcessSetConfig]) -> None:
        self._patterns = _patterns(tuple(definitions))
        self.definitions = self._patterns.definitions
        self.by_id: Mapping[str, ProcessSetConfig] = self._patterns.by_id
        self.digest = self._patterns.digest
        self._cache: TextCache[str, SetName | None] = TextCache(MAX_CACHED, MAX_CACHED_CHARACTERS)
        self._named: dict[tuple[int, str], SetName | None] = {}
        self._owners: dict[str, str] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self.overflowing: set[str] = set()
        for definition in self.definitions:
            if not _FIELD.search(definition.name):
                self._component(definition.id, definition.name)

    def match(self, line: str) -> SetName | None:
        """The set that takes a command line; None when none does."""
        try:
            return self._cache[line]
        except KeyError:
            pass
        return self._cache.keep(line, self._match(line), len(line))

    def match_program(self, program: Lined) -> SetName | None:
        """The same for a program that is one object wherever it runs: devices with the same definitions share it."""
        taken = self._patterns.take(program)
        return None if taken is None else self._name(taken)

    def all_matches(self, line: str) -> list[str]:
        """Ids of all definitions that match a line, the one that takes it first."""
        return [self.definitions[n].id for n in self._patterns.hits(line)]

    def expected(self) -> dict[str, SetName]:
        """Sets that are there by name alone, whether or not they run: templates without groups, by component."""
        return {
            name.component: name
            for definition in self.definitions
            if definition.required and not _FIELD.search(definition.name)
            for name in [SetName(definition.id, self._component(definition.id, definition.name) or definition.name)]
        }

    def _match(self, line: str) -> SetName | None:
        hits = self._patterns.hits(line)
        return self._name((hits[0], self._patterns.expand(hits[0], line))) if hits else None

    def _name(self, taken: tuple[int, str]) -> SetName | None:
        """The set of this device that a definition gives a name to."""
        try:
            return self._named[taken]
        except KeyError:
            pass
        definition = self.definitions[taken[0]].id
        component = self._component(definition, taken[1])
        found = SetName(definition, component) if component is not None else None
        if len(self._named) < MAX_CACHED:
            self._named[taken] = found
        return found

    def _component(self, definition: str, name: str) -> str | None:
        """A name that no other definition has on this device; None when the definition has made too many."""
        owner = self._owners.setdefault(name, definition)
        component = name if owner == definition else f"{name} [{definition}]"
        names = self._names.get(definition, ())
        if component not in names:
            if len(names) >= MAX_SETS:
                self.overflowing.add(definition)
                return None
            self._names[definition] = (*names, component)
        return component


_matchers: WeakValueDictionary[tuple[ProcessSetConfig, ...], Matcher] = WeakValueDictionary()


def matcher_of(definitions: tuple[ProcessSetConfig, ...]) -> Matcher:
    """A matcher for a device.

    It is the same one for all devices that have the same definitions, if what sets are called does not depend on what
    runs there: else it counts them, and knows which names are taken.
    """
    found = _matchers.get(definitions)
    if found is None:
        found = Matcher(definitions)
        if not any(_FIELD.search(definition.name) for definition in definitions):
            _matchers[definitions] = found
    return found
