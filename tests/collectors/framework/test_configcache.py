"""The config cache: what was stored comes back, whatever happens to the file."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.framework import configcache
from collectors.framework.configcache import FILE, KEY_FILE, REWRITE_FROM_BYTES, ConfigCache
from collectors.framework.frames import Damage, Frame, frame, frames
from common.configs import DeviceConfig, SnmpConfig
from common.errors import SettingsError, TransientError
from common.sealing import ensure_sealer
from common.wire import Position
from tests.contracts.config_store import ConfigStoreContract
from tests.fakes.configs import FakeConfigStore
from tests.fakes.sessions import device_config
from tests.fakes.tasks import config


class TestFakeConfigStore(ConfigStoreContract):
    def make_store(self) -> Any:
        return FakeConfigStore()

    def again(self, store: Any) -> Any:
        return store

    def fill_disk(self, store: Any, *, full: bool) -> None:
        store.full = full


class TestConfigCache(ConfigStoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> Iterator[None]:
        self.folder = tmp_path / "configs"
        self.limits: tuple[int, int] | None = None
        yield
        self.fill_disk(None, full=False)

    def make_store(self) -> Any:
        return ConfigCache(self.folder)

    def again(self, store: Any) -> Any:
        return ConfigCache(self.folder)

    def fill_disk(self, store: Any, *, full: bool) -> None:
        """A file that may not grow by more than a few bytes fails as one on a full disk, in the middle of a write."""
        import resource
        import signal

        if full:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            self.limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            size = (self.folder / FILE).stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, self.limits[1]))
        elif self.limits:
            resource.setrlimit(resource.RLIMIT_FSIZE, self.limits)
            self.limits = None

    def test_the_file_is_its_owners_alone(self) -> None:
        store = self.make_store()
        store.replace([config("a")], [])
        assert stat.S_IMODE((self.folder / FILE).stat().st_mode) == 0o600
        assert stat.S_IMODE(self.folder.stat().st_mode) == 0o700

    def test_what_is_out_of_date_does_not_fill_the_disk(self) -> None:
        store = self.make_store()
        for number in range(400):
            store.replace([device_config(f"d{number % 3}", sets=10)], [f"d{(number + 1) % 3}"])
        assert (self.folder / FILE).stat().st_size < 2 * REWRITE_FROM_BYTES
        assert self.again(store).load() == {device: device_config(device, sets=10) for device in ("d0", "d2")}
        assert sorted(path.name for path in self.folder.iterdir()) == [FILE, KEY_FILE]

    def test_a_config_is_on_disk_only_as_ciphertext_and_needs_its_key(self) -> None:
        secret = msgspec.structs.replace(config("a"), snmp=SnmpConfig(community="geheim"))
        self.make_store().replace([secret, config("b")], [])
        assert b"geheim" not in (self.folder / FILE).read_bytes()
        assert self.again(None).load()["a"].snmp.community == "geheim"
        (self.folder / KEY_FILE).unlink()
        again = self.again(None)
        assert again.load() == {}
        assert "the config of a: a secret was sealed with the key" in again.problems[0]
        again.replace([config("c")], [])
        assert list(self.again(None).load()) == ["c"]

    def test_nothing_to_store_writes_nothing(self) -> None:
        self.make_store().replace([], [])
        assert not self.folder.exists()

    def test_a_config_of_another_version_is_left_out_and_said(self) -> None:
        store = self.make_store()
        store.replace([config("a"), config("b")], [])
        odd = msgspec.msgpack.encode({"device": "c", "interval_s": "soon"})
        entry = configcache.Held("c", ensure_sealer(self.folder / KEY_FILE).seal(odd, b"c"))
        data = b"".join(frame(msgspec.msgpack.encode(one)) for one in (entry, configcache.Done(1)))
        with (self.folder / FILE).open("ab") as file:
            file.write(data)
        again = ConfigCache(self.folder)
        assert sorted(again.load()) == ["a", "b"]
        assert any("config of c" in problem for problem in again.problems)
        again.replace([config("d")], [])
        assert sorted(ConfigCache(self.folder).load()) == ["a", "b", "d"]

    def test_a_file_from_before_positions_were_kept_still_loads(self) -> None:
        store = self.make_store()
        store.replace([config("a")], [], Position("e", 3))
        plain = frame(msgspec.msgpack.encode({"type": "done", "count": 0}))
        with (self.folder / FILE).open("ab") as file:
            file.write(plain)
        again = ConfigCache(self.folder)
        assert again.load() == {"a": config("a")}
        assert again.position == Position()

    def test_a_file_that_is_written_anew_keeps_the_position(self) -> None:
        store = self.make_store()
        number = before = 0
        while store._size >= before:
            number, before = number + 1, store._size
            store.replace([device_config("d", sets=100)], [], Position("e", number))
        again = ConfigCache(self.folder)
        again.load()
        assert again.position == Position("e", number)

    def test_a_file_that_is_written_anew_has_what_was_read_from_the_old_one(self) -> None:
        """Also when that was read by another process, after a rewrite, and when one of it was damaged since."""
        self.make_store().replace([config(name) for name in "abc"], [])
        store = self.again(None)
        store.load()
        for _ in range(2):
            before = 0
            while store._size >= before:
                before = store._size
                store.replace([device_config("d", sets=100)], ["c"])
            assert {one: found for one, found in self.again(None).load().items() if one != "d"} == {
                "a": config("a"),
                "b": config("b"),
            }
        data = bytearray((self.folder / FILE).read_bytes())
        data[100] ^= 1  # within the first frame, of a
        (self.folder / FILE).write_bytes(data)
        (self.folder / FILE).chmod(0o600)
        before = 0
        while store._size >= before:
            before = store._size
            store.replace([device_config("d", sets=100)], [])
        assert sorted(self.again(None).load()) == ["b", "d"]

    def test_a_file_that_was_removed_is_begun_anew(self) -> None:
        store = self.make_store()
        store.replace([config("a")], [])
        (self.folder / FILE).unlink()
        store.replace([config("b")], [])
        store.replace([config("c")], [])
        assert sorted(self.again(None).load()) == ["b", "c"]

    def test_a_file_that_is_not_ours_is_a_sentence(self) -> None:
        (self.folder / FILE).mkdir(parents=True)
        with pytest.raises(SettingsError, match="cannot be read"):
            self.make_store().load()
        with pytest.raises(TransientError, match="configs cannot be stored"):
            self.make_store().replace([config("a")], [])


FIRST = [config("a"), config("b"), config("c")]
SECOND = [config("b", 10), config("d")]
BEFORE = {one.device: one for one in FIRST}
AFTER = {**BEFORE, "b": config("b", 10), "d": config("d")}
del AFTER["c"]


KEY = "tocsin-key 01020304 " + "A" * 43 + "=\n"


def give_key(folder: Path) -> None:
    """Put the key of these tests into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / KEY_FILE).write_text(KEY)
    (folder / KEY_FILE).chmod(0o600)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int]:
    """A file with two changes, and where the second begins."""
    folder = tmp_path_factory.mktemp("configs")
    give_key(folder)
    store = ConfigCache(folder)
    store.replace(FIRST, [], Position("e", 1))
    size = (folder / FILE).stat().st_size
    store.replace(SECOND, ["c"], Position("e", 2))
    return (folder / FILE).read_bytes(), size


