"""Waiting until what was changed shows in the samples of devices."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hub.cli.client import Api, path_of
from hub.cli.exits import CommandError
from hub.cli.figures import moment
from hub.cli.output import plural_rows

MAX_DEVICES = 20
"""Of more than these, nobody waits for the next sample."""
STEPS = 3
"""A device that has no new sample after so many steps is silent, and is waited for no longer."""
PAUSE_S = 0.5


def wait_for_samples(api: Api, devices: Sequence[str], deadline: float, clock_s: float | None = None) -> None:
    """Wait until each device has its config, and then a sample, or is silent.

    Args:
        api: of the hub.
        devices: by name; one that is none, or a collector, is left out.
        deadline: by `time.monotonic`.
        clock_s: epoch seconds of now, for tests.
    """
    left = list(devices) if len(devices) <= MAX_DEVICES else []
    while left and not all(_in_sync(api, device) for device in left) and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
    since, began = clock_s if clock_s is not None else time.time(), time.monotonic()
    while left and time.monotonic() < deadline:
        left = [device for device in left if not _has_one(api, device, since, time.monotonic() - began)]
        if left:
            time.sleep(PAUSE_S)


def _in_sync(api: Api, device: str) -> bool:
    try:
        return api.get(path_of("devices", device)).get("in_sync") is not False
    except CommandError:
        return True


def _has_one(api: Api, device: str, since: float, waited_s: float) -> bool:
    """Whether a device has a sample of after a moment, or none is to be expected."""
    try:
        values = plural_rows(api.get(path_of("devices", device, "series")), "values")
    except CommandError:
        return True
    steps = [float(row.get("step_s") or 0) for row in values]
    newest = max((at for at in (moment(row.get("at")) for row in values) if at is not None), default=0.0)
    return newest >= since or waited_s > STEPS * max(steps, default=0.0)
