"""One cycle in words, for `tocsin-process run --once` (pure)."""

from __future__ import annotations

from collectors.framework.judging.thresholdbook import Judgement
from collectors.framework.processtable import ProcessTable
from collectors.process.tracker import Outcome
from common.configs import DeviceConfig, SourceKind
from common.events import Event, Severity
from common.masking import Masker
from common.matching import printable
from common.quantities import counted
from common.series import Number


def heading(config: DeviceConfig) -> list[str]:
    """What is about to be read."""
    where = "this host" if config.source is SourceKind.LOCAL else f"{config.address}, SNMP"
    return [f"{config.device}: {where}, every {config.interval_s} s, {len(config.process_sets)} definitions"]


def table(scan: ProcessTable, secrets: Masker, *, rows: bool) -> list[str]:
    """What was read."""
    how = "complete" if scan.complete else f"incomplete: {scan.problem}"
    processes, requests = counted(len(scan.rows), "process", "processes"), counted(scan.requests, "request")
    lines = [f"Read: {processes}, {how}, {requests}, {counted(scan.varbinds, 'varbind')}"]
    if scan.uptime_s is not None:
        lines.append(f"  agent up for {scan.uptime_s:.0f} s")
    if rows:
        lines += [
            f"  {pid:>7}  {row.status:<12} cpu {_figure(row.cpu_s)} s  memory {_figure(row.memory_bytes)}  "
            f"{printable(secrets.mask(row.name))} | {printable(secrets.mask(row.path))} | "
            f"{printable(secrets.arguments(row.path, row.name, row.parameters))}"
            for pid, row in sorted(scan.rows.items())
        ]
    return lines


def decided(outcome: Outcome, secrets: Masker, *, processes: bool) -> list[str]:
    """What was matched and decided."""
    seen = outcome.view.processes(secrets)
    matched = sum(process.set is not None for process in seen)
    lines = [f"Matched: {counted(matched, 'process', 'processes')} in {counted(len(outcome.sets), 'set')}"]
    if processes:
        lines += [f"  {process.pid:>7}  {process.set or '-':<20}  {process.command}" for process in seen]
    lines.append("Decided:")
    lines += [
        f"  {status.state.value:<10} {status.set}: {counted(status.count, 'process', 'processes')}, "
        f"{counted(status.restarts, 'restart')}, "
        f"pids {', '.join(map(str, status.pids)) or 'none'}"
        for status in outcome.sets
    ]
    return lines


def judged(judgement: Judgement, config: DeviceConfig) -> list[str]:
    """Which thresholds are violated."""
    if not config.thresholds:
        return []
    lines = [f"Thresholds: {len(config.thresholds)}; violated now: {len(judgement.violations)}"]
    return lines + [f"  {violation.line()}" for violation in judgement.violations]


def told(outcome: Outcome, events: list[Event]) -> list[str]:
    """What would be written and sent."""
    lines = [f"Would write {counted(len(outcome.series), 'sample')}:"]
    lines += [
        f"  {component}{_under(series, component)}: {_values(outcome.figures[component])}"
        for component, series in sorted(outcome.series.items())
    ]
    lines.append(f"Would send {len(events)} events:")
    lines += [
        f"  {event.severity.label if event.severity else Severity.CLEAR.label} {event.event_key} {event.component}: "
        f"{event.summary}"
        for event in events
    ]
    lines.append("Nothing was written or sent.")
    return lines


def _under(series: str, component: str) -> str:
    return f" (as {series})" if series != component else ""


def _values(values: dict[str, Number | None]) -> str:
    return ", ".join(f"{name} {_figure(value)}" for name, value in values.items())


def _figure(value: Number | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