def load(folder: Path, data: bytes) -> tuple[dict[str, DeviceConfig], ConfigCache]:
    give_key(folder)
    (folder / FILE).write_bytes(data)
    store = ConfigCache(folder)
    return store.load(), store


def test_torn_at_every_byte_it_holds_one_change_or_the_other(journal: tuple[bytes, int], tmp_path: Path) -> None:
    data, second = journal
    for end in range(len(data) + 1):
        found, store = load(tmp_path / "torn", data[:end])
        expected = AFTER if end == len(data) else BEFORE if end >= second else {}
        assert found == expected, end
        assert store.position.revision == (2 if expected is AFTER else 1 if expected is BEFORE else 0), end
        if end % 97 == 0:  # and the next change is whole on what was torn
            store.replace([config("z")], [])
            assert ConfigCache(tmp_path / "torn").load() == {**expected, "z": config("z")}


def test_damaged_at_every_byte_it_loses_no_more_than_what_was_hit(journal: tuple[bytes, int], tmp_path: Path) -> None:
    data, _ = journal
    for place in range(len(data)):
        hit = data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :]
        found, store = load(tmp_path / "hit", hit)
        assert store.problems, place
        # Each device has the config of one of the changes; and no more than one device is not as it should be, unless
        # it is the end of the last change that was hit.
        assert all(one in (BEFORE.get(device), AFTER.get(device)) for device, one in found.items()), place
        wrong = [device for device in "abcd" if found.get(device) != AFTER.get(device)]
        assert len(wrong) <= 1 or found == BEFORE, (place, wrong)


@given(st.lists(st.binary(max_size=50), max_size=6), st.binary(max_size=30))
def test_frames_come_back_and_what_lies_between_is_said(bodies: list[bytes], junk: bytes) -> None:
    data = junk.join(frame(body) for body in bodies)
    found = list(frames(data))
    assert [part.body for part in found if isinstance(part, Frame)] == bodies
    gaps = len(bodies) - 1 if junk and len(bodies) > 1 else 0
    assert sum(isinstance(part, Damage) for part in found) == gaps


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    found = list(frames(data))
    assert sum(part.end - part.start for part in found if isinstance(part, Damage)) == len(data)
