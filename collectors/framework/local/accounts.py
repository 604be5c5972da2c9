"""Names of this host's accounts, without asking anybody who might not answer."""

from __future__ import annotations

from pathlib import Path

MOST_BYTES = 1024 * 1024


class Accounts:
    """Tells the name behind a user's number.

    Only the file of accounts is read: the resolver of the C library may ask a directory over the network, and the
    reactor would wait for it. The file is read again when it has changed.
    """

    def __init__(self, path: Path = Path("/etc/passwd")) -> None:
        self._path = path
        self._names: dict[int, str] = {}
        self._mark: tuple[int, int, int] | None = None

    def refresh(self) -> None:
        """Read the file again if it is another than before."""
        try:
            found = self._path.stat()
        except OSError:
            return
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        if mark == self._mark:
            return
        try:
            with self._path.open("rb") as file:
                text = file.read(MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            return
        self._mark = mark
        self._names = {}
        for line in text.splitlines():
            fields = line.split(":")
            if len(fields) > 2 and fields[0] and fields[2].isascii() and fields[2].isdigit():
                self._names.setdefault(int(fields[2]), fields[0])

    def name(self, number: int) -> str:
        """The name of an account; its number as text when it has none."""
        return self._names.get(number) or str(number)
