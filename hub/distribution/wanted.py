"""What the model wants to run: the config of each device, compiled.

An error while compiling is kept beside the last config that could be made. It is never a deletion.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from common.configs import DeviceConfig
from common.digests import canonical, digest
from common.errors import TocsinError
from hub.distribution.interfaces import IModelView


class Wanted(Struct, frozen=True, kw_only=True):
    """One device as the model has it.

    Attributes:
        collector: who shall run it.
        revision: of the model that it was compiled from.
        config: the last that could be made; None when none ever could.
        error: why the model's present state cannot be compiled; empty when it can.
    """

    collector: str
    revision: int
    config: DeviceConfig | None
    digest: str
    size_bytes: int
    error: str = ""


def compile_wanted(
    model: IModelView,
    device: str,
    before: Wanted | None,
    defect: Callable[[str], None],
) -> Wanted | None:
    """Compile one device; None when the model has no such device.

    `before` is what was wanted so far; its config stays when the new one cannot be made. `defect` is called inside the
    except clause for an error that is not one of ours, so that its traceback can be logged.
    """
    collector = model.owner(device)
    if collector is None:
        return None
    revision = model.revision
    try:
        config = model.compile(device)
    except TocsinError as error:
        return _failed(collector, revision, before, str(error))
    except Exception as error:  # noqa: BLE001 - the supervisor of compiling: one device's defect stops no other
        defect(device)
        return _failed(collector, revision, before, f"an error of ours ({type(error).__name__}); the log has more")
    return Wanted(
        collector=collector,
        revision=revision,
        config=config,
        digest=digest(config),
        size_bytes=len(canonical(config)),
    )


def _failed(collector: str, revision: int, before: Wanted | None, error: str) -> Wanted:
    return Wanted(
        collector=collector,
        revision=revision,
        config=before.config if before else None,
        digest=before.digest if before else "",
        size_bytes=before.size_bytes if before else 0,
        error=error,
    )
