"""The daemon's own figures as metrics (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import generate_latest as as_text
from prometheus_client.openmetrics.exposition import generate_latest as as_open_metrics
from prometheus_client.registry import Collector

PREFIX = "tocsin_collector_"

_GAUGES = {
    "uptime_s": ("uptime_seconds", "How long the daemon has been running."),
    "memory_bytes": ("resident_memory_bytes", "Resident memory of the daemon, with its worker processes."),
    "devices": ("devices", "Devices that are collected."),
    "silent": ("silent_devices", "Devices that do not answer."),
    "lapsed": ("lapsed_devices", "Devices that are not collected because the hub was silent for too long."),
    "tasks": ("tasks", "Tasks that run again and again."),
    "running_tasks": ("running_tasks", "Tasks that run now."),
    "waiting_tasks": ("waiting_tasks", "Tasks whose turn it is, and that wait for a place."),
    "queued_events": ("queued_events", "Events that the hub does not have yet."),
    "queued_samples": ("queued_samples", "Samples that are not in their files yet."),
    "connected": ("hub_connected", "Whether a session with the hub stands."),
}
_COUNTERS = {
    "cpu_s": ("cpu_seconds", "CPU time of the daemon, with its worker processes."),
    "runs": ("runs", "Runs of tasks that ended."),
    "late_runs": ("late_runs", "Runs of tasks that began late, or not at all."),
    "failed_runs": ("failed_runs", "Runs of tasks that failed as nobody foresaw."),
    "sent_events": ("sent_events", "Events that the hub has stored."),
    "dropped_events": ("dropped_events", "Events that were lost because too many waited."),
}
_REMOTE = {
    "sent": ("remote_write_sent_values", "Values that the other system has taken."),
    "refused": ("remote_write_refused_values", "Values that the other system would never take."),
    "dropped": ("remote_write_dropped_samples", "Samples that waited too long for the other system, or were too many."),
}


class _Figures(Collector):
    """All figures once, in order."""

    def __init__(self, figures: Mapping[str, Any], daemon: str, version: str) -> None:
        self._figures = figures
        self._labels = {"collector": str(figures.get("collector", "")), "daemon": daemon}
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        info = InfoMetricFamily(PREFIX + "build", "What this daemon is.", labels=[*self._labels])
        info.add_metric([*self._labels.values()], {"version": self._version})
        yield info
        for name, (called, said) in _GAUGES.items():
            if isinstance(value := self._figures.get(name), int | float):
                yield self._with(GaugeMetricFamily(PREFIX + called, said, labels=[*self._labels]), value)
        for name, (called, said) in _COUNTERS.items():
            if isinstance(value := self._figures.get(name), int | float):
                yield self._with(CounterMetricFamily(PREFIX + called, said, labels=[*self._labels]), value)
        yield self._dropped_samples()
        for name, (called, said) in _REMOTE.items():
            if isinstance(value := (self._figures.get("remote_write") or {}).get(name), int | float):
                yield self._with(CounterMetricFamily(PREFIX + called, said, labels=[*self._labels]), value)

    def _with(self, family: Any, value: float) -> Metric:
        family.add_metric([*self._labels.values()], value)
        metric: Metric = family
        return metric

    def _dropped_samples(self) -> Metric:
        said = "Samples that were not accepted, or were lost, by reason."
        family = CounterMetricFamily(PREFIX + "dropped_samples", said, labels=[*self._labels, "reason"])
        for reason, count in sorted((self._figures.get("samples_dropped_by_reason") or {}).items()):
            family.add_metric([*self._labels.values(), reason], count)
        metric: Metric = family
        return metric


def self_lines(figures: Mapping[str, Any], daemon: str, version: str, *, open_metrics: bool) -> str:
    """The lines about the daemon, from its figures for `stats`; without the end of the page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(figures, daemon, version))
    text = (as_open_metrics if open_metrics else as_text)(registry).decode("utf-8")
    return text.removesuffix("# EOF\n")
