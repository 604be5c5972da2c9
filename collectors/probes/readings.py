"""What a run of a probe becomes: results, for the points that are its own (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collectors.framework.sources.results import Measured, Problem, Result
from collectors.probes import troubles
from collectors.probes.claims import Claims
from collectors.probes.handlers import Given, Handlers, assigned, points_of
from collectors.probes.launch.orders import Outcome
from collectors.probes.output.parsed import GivenEvent
from collectors.probes.plan import Work
from common.events import Event
from common.series import Number, Point

CLASS = "/Probe"
MAX_CLASS = 200
OWN_SOURCE = "probe_runs"
"""Source of the series that tell how probes fare; its components are the probes."""
OWN_POINTS = (
    Point(name="ok", minimum=0.0, maximum=1.0),
    Point(name="took", unit="s", minimum=0.0),
    Point(name="cpu", unit="s", minimum=0.0),
    Point(name="memory", unit="bytes", minimum=0.0),
)


class Reader:
    """Makes results of what the probes of one device print.

    Args:
        claims: who writes what.
    """

    def __init__(self, device: str, claims: Claims) -> None:
        self._device = device
        self.claims = claims
        self._points: dict[str, dict[str, Point]] = {}

    def results(
        self, work: Work, outcome: Outcome, handlers: Handlers, step: int, at: float
    ) -> tuple[list[Result], bool]:
        """What a run has given, and whether the claims are others than before.

        Args:
            work: the probe, and how it was run.
            outcome: of the run.
            handlers: those of the device.
            step: epoch second of the step.
            at: epoch seconds of the end of the run.
        """
        parsed, label = outcome.parsed, work.label
        problems = troubles.of_outcome(label, work.order, outcome)
        given, flaws = assigned(parsed, work.source, work.handler, handlers)
        if not any(one.key == troubles.OUTPUT for one in problems):
            problems += troubles.of_flaws(label, flaws)
        whole = bool(parsed.form) and not parsed.flaws and outcome.status is not None and bool(parsed.components)
        granted = self.claims.take(
            label,
            {(one.source, component): values for one in given for component, values in one.figures.items()},
            whole=whole,
            now=at,
            until=at + 2 * work.interval_s,
        )
        problems += troubles.of_conflicts(label, granted.conflicts)
        found = [
            self._result(work, one, granted.figures, parsed.points, step, at, whole=whole)
            for one in given
        ]  # fmt: skip
        events = [self._event(work, one, at) for one in parsed.events]
        return [own(work, outcome, step, problems, events), *found], granted.changed

    def _result(
        self,
        work: Work,
        given: Given,
        figures: Mapping[tuple[str, str], Mapping[str, Number | None]],
        kinds: Mapping[str, Point],
        step: int,
        at: float,
        *,
        whole: bool,
    ) -> Result:
        rows = [
            Measured(component=component, values=figures[given.source, component], taken=at)
            for component in given.figures
            if (given.source, component) in figures
        ]
        points: tuple[Point, ...] = ()
        if given.config is None:
            known = self._points.setdefault(given.source, {})
            known.update(kinds)
            points = points_of(self.claims.points(given.source), known)
        alone = self.claims.writers(given.source) <= {work.label}
        return Result(
            source=given.source,
            step=step,
            rows=rows,
            complete=whole and alone,
            points=points,
            part=work.label,
            interval_s=work.interval_s,
        )

    def _event(self, work: Work, given: GivenEvent, at: float) -> Event:
        """An event as the probe tells it; its class is below /Probe, whatever it says."""
        said = "/".join(part for part in given.event_class.split("/") if part)
        name = said.removeprefix("Probe").lstrip("/") if said.split("/")[0] == "Probe" else said
        return Event(
            device=self._device,
            component=given.component,
            event_class=f"{CLASS}/{name or work.handler}"[:MAX_CLASS],
            event_key=given.key or work.label,
            severity=given.severity,
            summary=given.summary,
            message=given.message,
            at=at,
            details={"probe": work.label},
        )


def own(work: Work, outcome: Outcome, step: int, problems: Sequence[Problem], events: Sequence[Event]) -> Result:
    """What is the probe's own: how it fares, what is wrong with it, and what it tells."""
    ran = outcome.status is not None
    values: dict[str, Number | None] = {
        "ok": int(not any(one.key != troubles.STATE for one in problems)),
        "took": outcome.wall_s if ran else None,
        "cpu": outcome.cpu_s if ran else None,
        "memory": (outcome.memory_bytes or None) if ran else None,
    }
    return Result(
        source=OWN_SOURCE,
        step=step,
        rows=[Measured(component=work.label, values=values)],
        problems=problems,
        events=events,
        points=OWN_POINTS,
        part=work.label,
        interval_s=work.interval_s,
    )


def refusals(problems: Sequence[Problem], step: int) -> list[Result]:
    """What is not run, told by nobody's reading."""
    return [Result(source=OWN_SOURCE, step=step, problems=problems, points=OWN_POINTS, part="/")]
