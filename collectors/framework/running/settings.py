"""How many worker processes there are, and the settings that they get from their daemon."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
from twisted.logger import Logger

from collectors.framework.interfaces import CollectorSpec, NoTap

_log = Logger()


def worker_count(spec: CollectorSpec, settings: Any, tap: Any) -> int:
    """How many processes are to run the tasks; 1 means that it is the daemon itself."""
    wanted = int(getattr(settings, "workers", 1)) or cores()
    if not spec.found_at or wanted == 1:
        return 1
    if not isinstance(tap, NoTap):
        _log.info(
            "what is read is captured, so the daemon runs all tasks itself, without its {count} workers", count=wanted
        )
        return 1
    if wanted > settings.parallel:
        _log.warn(
            "{wanted} workers cannot share parallel = {parallel}; there are {parallel}",
            wanted=wanted,
            parallel=settings.parallel,
        )
    return min(wanted, int(settings.parallel))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(parallel: int, workers: int, number: int) -> int:
    """A worker's share of what is read at the same time; `number` counts from 0."""
    return parallel // workers + (number < parallel % workers)


def write_settings(settings: Any) -> bytes:
    """Settings as they cross to a worker."""
    return msgspec.json.encode(settings, enc_hook=str)


def read_settings(data: bytes, spec: CollectorSpec) -> Any:
    """Settings as they came."""
    return msgspec.json.decode(data, type=spec.settings_type, dec_hook=_path)


def _path(type_: type[Any], value: Any) -> Any:
    if type_ is Path:
        return Path(value)
    raise ValueError(f"{value!r} is not a {type_.__name__}")
