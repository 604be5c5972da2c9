"""The pieces of evidence on disk: a folder for each device, named by its hash, with a file for each piece.

A file comes whole or not at all, and is never written again. What is too old, or too much, goes, the oldest first: of a
device when it has a new piece, of all at the first piece of a process, and then once a day, or when much was written.
Several processes may use one folder, each for its own devices: they remove what is the oldest of all, and whatever
another has removed before is gone as well.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from twisted.logger import Logger

from collectors.process.evidence.gather import PIECE_BYTES, taken_at, unpacked
from common.durable import read_whole, regular_files, write_whole
from common.errors import NotFoundError, PermanentError, SettingsError
from common.evidence import Evidence
from common.hashing import name_of

FOLDER = "evidence"
KEEP_S = 30 * 86_400
PIECES = 32
"""Of a device."""
TOTAL_BYTES = 128 << 20
DAY_S = 86_400
_NAME = re.compile(r"([0-9a-f]{20})\.zst\Z")

_log = Logger()


class EvidenceFiles:
    """Keeps what it is given, as long as it may.

    Attributes:
        written, refused: pieces since the start.
    """

    def __init__(self, root: Path, wall: Callable[[], float], total_bytes: int = TOTAL_BYTES) -> None:
        self._root = root / FOLDER
        self._wall = wall
        self._total_bytes = total_bytes
        self._swept: float | None = None
        self._since_swept = 0
        self._failing = False
        self.written = 0
        self.refused = 0

    def write(self, device: str, id_: str, data: bytes, *, durable: bool) -> None:
        """Keep a piece; what the disk does not take is counted, and told to the log once.

        Args:
            device: its id.
            id_: of the piece.
            data: the piece.
            durable: it must outlive a sudden end of this very host.
        """
        folder = self._folder(device)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(folder / f"{id_}.zst", data, 0o600, durable=durable)
            self.written += 1
            self._since_swept += len(data)
            self._bound(folder)
            self._failing = False
        except (OSError, SettingsError) as error:
            self.refused += 1
            if not self._failing:
                _log.error("evidence of {device} is not kept: {error}", device=device, error=str(error))
            self._failing = True

    def figures(self) -> dict[str, int]:
        """For `stats`."""
        return {"written": self.written, "refused": self.refused}

    def read(self, device: str, id_: str) -> Evidence:
        """A piece that is kept; also of a device that is not collected here any more.

        Raises:
            NotFoundError: it is not kept, or not any more.
            PermanentError: it cannot be read.
        """
        try:
            data = read_whole(self._folder(device) / f"{id_}.zst", PIECE_BYTES * 2)
        except FileNotFoundError:
            raise NotFoundError(
                f"evidence {id_} of {device} is not kept: what is older than {KEEP_S // DAY_S} days goes, and what has "
                f"{PIECES} newer pieces of its device"
            ) from None
        except OSError as error:
            raise PermanentError(f"evidence {id_} of {device} cannot be read: {error.strerror or error}") from None
        try:
            found = unpacked(data)
        except PermanentError as error:
            raise PermanentError(f"evidence {id_} of {device} cannot be read: {error.message}") from None
        if (found.device, found.id) != (device, id_):
            raise PermanentError(f"evidence {id_} of {device} cannot be read: its file is of another one")
        return found

    def _folder(self, device: str) -> Path:
        return self._root / name_of(device)

    def _bound(self, folder: Path) -> None:
        now = self._wall()
        pieces = _pieces(folder)
        old = [piece for piece in pieces[:-1] if taken_at(piece.name) < now - KEEP_S]
        _remove([*old, *pieces[:-PIECES]])
        overdue = self._swept is None or abs(now - self._swept) > DAY_S
        if overdue or self._since_swept > self._total_bytes // 16:
            self._swept, self._since_swept = now, 0
            self._sweep(now)

    def _sweep(self, now: float) -> None:
        """Remove what is too old or too much of all devices."""
        kept: list[tuple[str, Path, int]] = []
        for folder in [one for one in self._root.iterdir() if one.is_dir() and not one.is_symlink()]:
            for piece in _pieces(folder):
                if taken_at(piece.name) < now - KEEP_S:
                    _remove([piece])
                    continue
                with contextlib.suppress(FileNotFoundError):
                    kept.append((piece.name, piece, piece.stat().st_size))
            with contextlib.suppress(OSError):  # there is something in it
                folder.rmdir()
        over = sum(size for _, _, size in kept) - self._total_bytes
        for _, piece, size in sorted(kept):
            if over <= 0:
                break
            _remove([piece])
            over -= size


def _pieces(folder: Path) -> list[Path]:
    """The files of a folder, the oldest first; one that was left half written goes."""
    found: list[Path] = []
    for path in (folder / name for name in regular_files(folder)):
        if _NAME.match(path.name):
            found.append(path)
        elif path.name.endswith(".new"):
            _remove([path])
    return sorted(found)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
