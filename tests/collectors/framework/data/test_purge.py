"""What left is deleted by host, whole and exactly; what there is is listed in pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from collectors.framework.data.copies import copies_of
from collectors.framework.data.orders import Progress, Purge
from collectors.framework.data.reading.inventory import inventory
from collectors.framework.data.writing import purge as purging
from collectors.framework.data.writing.desk import HANDLERS
from collectors.framework.data.writing.purge import purge
from common import rrd
from common.holdings import HeldAs, HeldFile, Holdings, HoldingsQuery, PurgedDevice
from common.queries import Result
from common.series import Baseline, Layout, Sample, SeriesKey
from tests.collectors.framework.test_rrdwriter import LAYOUT, NOW, Bench

HOSTILE = [
    "web1", "web10", "web", "w", "web1/../web2", "%", "_", "web_", "web%", "a\nb", "..", "/", "ä", "🚀", "x" * 255,
    "' OR 1=1 --", "web1\x00", "Web1",
]  # fmt: skip


class Hosts(Bench):
    def sampled(self, device: str, component: str = "sshd", at: int = NOW - 1000, layout: Layout = LAYOUT) -> Path:
        key = SeriesKey(device, component, "process")
        values = {point.name: 1 for point in layout.points}
        self.intake.accept([Sample(key=key, layout=layout, at=at, values=values)], self.now)
        self.spool.append(self.intake.series, self.intake.take())
        self.write()
        return self.root / rrd.file_name(key)

    def purge(self, *devices: str) -> list[PurgedDevice]:
        steps: Any = HANDLERS[Purge](self.writer, Purge(devices=list(devices)))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                done: list[PurgedDevice] = end.value.devices
                return done

    def listed(self, **query: Any) -> list[HeldFile]:
        found: list[HeldFile] = []
        after = ""
        while True:
            page = inventory(self.root, HoldingsQuery(after=after, **query))
            found += page.files
            after = page.last
            if not page.more:
                return found


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


@settings(max_examples=12, deadline=None)
@given(devices=st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=6, unique=True))
def test_a_purge_of_one_host_touches_no_other(tmp_path_factory: pytest.TempPathFactory, devices: list[str]) -> None:
    hosts = Hosts(tmp_path_factory.mktemp("hosts"))
    files = {device: [hosts.sampled(device, name) for name in ("sshd", *devices)] for device in devices}
    before = {path: path.read_bytes() for some in files.values() for path in some}
    gone, *kept = devices
    (told,) = hosts.purge(gone)
    assert (told.device, told.files) == (gone, len(files[gone]))
    assert told.bytes == sum(len(before[path]) for path in files[gone])
    assert not any(path.exists() for path in files[gone])
    assert all(path.read_bytes() == before[path] for device in kept for path in files[device])
    assert {one.key.device for one in hosts.listed() if one.key is not None} == set(kept)


def test_all_that_is_of_a_host_goes_and_a_second_purge_finds_nothing(hosts: Hosts) -> None:
    path = hosts.sampled("web1")
    for number in range(10):
        hosts.sampled("web1", at=NOW - 990 + 10 * number)
    hosts.now = NOW + 4 * 86_400.0
    hosts.sampled("web1", at=NOW + 4 * 86_400)
    assert len(copies_of(path)) == 1
    aside = path.with_name(path.name + ".broken-1")
    aside.write_bytes(b"x" * 7)
    series = hosts.writer.index.get(rrd.file_name(SeriesKey("web1", "sshd", "process")))
    hosts.writer.index.put_aside(str(aside.relative_to(hosts.root)), series, "it is damaged", float(NOW))
    states = [one.held_as for one in hosts.listed()]
    assert sorted(state.value for state in states) == ["aside", "copy", "series"]
    sizes = sum(one.size for one in hosts.listed())
    assert hosts.purge("web1", "nobody", "web1") == [PurgedDevice("web1", 3, sizes)]
    assert hosts.listed() == []
    assert list(path.parent.iterdir()) == []
    assert hosts.writer.index.copies.total_bytes() == 0
    assert hosts.purge("web1") == []


def test_what_waits_for_a_purged_file_does_not_make_it_anew(hosts: Hosts) -> None:
    path = hosts.sampled("web1")
    hosts.put(NOW - 500, cpu=1.0)
    hosts.writer.gather()
    hosts.purge("web1")
    hosts.writer.flush()
    hosts.restart()
    hosts.write()
    assert not path.exists()
    # A device of that name that comes later begins anew.
    hosts.sampled("web1", at=NOW - 300)
    assert path.exists()


def test_a_kill_in_the_middle_leaves_what_the_next_run_deletes(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [hosts.sampled("web1", f"set{number}") for number in range(9)]
    other = hosts.sampled("web2")
    steps = purge(hosts.writer, Purge(devices=["web1"]))
    monkeypatch.setattr(purging, "FILES_A_SLICE", 4)
    assert next(steps) == Progress(4, 9)
    steps.close()  # killed: four files are gone, and one more without its row
    next(path for path in paths if path.exists()).unlink()
    hosts.restart()
    (told,) = hosts.purge("web1")
    assert (told.files, [path for path in paths if path.exists()], other.exists()) == (4, [], True)
    assert [one.key.device for one in hosts.listed() if one.key] == ["web2"]


def test_an_index_that_names_another_place_deletes_nothing_there(hosts: Hosts) -> None:
    victim = hosts.sampled("web2")
    db = hosts.writer.index._db
    db.execute("UPDATE series SET device = 'web1' WHERE device = 'web2'")
    db.execute(
        "INSERT INTO aside (file, device, component, source, reason, at) VALUES ('index.db', 'web1', '', '', '', 0)"
    )
    assert hosts.purge("web1") == []
    assert victim.exists()
    assert (hosts.root / "index.db").exists()


def test_what_was_learned_of_a_series_goes_with_it(hosts: Hosts) -> None:
    layout = replace(LAYOUT, baselines=(Baseline(point="cpu"),))
    for device in ("web1", "web2"):
        hosts.sampled(device, layout=layout)
    learned = [one for one in hosts.listed() if one.held_as is HeldAs.LEARNED]
    assert {one.key.device for one in learned if one.key is not None} == {"web1", "web2"}
    (done,) = hosts.purge("web1")
    assert done.files == 2
    assert [one.key.device for one in hosts.listed() if one.key is not None] == ["web2", "web2"]
    assert len(list(hosts.root.glob("*/*/*.likely.*"))) == 1


def test_files_are_listed_once_each_in_pages_of_any_size(hosts: Hosts) -> None:
    for number in range(23):
        hosts.sampled(f"web{number}")
    strange = hosts.root / "0" / "0" / ("0" * 32 + ".rrd")
    strange.parent.mkdir(parents=True, exist_ok=True)
    strange.write_bytes(b"whose?")
    (strange.parent / "note.txt").write_bytes(b"not ours")
    for ending in (".new", ".newAbC123", ".gap-1800000000-1800003600.part"):
        (strange.parent / (strange.name + ending)).write_bytes(b"being made")
    whole = hosts.listed()
    assert len(whole) == 24
    assert [one.file for one in whole] == sorted({one.file for one in whole})
    assert [(one.file, one.size) for one in whole if one.held_as is HeldAs.UNKNOWN] == [(f"0/0/{'0' * 32}.rrd", 6)]
    for limit in (1, 5, 24):
        assert hosts.listed(limit=limit) == whole


def test_a_page_fits_into_a_message_whatever_names_there_are(hosts: Hosts) -> None:
    for number in range(150):
        hosts.sampled("🚀" * 200 + str(number), "漢" * 500)
    page = inventory(hosts.root, HoldingsQuery())
    assert page.more
    data = msgspec.msgpack.encode(page)
    assert len(data) < 256 * 1024
    assert msgspec.msgpack.decode(data, type=Result) == page
    assert len(hosts.listed()) == 150


def test_a_folder_without_an_index_has_files_that_nobody_knows(tmp_path: Path) -> None:
    assert inventory(tmp_path, HoldingsQuery()) == Holdings(files=[])
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / ("ab" * 16 + ".rrd")).write_bytes(b"1")
    (one,) = inventory(tmp_path, HoldingsQuery()).files
    assert (one.held_as, one.key, one.size) == (HeldAs.UNKNOWN, None, 1)
