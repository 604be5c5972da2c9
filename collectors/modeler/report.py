"""One modelling in words, for `tocsin-modeler run --once` (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from collectors.framework.snmp.errors import oid_text
from collectors.framework.snmp.interfaces import SnmpValue
from collectors.framework.snmp.values import text
from collectors.modeler.facts import Facts, HostRows
from collectors.modeler.modelling import Modelled
from common.components import Attribute
from common.configs import DeviceConfig, SourceKind
from common.matching import Matcher, printable
from common.wire import PluginOutcome


def heading(config: DeviceConfig) -> list[str]:
    """What is about to be read."""
    where = "this host" if config.source is SourceKind.LOCAL else f"{config.address}, SNMP"
    return [f"{config.device}: {where}, every {config.interval_s} s, {len(config.process_sets)} definitions"]


def tables(facts: Facts) -> list[str]:
    """What was read, as it was read."""
    if isinstance(facts, HostRows):
        lines: list[str] = []
        for name, rows in facts.rows.items():
            one_by_one = rows if isinstance(rows, list | tuple) else [rows]
            lines += [f"Read for {name}:", *(f"  {printable(str(row), 1000)}" for row in one_by_one)]
        return lines
    lines = ["Read: single values", *(f"  {oid_text(oid)} = {_value(value)}" for oid, value in facts.values.items())]
    for name, table in facts.tables.items():
        how = "complete" if table.complete else f"incomplete: {table.problem}"
        lines.append(f"Read: {name}, {how}, {table.requests} requests, {table.varbinds} varbinds")
        for index in sorted({index for column in table.columns for index in column}):
            lines.append(f"  {oid_text(index)}: {' | '.join(_value(column.get(index)) for column in table.columns)}")
    return lines


def processes(command_lines: Iterable[str], config: DeviceConfig) -> list[str]:
    """The command lines with the process set that takes each."""
    matcher = Matcher(config.process_sets)
    lines = []
    for line in sorted(command_lines):
        taken = matcher.match(line)
        lines.append(f"  {taken.component if taken is not None else '-':<20}  {printable(line)}")
    return ["Processes:", *lines]


def found(modelled: Modelled) -> list[str]:
    """What each plugin found."""
    lines = [line for outcome in modelled.outcomes for line in _outcome(outcome)]
    return [*lines, "Nothing was sent."]


def _outcome(outcome: PluginOutcome) -> list[str]:
    if outcome.problem:
        return [f"{outcome.plugin}: nothing can be said: {printable(outcome.problem, 2000)}"]
    count = len(outcome.components)
    lines = [f"{outcome.plugin}: {count} component{'' if count == 1 else 's'}"]
    lines += [f"  {key}: {value}" for key, value in outcome.attributes.items()]
    lines += [f"  {one.kind.value} {one.name}{_told(one.attributes)}" for one in outcome.components]
    return lines


def _told(attributes: Mapping[str, Attribute]) -> str:
    return "".join(f"{': ' if not n else ', '}{key} {value}" for n, (key, value) in enumerate(attributes.items()))


def _value(value: SnmpValue) -> str:
    if isinstance(value, tuple):
        return oid_text(value)
    if isinstance(value, bytes):
        words = text(value)
        return words if words.isprintable() else value.hex(":")
    return "-" if value is None else str(value)
