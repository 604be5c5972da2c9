"""The lines of the metrics page, read by the library's own parsers."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as older

from collectors.framework.data.spool.intake import Intake
from collectors.framework.outlets.openmetrics import END, value_lines
from collectors.framework.outlets.selfmetrics import self_lines
from common.series import Kind, Layout, Point, Sample, SeriesKey

NOW = 1_800_000_000
LAYOUT = Layout(points=(Point(name="cpu"), Point(name="memory"), Point(name="restarts", kind=Kind.DERIVE)), step_s=10)
NAMES = ["nginx", 'a"b\\c\nd', "é😀\x1b[31m{}", "\udc80", "x" * 512]


def intake(at: int = NOW) -> Intake:
    taken = Intake()
    for device in ("web1", "web2"):
        for name in NAMES:
            values: dict[str, int | float | None] = {"cpu": 1e-9, "memory": None, "restarts": 2**63 + 1}
            key = SeriesKey(device, name, "table")
            taken.accept([Sample(key=key, layout=LAYOUT, at=at, values=values)], at)
    return taken


def page(taken: Intake, now: float = NOW, devices: tuple[str, ...] = (), *, new: bool = True) -> str:
    figures = {"collector": "c", "devices": 2, "runs": 7, "samples_dropped_by_reason": {"past": 3}, "connected": True}
    own = self_lines(figures, "tocsin-process", "1.0", open_metrics=new)
    text = own + "".join(value_lines(taken.all(), "c", now, devices, open_metrics=new)) + (END if new else "")
    return text.encode("utf-8", "replace").decode()


def test_both_formats_are_read_as_what_was_measured() -> None:
    for text, read, count in (
        (page(intake()), open_metrics, "tocsin_count"),
        (page(intake(), new=False), older, "tocsin_count"),
    ):
        families = {family.name: family for family in read(text)}
        values = {(s.labels["device"], s.labels["component"]): s for s in families["tocsin_value"].samples}
        # A half of a surrogate pair is no character, and no series of its own: it cannot be stored at all.
        assert set(values) == {(device, name) for device in ("web1", "web2") for name in NAMES if name != "\udc80"}
        assert {s.labels["point"] for s in values.values()} == {"cpu"}  # what is not known is not there
        assert {s.value for s in values.values()} == {1e-9}
        assert {float(s.value) for s in families[count].samples} == {float(2**63 + 1)}
        assert families["tocsin_collector_runs"].samples[0].value == 7
        assert families["tocsin_collector_hub_connected"].samples[0].value == 1
        (dropped,) = families["tocsin_collector_dropped_samples"].samples
        assert (dropped.labels["reason"], dropped.value) == ("past", 3)


def test_an_integer_is_told_exactly() -> None:
    assert f" {2**63 + 1}\n" in page(intake())


def test_a_series_that_has_ceased_is_not_there() -> None:
    assert "tocsin_value{" in page(intake(), NOW + 89)
    assert "tocsin_value{" not in page(intake(), NOW + 91)


def test_only_the_devices_that_are_asked_for_are_there() -> None:
    text = page(intake(), devices=("web2",))
    assert 'device="web2"' in text
    assert 'device="web1"' not in text
