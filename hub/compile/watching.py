"""Which process sets of a device are watched, and how: definitions, what is expected, and what is said of single sets.

The device's own properties go for all of its sets; what its document says of one set goes before that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from common.configs import ExpectedSet, ProcessSetConfig, SetOverride
from common.events import Severity, parse_severity
from hub.components.names import is_fixed, possible
from hub.model.properties import AS_DEFINED, NO_EVENT, Value


class Definitions(Struct, frozen=True):
    """Definitions that devices have in common.

    Attributes:
        sets: as collectors get them, in order.
        own: by id, as their documents have them.
    """

    sets: tuple[ProcessSetConfig, ...]
    own: Mapping[str, ProcessSetConfig]


class Watched(Struct, frozen=True):
    """The part of a config that is about process sets."""

    process_sets: tuple[ProcessSetConfig, ...]
    expected: tuple[ExpectedSet, ...] = ()
    overrides: tuple[SetOverride, ...] = ()
    only_expected: bool = False


def definitions(own: Iterable[ProcessSetConfig], missing: Value, restart: Value) -> Definitions:
    """Lay the severities that a device says over those of its definitions.

    Args:
        own: as their documents have them.
        missing: the value of `missing_severity`.
        restart: the value of `restart_severity`.
    """
    held = {one.id: one for one in own}
    sets = tuple(held.values())
    if missing != AS_DEFINED:
        sets = tuple(replace(one, missing_severity=parse_severity(str(missing))) for one in sets)
    if restart != AS_DEFINED:
        severity = None if restart == NO_EVENT else parse_severity(str(restart))
        sets = tuple(replace(one, restart_severity=severity) for one in sets)
    return Definitions(sets, held)


def watched(
    shared: Definitions,
    expected: Sequence[ExpectedSet],
    said: Mapping[str, Mapping[str, Value]],
    *,
    monitor: bool,
) -> Watched:
    """Put together what a device's collector watches.

    Args:
        shared: the definitions that apply and are monitored.
        expected: what a modelling has found, in order of the names.
        said: of single sets, by name, those properties that differ.
        monitor: whether sets are watched of which nothing is said.
    """
    if not said and not (expected and monitor):
        return Watched(shared.sets if monitor else ())
    expected = _as_defined(expected, shared.own)
    said = _by_present_name(said, expected)
    sets = shared.sets
    if not monitor:
        # Only what is watched all the same is left, and the definitions that take processes before it does.
        expected = [one for one in expected if said.get(one.name, {}).get("monitor")]
        kept = {one.definition for one in expected}
        sets = sets[: max((place for place, one in enumerate(sets, 1) if one.id in kept), default=0)]
        said = {one.name: said[one.name] for one in expected}
    by_name = {one.name: one for one in expected}
    overrides = {name: _override(name, values, by_name.get(name), shared) for name, values in sorted(said.items())}
    ids = {one.id for one in sets}
    return Watched(
        sets,
        tuple(one for one in expected if one.definition in ids and _is_watched(overrides.get(one.name))),
        tuple(one for one in overrides.values() if one != SetOverride(name=one.name)) if sets else (),
        only_expected=bool(sets) and not monitor,
    )


def _as_defined(expected: Sequence[ExpectedSet], own: Mapping[str, ProcessSetConfig]) -> Sequence[ExpectedSet]:
    """Call sets by the fixed names that their definitions give them, by which the collector sees them.

    They have others where a lock keeps these, or where the new ones are not stored yet.
    """
    names = {id_: one.name for id_, one in own.items() if is_fixed(one.name)}
    other = [one for one in expected if one.name != names.get(one.definition, one.name)]
    if not other:
        return expected
    of_definition = Counter(one.definition for one in expected)
    moves = {one.name: names[one.definition] for one in other if of_definition[one.definition] == 1}
    moves = possible(moves, [one.name for one in expected])
    called = [_called(one, moves[one.name]) if one.name in moves else one for one in expected]
    return sorted(called, key=lambda one: one.name)


def _called(one: ExpectedSet, name: str) -> ExpectedSet:
    series = one.series or one.name
    return ExpectedSet(one.definition, name, "" if series == name else series)


def _by_present_name(
    said: Mapping[str, Mapping[str, Value]], expected: Sequence[ExpectedSet]
) -> Mapping[str, Mapping[str, Value]]:
    """What is said of a set under the name that it had before it was renamed is said of it."""
    names = {one.name for one in expected}
    renamed = {one.series: one.name for one in expected if one.series and one.series not in names}
    return {renamed.get(name, name): values for name, values in said.items() if renamed.get(name) not in said}


def _override(name: str, values: Mapping[str, Value], expected: ExpectedSet | None, shared: Definitions) -> SetOverride:
    own = shared.own.get(expected.definition) if expected is not None else None
    missing, restart = values.get("missing_severity"), values.get("restart_severity")
    return SetOverride(
        name=name,
        monitor=bool(values.get("monitor", True)),
        missing_severity=_severity(missing, own.missing_severity if own is not None else None),
        restart_severity=_severity(restart, (own.restart_severity or Severity.CLEAR) if own is not None else None),
    )


def _severity(value: Value | None, own: Severity | None) -> Severity | None:
    """What an override says; what the definition says itself, where that is wanted."""
    if value is None:
        return None
    if value == AS_DEFINED:
        return own
    return Severity.CLEAR if value == NO_EVENT else parse_severity(str(value))


def _is_watched(override: SetOverride | None) -> bool:
    return override is None or override.monitor
