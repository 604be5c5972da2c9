"""The last good configs, in an append-only file, so that a daemon collects without its hub.

A change of several devices is their frames and then one that completes it, written and synced together: what has no
completion, because we were killed or the disk was full, does not count. The completing frame tells also which epoch of
the hub's store and which revision of its model they come from. When most of the file is out of date it is
written anew beside, and put in its place. Configs hold credentials, so each is sealed, and only its owner may read the
file.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.frames import Damage, Frame, frame, frames
from collectors.framework.interfaces import IConfigStore
from common.configs import DeviceConfig, shared
from common.durable import sync
from common.errors import SettingsError, TransientError
from common.sealing import Sealer, UnsealableError, ensure_sealer
from common.wire import Position

_log = Logger()

FILE = "configs.journal"
KEY_FILE = "configs.key"
REWRITE_FROM_BYTES = 256 * 1024

Place = tuple[int, int]
"""Where a frame begins and ends in the file; its bytes are not kept."""


class Held(Struct, frozen=True, tag="sealed"):
    """A device's config, sealed for it; one that cannot be read costs no other."""

    device: str
    config: bytes


class Gone(Struct, frozen=True, tag="drop"):
    """A device that has left."""

    device: str


class Done(Struct, frozen=True, tag="done", omit_defaults=True):
    """Completes the `count` frames before it, which come from a revision of the hub's store of that epoch."""

    count: int
    epoch: str = ""
    revision: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Held | Gone | Done)
_config_decoder = msgspec.msgpack.Decoder(DeviceConfig)


