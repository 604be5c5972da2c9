# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Files of a collector that were cut or changed under it: noticed, never believed, never the end of the daemon."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collectors.framework.configcache import FILE, ConfigCache
from collectors.framework.eventbytes import decode_event, encode_event
from collectors.framework.spooldb import Gap, Put, SpoolDb
from common.configs import DeviceConfig
from common.events import CLASS_PROCESS, Event, Severity
from tests.fakes.sessions import device_config
from tests.faults.case import FaultCase, devices_document
from tests.faults.edgeprocess import EdgeProcess
from tests.faults.figures import exactly, told
from tests.faults.length import LIMIT_S, pick

pytestmark = pytest.mark.timeout(LIMIT_S)

PAGE_BYTES = 4096
EVENTS = 60
STRIDE = pick(17, 1)
TURNS = pick((0xFF,), (0xFF, 0x01, 0x80))
"""What a byte is turned by."""
ATTACHED = "attached to the hub"


def event(number: int) -> Event:
    return Event(
        device="web1",
        event_class=CLASS_PROCESS,
        severity=Severity.ERROR,
        summary=f"event {number} " + "x" * 100,
        at=1.0,
        component=f"c{number}",
        event_key="process_missing",
    )


def gap_row(gap: Gap) -> tuple[int, float, bytes]:
    return 9, 1.0, b"gap of %d" % gap.count


def spool_in(folder: Path) -> SpoolDb:
    return SpoolDb(folder / "spool.db", 100_000, 1 << 26, gap_row)


Files = dict[str, bytes]


@pytest.fixture(scope="module")
def spools(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Files]:
    """The files of a spool whose daemon was killed, and of one that was closed."""
    folder = tmp_path_factory.mktemp("spool")
    spool = spool_in(folder)
    spool.open()
    for number in range(1, EVENTS + 1):
        spool.commit([Put([(5, 1.0, encode_event(event(number)))], "state", b"%d" % number)])
    names = ("spool.db", "spool.db-wal")
    killed = {name: (folder / name).read_bytes() for name in names}
    spool.close()
    return killed, {"spool.db": (folder / "spool.db").read_bytes()}


