"""Handlers: the templates that say what the points of probes are (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from collectors.probes.output.parsed import Parsed
from collectors.probes.output.places import shown
from common.series import Number, Point
from common.sources import DEVICE, ProbeSource, Source

MAX_NAMES = 15
MAX_FLAWS = 20

Figures = dict[str, dict[str, Number | None]]


class Given(Struct):
    """The figures of one source, out of a reading.

    Attributes:
        config: of the source; None where no template knows it, and its points are gauges as they come.
    """

    source: str
    config: ProbeSource | None
    figures: Figures


class Handlers:
    """Finds what says what points are.

    Args:
        sources: of a device's config.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._of: dict[str, list[ProbeSource]] = {}
        for source in sources:
            if isinstance(source, ProbeSource) and not source.command:
                self._of.setdefault(source.template, []).append(source)

    def of(self, handler: str, component: str) -> ProbeSource | None:
        """The source of a handler that has a component; None when no template is called so."""
        sources = self._of.get(handler, ())
        fitting = [one for one in sources if (one.component == DEVICE) == (not component)]
        return next(iter(fitting or sources), None)

    def interval_s(self, handler: str) -> int | None:
        """How often the handler wants readings; None when no template is called so."""
        return min((one.interval_s for one in self._of.get(handler, ())), default=None)

    def names(self) -> list[str]:
        """All there are."""
        return sorted(self._of)


def assigned(parsed: Parsed, own: ProbeSource | None, name: str, handlers: Handlers) -> tuple[list[Given], list[str]]:
    """Whose the figures of a reading are, and what of them is nobody's, each a sentence.

    Args:
        parsed: what the probe has printed.
        own: the source that has run the probe; it says what its points are, unless it has none.
        name: the handler of a probe that names none.
        handlers: those of the device.
    """
    found: dict[str, Given] = {}
    flaws: list[str] = []
    handler = parsed.handler or name
    for component, values in parsed.components.items():
        config = own if own is not None and own.points else handlers.of(handler, component)
        source = config.id if config is not None else own.id if own is not None else handler
        given = found.get(source)
        if given is None:
            given = found[source] = Given(source, config, {})
        if config is not None:
            if component in config.left_out:
                continue
            values = _known(component, values, config, flaws)  # noqa: PLW2901 - what is known of them
        given.figures[component] = values
    return list(found.values()), flaws


def _known(
    component: str, values: Mapping[str, Number | None], config: ProbeSource, flaws: list[str]
) -> dict[str, Number | None]:
    points = {point.name for point in config.points}
    unknown = [name for name in values if name not in points]
    if unknown and len(flaws) < MAX_FLAWS:
        whose = f" of {shown(component, 60)!r}" if component else ""
        flaws.append(
            f"template {config.template} has no point {_listed(unknown)}, which was left out{whose}; "
            f"it has {_listed(sorted(points))}"
        )
    return {name: value for name, value in values.items() if name in points}


def _listed(names: Collection[str]) -> str:
    some = list(names)[:MAX_NAMES]
    return ", ".join(some) + (f" and {len(names) - len(some)} more" if len(names) > len(some) else "")


def points_of(names: Iterable[str], known: Mapping[str, Point]) -> tuple[Point, ...]:
    """The points of a source that no template knows: as they were printed, gauges where nothing was said."""
    return tuple(known.get(name) or Point(name=name) for name in sorted(set(names)))
