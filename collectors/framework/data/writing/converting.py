"""Converts series files when the daemon orders it, in the writer process; or tells which would be."""

from __future__ import annotations

from collections.abc import Generator

from collectors.framework.data.orders import Convert, Progress
from collectors.framework.data.writing.seriesfile import SeriesFile
from collectors.framework.data.writing.writer import Writer
from common.conversion import MAX_TOLD, Conversion, ConversionMode, ConversionState

FILES_A_SLICE = 500
MAX_NAME = 512
"""Of a name that is told; longer ones are cut."""


def convert_files(writer: Writer, order: Convert) -> Generator[Progress, None, ConversionState]:
    """Look at all files whose wanted layout is known, have those converted that differ, or only tell which do.

    The conversions themselves go on after this has ended, at their own pace.
    """
    known = writer.series_files(set(order.devices))
    pending = writer.conversions
    if order.mode is ConversionMode.BEGIN:
        pending.hurry(order.devices)
    found: list[Conversion] = []
    if order.mode is not ConversionMode.TELL:
        for number, file in enumerate(known, start=1):
            reason = writer.reason_to_convert(file)
            if reason and order.mode is ConversionMode.BEGIN:
                pending.note(file, reason)
            elif reason:
                found.append(_told(file, reason))
            if number % FILES_A_SLICE == 0:
                yield Progress(done=number, of=len(known))
    if order.mode is ConversionMode.BEGIN:
        pending.hurry(order.devices)
    counted = pending.counts
    if order.mode is ConversionMode.LOOK:
        failed = [one for one in pending.standing(order.devices) if one[2]]
        return ConversionState(
            known=len(known), waiting=len(found), failed=len(failed), done=counted.done, files=found[:MAX_TOLD]
        )
    standing = pending.standing(order.devices)
    failed_count = sum(bool(failure) for _, _, failure in standing)
    return ConversionState(
        known=len(known),
        waiting=len(standing) - failed_count,
        failed=failed_count,
        done=counted.done,
        files=[_told(*one) for one in standing[:MAX_TOLD]],
    )


def _told(file: SeriesFile, reason: str, failure: str = "") -> Conversion:
    key = file.key
    return Conversion(
        device=key.device[:MAX_NAME],
        component=key.component[:MAX_NAME],
        source=key.source[:MAX_NAME],
        reason=reason[:MAX_NAME],
        failure=failure[:MAX_NAME],
    )