@implementer(IConfigStore)
class ConfigCache:
    """One file in a folder of its own.

    Args:
        folder: of the file.
        key_file: of the keys that seal configs; by default one in the folder, made when it is first needed.

    Attributes:
        position: epoch and revision of what was stored last.
        problems: sentences about what could not be read at the last `load`.
    """

    def __init__(self, folder: Path, key_file: Path | None = None) -> None:
        self._folder = folder
        self._key_file = key_file or folder / KEY_FILE
        self._sealer: Sealer | None = None
        self._path = folder / FILE
        self._live: dict[str, Place] = {}  # device -> its frame
        self._size = 0
        self._cut = False  # there is something behind `_size` that does not count
        self.position = Position()
        self.problems: list[str] = []

    def load(self) -> dict[str, DeviceConfig]:
        """Read what can be read (see `IConfigStore`).

        Raises:
            SettingsError: the file is there, but not ours to read.
        """
        configs = self._read()
        for problem in self.problems:
            _log.error("{problem}", problem=problem)
        return configs

    def replace(
        self, changed: Sequence[DeviceConfig], removed: Sequence[str], position: Position | None = None
    ) -> None:
        """Store and drop, all or nothing, durable on return (see `IConfigStore`)."""
        now = self.position if position is None else Position(position.epoch, position.revision)
        try:
            new = {config.device: self._held_frame(config) for config in changed}
        except SettingsError as error:
            raise TransientError(error.message) from None
        parts = [*new.values(), *(frame(_encoder.encode(Gone(device))) for device in removed)]
        if not parts and now == self.position:
            return
        data = b"".join([*parts, _completion(len(parts), now)])
        begin, gone = self._size, set(removed)
        live = {**self._live, **_places(new, begin)}
        live = {device: place for device, place in live.items() if device not in gone}
        try:
            if self._wants_rewrite(live, len(data)):
                live = self._rewrite(live, new, now)
            else:
                self._append(data)
        except OSError as error:
            raise TransientError(
                f"configs cannot be stored in {self._path}: {error.strerror or error}; free some space there"
            ) from None
        self._live, self.position = live, now

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, DeviceConfig]:
        self.problems = []
        self._live = {}
        self.position = Position()
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise SettingsError(f"{self._path} cannot be read: {error.strerror or error}") from None
        complete = self._replay(data)
        self._size = complete
        if complete < len(data):
            self.problems.append(
                f"{self._path}: the last change, from byte {complete} on, is not complete and does not count"
            )
            self._cut = True
        configs = {}
        for device, (begin, end) in tuple(self._live.items()):
            config = self._config(device, data[begin:end])
            if config is None:
                del self._live[device]
            else:
                configs[device] = config
        return configs

    def _replay(self, data: bytes) -> int:
        """Apply what the file holds; returns where the last complete change ends."""
        pending: list[Held | Gone] = []
        places: list[Place] = []
        complete = previous = 0
        for part in frames(data):
            if isinstance(part, Damage):
                if part.end < len(data):
                    self.problems.append(f"{self._path}: bytes {part.start} to {part.end} are damaged and left out")
                previous = part.end
                continue
            try:
                entry = _decoder.decode(part.body)
            except msgspec.MsgspecError as error:
                self.problems.append(f"{self._path}: what ends at byte {part.end} cannot be read: {error}")
                entry = None
            if isinstance(entry, Done):
                # Damaged frames are missing here. More than this change has were completed by one that is damaged:
                # nothing is ever written behind a change that is not complete.
                for one, place in zip(pending, places, strict=True):
                    self._apply(one, place)
                pending, places, complete = [], [], part.end
                self.position = Position(entry.epoch, max(0, entry.revision))
            elif entry is not None:
                pending.append(entry)
                places.append((previous, part.end))
            previous = part.end
        return complete

    def _apply(self, entry: Held | Gone, place: Place) -> None:
        if isinstance(entry, Gone):
            self._live.pop(entry.device, None)
        else:
            self._live[entry.device] = place

    def _config(self, device: str, held: bytes) -> DeviceConfig | None:
        (part,) = frames(held)
        assert not isinstance(part, Damage)
        entry = _decoder.decode(part.body)
        assert isinstance(entry, Held)
        try:
            return shared(_config_decoder.decode(self._keys().open(entry.config, device.encode())))
        except UnsealableError as error:
            self.problems.append(f"{self._path}: the config of {device}: {error.message}")
            return None
        except (msgspec.MsgspecError, ValueError) as error:
            self.problems.append(f"{self._path}: the config of {device} is not one that this version knows: {error}")
            return None

    # --- writing ------------------------------------------------------------------------------------------------------

    def _held_frame(self, config: DeviceConfig) -> bytes:
        sealed = self._keys().seal(_encoder.encode(config), config.device.encode())
        return frame(_encoder.encode(Held(config.device, sealed)))

    def _keys(self) -> Sealer:
        if self._sealer is None:
            with contextlib.suppress(OSError):  # the key file says what is wrong with its folder
                self._make_folder()
            self._sealer = ensure_sealer(self._key_file)
        return self._sealer

    def _wants_rewrite(self, live: dict[str, Place], more: int) -> bool:
        if self._size and not self._path.exists():  # removed from outside
            return True
        return self._size + more > max(REWRITE_FROM_BYTES, 2 * sum(end - begin for begin, end in live.values()))

    def _append(self, data: bytes) -> None:
        self._make_folder()
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if self._cut:  # what is not complete must not be completed by the next change
                os.ftruncate(descriptor, self._size)
                self._cut = False
            try:
                _write_all(descriptor, data)
                os.fsync(descriptor)
            except OSError:
                self._cut = True
                raise
        finally:
            os.close(descriptor)
        if is_new:
            sync(self._folder)
        self._size += len(data)

    def _rewrite(self, live: dict[str, Place], new: dict[str, bytes], position: Position) -> dict[str, Place]:
        """Write a file with what is live and nothing else, and put it in place of the old one; says what lies where."""
        self._make_folder()
        partial = self._path.with_name(f".{FILE}.new")
        held = self._held(live.keys() - new.keys()) | {device: new[device] for device in live.keys() & new.keys()}
        data = b"".join([*held.values(), _completion(len(held), position)])
        try:
            partial.unlink(missing_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                _write_all(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            partial.replace(self._path)
            self._cut = False
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
        sync(self._folder)
        self._size = len(data)
        return _places(held, 0)

    def _held(self, devices: Collection[str]) -> dict[str, bytes]:
        """The frames of some devices, from the file.

        One that was damaged since is left out: the device is collected all the same, and after the next start the hub
        sends it again.
        """
        data = self._path.read_bytes() if devices and self._path.exists() else b""
        held = {}
        for device in sorted(devices):
            begin, end = self._live[device]
            if isinstance(next(frames(data[begin:end]), None), Frame):
                held[device] = data[begin:end]
            else:
                _log.error("{path}: the config of {device} was damaged there", path=self._path, device=device)
        return held

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _places(held: dict[str, bytes], begin: int) -> dict[str, Place]:
    """Where frames lie that are written one after the other from a byte on."""
    ends = list(itertools.accumulate(map(len, held.values()), initial=begin))
    return dict(zip(held, itertools.pairwise(ends), strict=True))


def _completion(count: int, position: Position) -> bytes:
    return frame(_encoder.encode(Done(count, position.epoch, position.revision)))


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
