"""`tocsin-probe run NAME --dry-run`: a probe, run once for somebody at a terminal; nothing is written or sent."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from collectors.framework.judging.derivedpoints import derived_points
from collectors.framework.sources.results import Problem, Result
from collectors.probes import troubles
from collectors.probes.claims import Claims
from collectors.probes.found.folders import Folders
from collectors.probes.handlers import Handlers
from collectors.probes.launch.keeper import run_into
from collectors.probes.launch.orders import KILLED, Outcome, Run, decode_outcome
from collectors.probes.plan import Work, of_probe, of_source
from collectors.probes.readings import OWN_SOURCE, Reader
from collectors.probes.settings import ProbeSettings
from common.configs import DeviceConfig
from common.errors import NotFoundError, PermanentError
from common.quantities import quantity
from common.series import Number, Point
from common.sources import ProbeSource

MAX_NAMES = 20


class Figure(Struct, frozen=True, kw_only=True):
    """A figure that would be written; `derived` says what it is computed of."""

    source: str
    component: str
    point: str
    value: Number | None
    unit: str = ""
    kind: str = "gauge"
    derived: str = ""


class Tried(Struct, kw_only=True):
    """What came of it."""

    work: Work
    device: str
    outcome: Outcome
    figures: list[Figure] = field(default_factory=list)
    problems: Sequence[Problem] = ()
    events: Sequence[Any] = ()
    known: bool = False

    @property
    def failed(self) -> bool:
        """Whether something is wrong with it."""
        return any(one.key != troubles.STATE for one in self.problems)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        outcome, order = self.outcome, self.work.order
        return {
            "probe": self.work.label,
            "device": self.device,
            "command": order.argv,
            "user": order.user.uid if order.user is not None else os.geteuid(),
            "handler": outcome.parsed.handler or self.work.handler,
            "handler_known": self.known,
            "form": outcome.parsed.form or None,
            "exit_status": outcome.status,
            "took_s": round(outcome.wall_s, 4),
            "cpu_s": round(outcome.cpu_s, 4),
            "memory_bytes": outcome.memory_bytes,
            "printed_bytes": outcome.printed,
            "figures": [
                {
                    "source": one.source,
                    "component": one.component,
                    "point": one.point,
                    "value": one.value,
                    "unit": one.unit,
                    "kind": one.kind,
                    "derived": one.derived or None,
                }
                for one in self.figures
            ],
            "events": [
                {"severity": one.severity.label, "event_class": one.event_class, "component": one.component,
                 "event_key": one.event_key, "summary": one.summary}
                for one in self.events
            ],
            "problems": [
                {"key": one.key, "severity": one.severity.label, "summary": one.summary, "message": one.message}
                for one in self.problems
            ],
            "stderr": outcome.errors,
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For people."""
        outcome, order = self.outcome, self.work.order
        who = f"user {order.user.uid}" if order.user is not None else "the user of the collector"
        handler = outcome.parsed.handler or self.work.handler
        known = "" if self.known else ", which is no template here: its points are gauges as they come"
        ended = "did not end by itself" if outcome.status is None else f"exit status {outcome.status}"
        memory = quantity(outcome.memory_bytes, "bytes")
        found = [
            f"probe {self.work.label} for {self.device}, as {who}: {' '.join(order.argv)}",
            f"took {outcome.wall_s:.3f} s, {outcome.cpu_s:.3f} s of CPU time, at most {memory} of memory",
            f"{ended}; {outcome.printed} bytes printed",
            f"handler {handler}{known}",
        ]
        place: tuple[str, str] | None = None
        for one in self.figures:
            if place != (one.source, one.component):
                place = (one.source, one.component)
                found.append(f"series {one.source} of {one.component or 'the device itself'}")
            value = "unknown" if one.value is None else quantity(one.value, one.unit, 6)
            kind = "" if one.kind == "gauge" else f" ({one.kind}: its rate is kept)"
            derived = f"  = {one.derived}" if one.derived else ""
            found.append(f"    {one.point:<20} {value}{kind}{derived}")
        found += [f"event {one.severity.label}, {one.event_class}: {one.summary}" for one in self.events]
        for problem in self.problems:
            found.append(f"{problem.severity.label}, {problem.key}: {problem.summary}")
            found += [f"    {line}" for line in problem.message.splitlines()]
        if not self.figures and not self.problems:
            found.append("no figures")
        return found


