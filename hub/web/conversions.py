"""The API of files that are converted to what their samples want."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from common.conversion import Conversion, ConversionMode, ConversionState
from hub.data.conversions import Asked, ConversionDesk
from hub.web.call import Call
from hub.web.refusals import bad_request
from hub.web.router import Route

MAX_DEVICES = 10_000
MAX_FILES = 1000


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose files: some devices', or all."""

    devices: Annotated[list[str], Meta(max_length=MAX_DEVICES)] = []
    all: bool = False
    dry_run: bool = False


class FileRow(Struct, frozen=True, kw_only=True):
    """A file that is not as its samples want it; `failure` is why it could not be converted, else empty."""

    collector: str
    device: str
    component: str
    source: str
    reason: str
    failure: str


class CollectorRow(Struct, frozen=True, kw_only=True):
    """How things stand at a daemon of a collector; `problem` is why that is not known, else empty."""

    collector: str
    daemon: str
    known: int
    waiting: int
    failed: int
    done: int
    problem: str


class Standing(Struct, frozen=True, kw_only=True):
    """How things stand at all of them together; not all files are named."""

    known: int
    waiting: int
    failed: int
    done: int
    files: list[FileRow]
    collectors: list[CollectorRow]


class ConversionTopic:
    """Has files converted, and tells how far that is."""

    def __init__(self, desk: ConversionDesk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "series/conversion", self.standing), Route("POST", "series/conversion", self.convert)]

    async def standing(self, call: Call) -> Standing:
        """Tell how far it is, for the devices that are named, or all."""
        call.only("device")
        return _shape(await self._desk.ask(call.all("device"), ConversionMode.TELL))

    async def convert(self, call: Call) -> Standing:
        """Convert, or tell what would be."""
        call.only()
        wish = call.body(Wish)
        if bool(wish.devices) == wish.all:
            raise bad_request("name devices, or ask for all: one of the two")
        return _shape(await self._desk.ask(wish.devices, ConversionMode.LOOK if wish.dry_run else ConversionMode.BEGIN))


def _shape(asked: list[Asked]) -> Standing:
    rows = [_row(one) for one in asked]
    files = [_file(one.collector, file) for one in asked if one.state is not None for file in one.state.files]
    return Standing(
        known=sum(row.known for row in rows),
        waiting=sum(row.waiting for row in rows),
        failed=sum(row.failed for row in rows),
        done=sum(row.done for row in rows),
        files=files[:MAX_FILES],
        collectors=rows,
    )


def _row(asked: Asked) -> CollectorRow:
    state = asked.state or ConversionState(known=0, waiting=0, failed=0, done=0)
    return CollectorRow(
        collector=asked.collector,
        daemon=asked.daemon,
        known=state.known,
        waiting=state.waiting,
        failed=state.failed,
        done=state.done,
        problem=asked.problem,
    )


def _file(collector: str, file: Conversion) -> FileRow:
    return FileRow(
        collector=collector,
        device=file.device,
        component=file.component,
        source=file.source,
        reason=file.reason,
        failure=file.failure,
    )
