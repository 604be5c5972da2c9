"""Samples as the body of a remote write request, version 1.0 (pure).

The messages are those of Prometheus (remote.proto, types.proto), made here from their description, as far as they are
used. A request is compressed by Snappy, in its block format. A value that was known and is not any more is told as
stale, so that a gap is one there, too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from collectors.framework.outlets.names import labels, metric
from common.series import Layout, Number, SeriesKey

STALE: float = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The one NaN that means: there is no value any more (Prometheus, model/value)."""
HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES: Mapping[str, Sequence[tuple[str, int, int, str]]] = {
    "Label": (("name", 1, _FIELD.TYPE_STRING, ""), ("value", 2, _FIELD.TYPE_STRING, "")),
    "Sample": (("value", 1, _FIELD.TYPE_DOUBLE, ""), ("timestamp", 2, _FIELD.TYPE_INT64, "")),
    "TimeSeries": (("labels", 1, _FIELD.TYPE_MESSAGE, "Label"), ("samples", 2, _FIELD.TYPE_MESSAGE, "Sample")),
    "WriteRequest": (("timeseries", 1, _FIELD.TYPE_MESSAGE, "TimeSeries"),),
}
"""Of each message the fields: name, number, type, and of which message it has any number."""


def _classes() -> Mapping[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="tocsin_remote_write.proto", package="prometheus", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, type_, of in fields:
            one = message.field.add(name=field, number=number, type=type_, label=_FIELD.LABEL_OPTIONAL)
            if of:
                one.label, one.type_name = _FIELD.LABEL_REPEATED, f".prometheus.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"prometheus.{name}")) for name in _MESSAGES
    }


_CLASSES = _classes()
WriteRequest = _CLASSES["WriteRequest"]
_TimeSeries = _CLASSES["TimeSeries"]


class Stream:
    """A series of ours, as the other side knows its points.

    Attributes:
        heads: of each point what names it, ready to be put into a request.
        known: of each point, whether its last value was.
    """

    __slots__ = ("heads", "known")

    def __init__(self, key: SeriesKey, layout: Layout, more: Mapping[str, str], before: Stream | None = None) -> None:
        self.heads = [_head({"__name__": metric(point), **more, **labels(key, point)}) for point in layout.points]
        same = before is not None and before.heads == self.heads
        self.known: bytearray = before.known if same and before is not None else bytearray(len(self.heads))


def _head(named: Mapping[str, str]) -> bytes:
    series = _TimeSeries()
    for name, value in sorted(named.items()):
        series.labels.add(name=name, value=value)
    data: bytes = series.SerializeToString()
    return data


Row = tuple[Stream, int, Sequence[Number | None]]
"""A series, the epoch second of a sample, its values."""


class Body:
    """One request that is being filled, in order of time for each series.

    Attributes:
        samples: how many there are in it.
    """

    def __init__(self) -> None:
        self._request = WriteRequest()
        self._of: dict[bytes, Any] = {}
        self.samples = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Put samples in; what was unknown and still is, is left out."""
        for stream, at, values in rows:
            known = stream.known
            for place, (head, value) in enumerate(zip(stream.heads, values, strict=False)):
                if value is None and not known[place]:
                    continue
                known[place] = value is not None
                series = self._of.get(head)
                if series is None:
                    series = self._of[head] = self._request.timeseries.add()
                    series.MergeFromString(head)
                series.samples.add(value=STALE if value is None else value, timestamp=1000 * at)
                self.samples += 1

    def packed(self) -> bytes:
        """As it crosses the net."""
        return bytes(cramjam.snappy.compress_raw(self._request.SerializeToString()))