def try_probe(
    settings: ProbeSettings, config: DeviceConfig, claims: Claims, name: str, arguments: Sequence[str]
) -> Tried:
    """Run a probe once.

    Raises:
        NotFoundError, PermanentError: there is none of that name, or it may not run.
    """
    handlers = Handlers(config.sources)
    work = _work(settings, config, handlers, name, arguments)
    outcome = run_apart(work.order)
    reader = Reader(config.device, claims)
    now = time.time()
    results, _ = reader.results(work, outcome, handlers, int(now), now)
    figures = [figure for one in results if one.source != OWN_SOURCE for figure in _figures(one, config)]
    own = results[0]
    used = outcome.parsed.handler or work.handler
    known = bool(work.source is not None and work.source.points) or used in handlers.names()
    return Tried(
        work=work,
        device=config.device,
        outcome=outcome,
        figures=figures,
        problems=own.problems,
        events=own.events,
        known=known,
    )


def _work(
    settings: ProbeSettings, config: DeviceConfig, handlers: Handlers, name: str, arguments: Sequence[str]
) -> Work:
    folders = Folders([Path(name).absolute().parent] if "/" in name else settings.folders())
    folders.look()
    found = folders.found
    source = next(
        (one for one in config.sources if isinstance(one, ProbeSource) and one.id == name and one.command), None
    )
    if source is not None and not arguments:
        return of_source(config, source, found, settings.probes)
    wanted = Path(name).name
    probe = found.probes.get(wanted) or found.probes.get(Path(wanted).stem)
    if probe is not None:
        return of_probe(config, probe, handlers, settings.probes, arguments or None)
    for refused in found.refused:
        if Path(refused.path).name in {wanted, wanted.partition(".")[0]} or Path(refused.path).stem == wanted:
            raise PermanentError(refused.why)
    known = ", ".join(sorted(found.probes)[:MAX_NAMES]) or "none"
    where = ", ".join(str(one) for one in settings.folders())
    raise NotFoundError(f"there is no probe {name!r:.100}; there are: {known} (folders: {where})")


def _figures(result: Result, config: DeviceConfig) -> list[Figure]:
    source = next((one for one in config.sources if one.id == result.source), None)
    points: Sequence[Point] = source.points if source is not None else result.points
    derived = derived_points(points, source.derived if source is not None else ())
    expressions = {one.point: one.expression for one in (source.derived if source is not None else ())}
    found = []
    for row in result.rows:
        values: dict[str, Number | None] = dict(row.values)
        derived.add_to(values)
        found += [
            Figure(
                source=result.source,
                component=row.component,
                point=point.name,
                value=values.get(point.name),
                unit=point.unit,
                kind=point.kind.value,
                derived=expressions.get(point.name, ""),
            )
            for point in (*points, *derived.points)
            if point.name in values
        ]
    return found


def run_apart(order: Run) -> Outcome:
    """Run a probe once beside a process of its own, as the daemon does."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            gc.freeze()  # whoever began this lets go of what is there; here its files' numbers are soon those of others
            os.setsid()  # Ctrl-C is for us, who then end it
            run_into(order, theirs)
            status = 0
        finally:
            os._exit(status)
    os.close(theirs)
    try:
        with os.fdopen(ours, "rb") as file:
            data = file.read()
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGTERM)
        raise
    finally:
        os.waitpid(pid, 0)
    try:
        return decode_outcome(data)
    except ValueError:
        return Outcome(number=order.number, error=KILLED)
