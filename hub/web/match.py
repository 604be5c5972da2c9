"""The API of previews: which command lines drafts would take, before they are applied."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from common.errors import SettingsError
from hub.data.reader import LineTable, Reader
from hub.model.documents import SourceFile
from hub.model.drafts import Drafts, lay_over, scope_like
from hub.model.interfaces import IWorker
from hub.model.previewreport import DeviceRow, Report, bounded, merged
from hub.model.service import ModelService
from hub.web.call import Call
from hub.web.refusals import bad_request
from hub.web.revisions import MAX_FILES, AppliedFile
from hub.web.router import Route
from hub.web.shapes import iso

MAX_DEVICES = 50
"""In one request; whoever wants more asks again."""
MAX_EXAMPLES = 1000
MAX_EXAMPLES_IN_ALL = 20_000
MAX_TEXTS = 100_000


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look at: the last tables of devices, or lines of text.

    Attributes:
        class_, groups: of the device that the lines are from.
        examples: how many lines are told for each count.
    """

    files: Annotated[list[AppliedFile], Meta(max_length=MAX_FILES)]
    devices: Annotated[list[str], Meta(max_length=MAX_DEVICES)] = []
    lines: Annotated[list[str], Meta(max_length=MAX_TEXTS)] | None = None
    class_: Annotated[str, Meta(max_length=2000)] = msgspec.field(default="", name="class")
    groups: Annotated[list[str], Meta(max_length=100)] = []
    examples: Annotated[int, Meta(ge=0, le=MAX_EXAMPLES)] = 3


class MatchTopic:
    """Previews drafts; changes nothing."""

    def __init__(self, model: ModelService, reader: Reader, worker: IWorker) -> None:
        """Take what is asked.

        Args:
            model: that drafts are laid over.
            reader: tells command lines of devices.
            worker: where documents are read and lines matched, which may take seconds.
        """
        self._model = model
        self._reader = reader
        self._worker = worker

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("POST", "match", self.match)]

    async def match(self, call: Call) -> Report:
        """Tell which lines drafts would take; a collector that is away only leaves a gap."""
        call.only()
        body = call.body(Match)
        if bool(body.devices) == (body.lines is not None):
            raise bad_request("name devices, or give lines")
        if body.devices and (body.class_ or body.groups):
            raise bad_request("class and groups are those of the device that lines are from; devices have their own")
        model = self._model.model
        files = [SourceFile(file.path, file.text, file.secrets) for file in body.files]
        names = list(dict.fromkeys(body.devices))
        for name in names:
            model.device(name)
        drafts = await self._worker.run(partial(lay_over, model, files))
        if not drafts.states and drafts.after is model:
            raise SettingsError("there is no draft in the files: they change nothing of the model")
        if body.lines is None:
            report = await self._look(drafts, names, body.examples)
        else:
            scope = scope_like(body.class_, body.groups)
            report = await self._worker.run(partial(drafts.look_at_text, body.lines, scope, body.examples))
        return msgspec.structs.replace(
            bounded(report, MAX_EXAMPLES_IN_ALL),
            revision=model.revision,
            devices=[msgspec.structs.replace(row, at=_stamp(row)) for row in report.devices],
        )

    async def _look(self, drafts: Drafts, names: Sequence[str], examples: int) -> Report:
        tables = await self._reader.lines(names)
        reports: list[Report] = []
        for name in names:
            table = tables[name]
            if table.problem:
                reports.append(Report(devices=[DeviceRow(device=name, at=table.at, problem=table.problem)]))
            else:  # one after the other, so that others get their turn in the worker
                reports.append(await self._worker.run(partial(_look_at, drafts, name, table, examples)))
        return await self._worker.run(partial(merged, reports, examples))


def _look_at(drafts: Drafts, name: str, table: LineTable, examples: int) -> Report:
    return drafts.look(drafts.host(name, table.at), table.lines, examples)


def _stamp(row: DeviceRow) -> str | None:
    return iso(row.at) if isinstance(row.at, float | int) else row.at