def look(folder: Path, files: Files) -> tuple[str, list[Event | None], bytes | None]:
    """Open a spool as a daemon does at its start: what it says, its events, its state.

    An event is None if it is told as unreadable.

    It takes new events afterwards, whatever it was.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    spool = spool_in(folder)
    said = spool.open()
    try:
        events: list[Event | None] = []
        for _, body in spool.read(0, 1000, 1 << 26):
            try:
                events.append(decode_event(body))
            except msgspec.MsgspecError:
                events.append(None)
        state = spool.state("state")
        spool.commit([Put([(5, 1.0, encode_event(event(999)))])])
        assert decode_event(spool.read(0, 1000, 1 << 26)[-1][1]) == event(999)
    finally:
        spool.close()
    return said, events, state


def places(data: bytes) -> Iterator[int]:
    """Every byte of the last page; in the short form, some of them."""
    return iter(range(len(data) - PAGE_BYTES - 24, len(data), STRIDE))


def turned(data: bytes, place: int, by: int) -> bytes:
    return data[:place] + bytes([data[place] ^ by]) + data[place + 1 :]


def judge(said: str, events: list[Event | None]) -> str:
    """What became of the spool; an event that is not what was stored is the one thing that must not be."""
    if said:
        assert "is kept as" in said
        return "set aside, and said"
    assert len(events) == EVENTS
    for number, found in enumerate(events, 1):
        assert found is None or found == event(number), f"event {number} was altered, and nobody noticed"
    return "an event is told as lost" if None in events else "as it was"


def test_a_byte_of_the_spools_last_page_is_changed(spools: tuple[Files, Files], tmp_path: Path) -> None:
    data = spools[1]["spool.db"]
    outcomes: Counter[str] = Counter()
    for place in places(data):
        for by in TURNS:
            said, events, _ = look(tmp_path / "spool", {"spool.db": turned(data, place, by)})
            outcomes[judge(said, events)] += 1
    assert outcomes["an event is told as lost"] > 0
    for outcome, count in outcomes.items():
        told(f"spool, a byte changed: {outcome}", count, "places")


def test_the_spool_is_cut_in_its_last_page(spools: tuple[Files, Files], tmp_path: Path) -> None:
    data = spools[1]["spool.db"]
    outcomes: Counter[str] = Counter()
    for place in places(data):
        said, events, _ = look(tmp_path / "spool", {"spool.db": data[:place]})
        outcomes[judge(said, events)] += 1
    assert outcomes["as it was"] == 0
    for outcome, count in outcomes.items():
        told(f"spool cut: {outcome}", count, "places")


@pytest.mark.parametrize("how", ["cut", "changed"])
def test_the_spools_log_is_damaged_in_its_last_page(spools: tuple[Files, Files], tmp_path: Path, how: str) -> None:
    """What the log held from there on has never been, as if the kill had come before: decisions are whole or none.

    The hub finds out if it had got those events: see `EventSpool.resume`.
    """
    killed, _ = spools
    data = killed["spool.db-wal"]
    kept: Counter[int] = Counter()
    for place in places(data):
        log = data[:place] if how == "cut" else turned(data, place, 0xFF)
        said, events, state = look(tmp_path / "spool", {**killed, "spool.db-wal": log})
        assert not said
        assert events == [event(number) for number in range(1, len(events) + 1)]
        assert state == b"%d" % len(events), "an event and the state that it was decided from are stored together"
        kept[EVENTS - len(events)] += 1
    exactly(f"spool's log {how}: most decisions lost", max(kept) <= 2, True)


def test_the_config_cache_is_cut_or_changed_at_every_byte(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    cache = ConfigCache(folder)
    first = {f"web{n}": device_config(f"web{n}", sets=3) for n in range(6)}
    cache.replace(list(first.values()), [])
    whole = len((folder / FILE).read_bytes())
    second = {f"web{n}": device_config(f"web{n}", sets=4) for n in range(3)}
    cache.replace(list(second.values()), ["web5"])
    data = (folder / FILE).read_bytes()
    after = {**first, **second}
    del after["web5"]

    def load(held: bytes) -> tuple[dict[str, DeviceConfig], list[str]]:
        (folder / FILE).write_bytes(held)
        found = ConfigCache(folder)
        return found.load(), found.problems

    for place in range(max(0, len(data) - PAGE_BYTES), len(data), STRIDE):
        found, problems = load(data[:place])
        assert found == (first if place >= whole else {})
        assert problems or place in {0, whole}
        for by in TURNS:
            found, problems = load(turned(data, place, by))
            assert problems, "a change is noticed"
            for device, config in found.items():
                assert config in (first[device], after.get(device)), "and never believed"
    told("config cache: places", min(len(data), PAGE_BYTES) / STRIDE, "places")


@pytest.mark.integration
class CacheTests(FaultCase):
    broker = "heartbeat_s = 1"

    async def test_a_daemon_whose_cache_was_damaged_comes_to_agree_with_its_hub(self) -> None:
        names = [f"web{number}" for number in range(30)]
        revision = await self.hub.apply(devices_document([(name, "edge") for name in names]))
        edge = EdgeProcess(self.folder, "edge", self.hub.certificates("edge"), self.hub.port)
        self.addCleanup(edge.kill)
        edge.start()
        await self.hub.live(revision)
        self.assertEqual(sorted(edge.digests()), sorted(names))
        chance = random.Random(11)
        for turn in range(pick(3, 30)):
            await self.damaged_and_back(edge, chance, cut=turn % 2 == 0)
            revision = await self.hub.apply(devices_document([(name, "edge") for name in names], interval_s=11 + turn))
            await self.hub.live(revision)
        wanted = edge.digests()
        exactly("devices that run as the hub wants them", len(wanted), len(names))
        for name in names[:3]:
            answer = await self.hub.ask("GET", f"configs/process/{name}")
            self.assertEqual(answer["digest"], wanted[name])
        self.assertEqual(edge.defects(), [])
        self.no_defects()

    async def damaged_and_back(self, edge: EdgeProcess, chance: random.Random, *, cut: bool) -> None:
        """Kill it, damage its cache, start it, and wait until its disk holds what it held."""
        wanted, logins = edge.digests(), edge.log().count(ATTACHED)
        edge.kill()
        path = edge.folder / "configs" / FILE
        data = path.read_bytes()
        place = chance.randrange(max(1, len(data) - PAGE_BYTES), len(data))
        path.write_bytes(data[:place] if cut else turned(data, place, 0xFF))
        edge.start()
        await self.until("it is attached", lambda: edge.log().count(ATTACHED) > logins)
        await self.until("its disk holds all again", lambda: edge.digests() == wanted)
