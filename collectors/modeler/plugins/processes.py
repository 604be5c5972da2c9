"""Which process sets a device has: its running command lines, as the definitions take them (RFC 2790, hrSWRunTable)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from collectors.framework.snmp.interfaces import Oid
from collectors.framework.snmp.values import text
from collectors.modeler.facts import Found, Plugin, Tables, Unbelievable, Walk
from common.components import ComponentKind, FoundComponent
from common.configs import DeviceConfig
from common.masking import masker_of
from common.matching import MAX_SETS, Matcher, SetName, command_line, printable

HR_SW_RUN: Oid = (1, 3, 6, 1, 2, 1, 25, 4, 2, 1)
NAME, PATH, PARAMETERS, STATUS = (*HR_SW_RUN, 2), (*HR_SW_RUN, 4), (*HR_SW_RUN, 5), (*HR_SW_RUN, 7)
AT_WORK, INVALID = (1, 2), 4

RUNNING = Walk(
    name="processes",
    what="the process table (HOST-RESOURCES-MIB hrSWRunTable)",
    columns=(NAME, PATH, PARAMETERS, STATUS),
)


def of_tables(tables: Tables) -> Sequence[str]:
    """The command line of each process that runs.

    Raises:
        Unbelievable: processes run that are not named; any of them might be of a set that would seem to be gone.
    """
    names, paths, parameters, states = tables.columns(RUNNING)
    lines = {
        index: command_line(text(paths.get(index)), text(name), text(parameters.get(index)))
        for index, name in names.items()
        if states.get(index) != INVALID
    }
    nameless = sum(not line and states.get(index) in AT_WORK for index, line in lines.items())
    if nameless:
        raise Unbelievable(
            f"{nameless} of {len(lines)} running processes have neither name nor path (hrSWRunName, hrSWRunPath); "
            "see what snmpwalk shows"
        )
    return list(lines.values())


def found(lines: Sequence[str], config: DeviceConfig) -> Found:
    """A component for each process set that some of the lines belong to."""
    if not lines:
        raise Unbelievable(
            "the device shows no process (HOST-RESOURCES-MIB hrSWRunTable): load that part of the agent, or give this "
            "credential a view that includes 1.3.6.1.2.1.25"
        )
    matcher, secrets = Matcher(config.process_sets), masker_of(config)
    counts: Counter[SetName] = Counter()
    examples: dict[SetName, str] = {}
    for line, count in sorted(Counter(lines).items()):  # in an order that does not change from one time to the next
        taken = matcher.match(line)
        if taken is not None:
            counts[taken] += count
            examples.setdefault(taken, line)
    if matcher.overflowing:
        raise Unbelievable(
            f"the definition {min(matcher.overflowing)} makes more than {MAX_SETS} process sets here: narrow its "
            "include, or use fewer groups in its name"
        )
    return Found(
        kinds=(ComponentKind.PROCESS_SET,),
        components=tuple(
            FoundComponent(
                kind=ComponentKind.PROCESS_SET,
                name=taken.component,
                anchor=taken.definition,
                attributes={
                    "definition": taken.definition,
                    "count": count,
                    "example": printable(secrets.mask(examples[taken])),
                },
            )
            for taken, count in counts.items()
        ),
    )


PLUGIN = Plugin(name="processes", walks=(RUNNING,), of_tables=of_tables, found=found)
