"""What was read of a device, and what a plugin makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid, SnmpValue, Table
from common.components import Attribute, ComponentKind, FoundComponent
from common.configs import DeviceConfig
from common.errors import TocsinError

R = TypeVar("R")


class Unbelievable(TocsinError):  # noqa: N818  named after what it is
    """What was read says nothing: no conclusion of any kind may be drawn from it."""


class CutShort(Unbelievable):
    """A table was not read to its end; the next try may do better."""


class Walk(Struct, frozen=True, kw_only=True):
    """Columns of an agent that are read in one go.

    Attributes:
        what: the table, for sentences.
    """

    name: str
    what: str
    columns: tuple[Oid, ...]


class Tables(Struct, frozen=True, kw_only=True):
    """What an agent told.

    Attributes:
        values: of single OIDs; None for what the agent does not have.
        tables: by name of their walk.
    """

    values: Mapping[Oid, SnmpValue]
    tables: Mapping[str, Table]

    def columns(self, walk: Walk) -> tuple[dict[Oid, SnmpValue], ...]:
        """The columns of a walk.

        Raises:
            CutShort: they were not read to their ends.
        """
        table = self.tables[walk.name]
        if not table.complete:
            raise CutShort(f"{walk.what} could not be read to its end: {table.problem}")
        return table.columns


class HostRows(Struct, frozen=True, kw_only=True):
    """What this host told of itself.

    Attributes:
        rows: what a plugin begins with, by its name.
        problems: why there is nothing for a plugin, by its name.
    """

    rows: Mapping[str, object]
    problems: Mapping[str, str]


Facts = Tables | HostRows


class Found(Struct, frozen=True, kw_only=True):
    """What a plugin found.

    Attributes:
        kinds: those that were looked for to the end: what is not in `components` is not there.
        attributes: of the device itself.
    """

    kinds: tuple[ComponentKind, ...] = ()
    components: tuple[FoundComponent, ...] = ()
    attributes: Mapping[str, Attribute] = {}


def _not_of_agents(_tables: Tables) -> Any:
    raise Unbelievable("it reads the host of its modeler alone, and not over SNMP")


class Plugin(Struct, Generic[R], frozen=True, kw_only=True):
    """One kind of finding; `of_tables` and `found` are pure, and raise `Unbelievable`.

    Attributes:
        scalars, walks: what `of_tables` needs of an agent.
        of_tables: makes rows of what an agent told; the local source gives the same rows by itself.
        found: makes components of rows.
        of_host: of a plugin of a package, makes the same rows of the modeler's own host; it may block, in a thread.
            None where it only reads agents.
    """

    name: str
    scalars: tuple[Oid, ...] = ()
    walks: tuple[Walk, ...] = ()
    of_tables: Callable[[Tables], R] = _not_of_agents
    found: Callable[[R, DeviceConfig], Found]
    of_host: Callable[[], R] | None = None
