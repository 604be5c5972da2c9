"""Samples as a remote write request: read back by the messages themselves."""

from __future__ import annotations

import struct
from typing import Any

import cramjam

from collectors.framework.outlets.writerequest import Body, Stream, WriteRequest
from common.series import Kind, Layout, Point, SeriesKey

LAYOUT = Layout(points=(Point(name="cpu"), Point(name="restarts", kind=Kind.DERIVE)), step_s=60)
KEY = SeriesKey("web1", "nginx", "table")


def decoded(body: Body) -> Any:
    request = WriteRequest()
    request.ParseFromString(bytes(cramjam.snappy.decompress_raw(body.packed())))
    return request


def series(body: Body) -> dict[tuple[tuple[str, str], ...], list[tuple[float, int]]]:
    return {
        tuple((label.name, label.value) for label in one.labels): [(s.value, s.timestamp) for s in one.samples]
        for one in decoded(body).timeseries
    }


def test_a_point_is_a_series_with_its_labels_in_order_and_its_samples_in_order_of_time() -> None:
    body = Body()
    stream = Stream(KEY, LAYOUT, {"collector": "local", "site": "berlin"})
    body.add([(stream, 60, [1.5, 7]), (stream, 120, [2.5, 9])])
    named = (
        ("collector", "local"), ("component", "nginx"), ("device", "web1"), ("point", "cpu"), ("site", "berlin"),
        ("source", "table"),
    )  # fmt: skip
    found = series(body)
    assert found[("__name__", "tocsin_value"), *named] == [(1.5, 60_000), (2.5, 120_000)]
    counted = tuple((name, "restarts" if name == "point" else value) for name, value in named)
    assert found[("__name__", "tocsin_count_total"), *counted] == [(7.0, 60_000), (9.0, 120_000)]
    assert body.samples == 4
    assert len(found) == 2


def test_a_component_that_is_the_device_itself_has_no_label() -> None:
    body = Body()
    body.add([(Stream(SeriesKey("web1", "", "self"), LAYOUT, {}), 60, [1, None])])
    (labels,) = series(body)
    assert labels == (("__name__", "tocsin_value"), ("device", "web1"), ("point", "cpu"), ("source", "self"))


def test_what_is_not_known_is_no_sample_and_what_is_known_no_more_is_told_as_stale_once() -> None:
    body = Body()
    stream = Stream(KEY, LAYOUT, {})
    body.add(
        [(stream, 60, [None, None]), (stream, 120, [0, None]), (stream, 180, [None, None]), (stream, 240, [None, 1])]
    )
    of = {
        {one.name: one.value for one in series.labels}["point"]: series.samples for series in decoded(body).timeseries
    }
    assert [sample.timestamp for sample in of["cpu"]] == [120_000, 180_000]
    assert of["cpu"][0].value == 0.0
    assert struct.pack("<d", of["cpu"][1].value) == struct.pack("<Q", 0x7FF0000000000002)
    assert [sample.timestamp for sample in of["restarts"]] == [240_000]


def test_that_a_value_was_known_is_known_in_the_next_request_and_in_the_next_segment() -> None:
    before = Stream(KEY, LAYOUT, {})
    Body().add([(before, 60, [1, 1])])
    after = Stream(KEY, LAYOUT, {}, before)
    body = Body()
    body.add([(after, 120, [None, 2])])
    assert body.samples == 2


def test_any_name_is_text() -> None:
    body = Body()
    name = 'a"b\\c\n/../\udc80é😀{}'
    body.add([(Stream(SeriesKey(name, name, "table"), LAYOUT, {}), 60, [1, None])])
    (labels,) = series(body)
    assert dict(labels)["device"] == name.replace("\udc80", "?")
