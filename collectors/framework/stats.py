"""What `stats` and `status` print of a collector daemon (pure)."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from collectors.framework.taskstats import list_lines, summary, summary_lines, task_lines
from common.daemon_program import Stats
from common.errors import NotFoundError
from common.figures import columns, figure, lines_of
from common.matching import printable
from common.quantities import quantity

TOP = 5
_SHOWN = frozenset({
    "daemon", "pid", "uptime_s", "cpu_s", "peak_memory_bytes", "memory_bytes", "collector", "hub", "devices",
    "devices_paused", "devices_paused_because", "tasks", "late_runs", "failed_runs", "running_tasks", "waiting_tasks",
    "runs", "sent_events", "queued_events", "dropped_events", "queued_samples", "dropped_samples", "problem",
    "task_list", "task_summary", "lapsed", "untold", "silent", "workers", "process_events_standing", "listening",
    "deaf",
})  # fmt: skip
_OF_WORKERS = ("worker", "pid", "live", "devices", "late_runs", "failed_runs", "ends", "cpu_s", "memory_bytes")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `stats` of a collector can be asked."""
    parser.add_argument("-d", "--device", metavar="DEVICE", help="of the tasks, those of one device alone")
    parser.add_argument("--tasks", action="store_true", help="every task")
    parser.add_argument("--top", type=_number, default=TOP, metavar="N", help=f"so many of the worst devices [{TOP}]")


def chosen(figures: Mapping[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """The figures with a summary of the tasks, and with the tasks that were asked for.

    Raises:
        NotFoundError: the device is not collected.
    """
    tasks = figures.get("task_list") or []
    if options.device is not None:
        tasks = [task for task in tasks if task["device"] == options.device]
        if not tasks:
            raise NotFoundError(
                f"device {printable(options.device)} is not collected here; `stats --tasks` lists what is"
            )
    return {**figures, "task_summary": summary(tasks, options.top), "task_list": tasks}


def shown(figures: Mapping[str, Any], options: argparse.Namespace) -> str:
    """The same at a terminal."""
    if options.device is not None:
        return _text(line for task in figures["task_list"] for line in task_lines(task))
    lines = [*_daemon(figures), *_workers(figures.get("workers") or []), "", *summary_lines(figures["task_summary"])]
    if options.tasks:
        lines += ["All tasks", *list_lines(figures["task_list"])]
    other = lines_of({name: value for name, value in figures.items() if name not in _SHOWN}, "  ")
    return _text([*lines, *(["", "Other figures", *other] if other else [])])


def fares(figures: Mapping[str, Any]) -> str:
    """What `status` says beside that the daemon runs: how it stands with its hub, what is not collected, and how."""
    lines = [f"collector {figures.get('collector')}, hub: {figures.get('hub')}"]
    workers = figures.get("workers") or []
    if workers:
        ailing = [worker["problem"] for worker in workers if worker["problem"]]
        lines.append(f"{len(workers)} workers, {sum(worker['live'] for worker in workers)} of them at work")
        lines += ailing
    if figures.get("silent"):
        answer = "does not answer, and is" if figures["silent"] == 1 else "do not answer, and are"
        lines.append(f"{figures['silent']} of {figures.get('devices')} devices {answer} asked less often")
    if figures.get("devices_paused_because"):
        lines.append(str(figures["devices_paused_because"]))
    if figures.get("process_events_standing"):
        lines.append(str(figures["process_events_standing"]))
    return "\n".join(lines)


def _daemon(figures: Mapping[str, Any]) -> list[str]:
    """What is known of the daemon itself."""

    def of(name: str) -> str:
        return figure(name, figures.get(name, 0))

    workers = figures.get("workers") or []
    up_s = float(figures.get("uptime_s") or 0.0)
    cpu_s = sum(float(one.get("cpu_s") or 0.0) for one in (figures, *workers))
    peak = max(int(figures.get(name) or 0) for name in ("peak_memory_bytes", "memory_bytes"))
    at_most = "" if workers else f", at most {figure('peak_memory_bytes', peak)}"  # of workers it is not known
    silent = int(figures.get("silent") or 0)
    core = f" ({quantity(100 * cpu_s / up_s, 'percent')} of a core)" if up_s else ""
    events = f"{of('sent_events')} sent, {of('queued_events')} wait, {of('dropped_events')} dropped"
    samples = f"{of('queued_samples')} wait, {of('dropped_samples')} dropped"
    lines = [
        f"{of('daemon')} (pid {figures.get('pid')}), collector {of('collector')}, up {of('uptime_s')}",
        f"hub: {of('hub')}",
        f"CPU {figure('cpu_s', cpu_s)}{core}, memory {of('memory_bytes')}{at_most}",
        f"events: {events}; samples: {samples}",
        f"devices: {of('devices')}"
        + (f", of them {of('devices_paused')} paused" if figures.get("devices_paused") else "")
        + (f", {silent:,} {'does' if silent == 1 else 'do'} not answer, asked less often" if silent else ""),
    ]
    told = ("process_events_standing", "devices_paused_because", "problem")
    return lines + [figure(name, figures[name]) for name in told if figures.get(name)]


def _workers(workers: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each worker process."""
    rows = [
        [figure(name, row.get(name, 0)) for name in _OF_WORKERS] + [printable(str(row.get("problem") or ""))]
        for row in workers
    ]
    heading = [*(name.removesuffix("_s").removesuffix("_bytes").replace("_", " ") for name in _OF_WORKERS), ""]
    right = frozenset(range(1, len(_OF_WORKERS)))
    return ["", "Workers", *columns([heading, *rows], right=right)] if rows else []


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"wanted a whole number, got {printable(text)}")
    return int(text)


def _text(lines: Any) -> str:
    return "\n".join(lines)


STATS = Stats(add_options=add_options, choose=chosen, show=shown)
