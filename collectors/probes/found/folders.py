"""The files of the probes' folders: which are probes, and why others are not."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from collectors.probes.found.packages import packaged
from collectors.probes.found.safety import unsafe
from collectors.probes.found.saying import HEAD_BYTES, Said, said_in
from common.entrypoints import Found
from common.errors import SettingsError
from common.settings import read_settings

MAX_FILES = 500
"""Of a folder."""
MAX_SAYING_BYTES = 65_536
PYCHILD = str(Path(__file__).resolve().parents[1] / "launch" / "pychild.py")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ENDINGS = frozenset({".py", ".sh", ".bash", ".pl", ".rb", ".lua", ".php", ".js", ".awk", ".tcl", ".R"})
_PAPERS = frozenset({".md", ".txt", ".rst", ".yaml", ".yml"})
_BACKUP = re.compile(r".*(~|\.(bak|orig|rej|old|swp|swo|tmp|new|save|rpm(new|save|orig)|dpkg-[a-z]+|pyc))|#.*#")


_Listed = list[tuple[str, tuple[int, ...]]]


class Probe(Struct, frozen=True):
    """A probe of this host.

    Attributes:
        program: the beginning of its arguments: the program that is run, as a path.
        said: what it says of itself.
        path: its file; empty when it is of a package.
        real: the file that was looked at and is run, whatever becomes of links that lead to it; empty for `program`.
    """

    name: str
    program: tuple[str, ...]
    said: Said = Said()
    path: str = ""
    real: str = ""


class Refused(Struct, frozen=True):
    """A file that is not run.

    Attributes:
        why: a sentence.
        told: whether an event tells of it; copies of editors and hidden files are only listed.
    """

    path: str
    why: str
    told: bool = True


class Looked(Struct, frozen=True):
    """What was found in all folders."""

    probes: Mapping[str, Probe] = {}
    refused: tuple[Refused, ...] = ()


class Folders:
    """Looks through the folders, and again when something in them has changed.

    Args:
        folders: the first one that has a probe of a name has it.
        packages: gives those that were installed, as `packages.packaged`.
    """

    def __init__(self, folders: Sequence[Path], packages: Callable[[], Iterable[Found]] = packaged) -> None:
        self._folders = list(dict.fromkeys(folders))
        brought = list(packages())
        self._packages = {
            one.name: Probe(one.name, (sys.executable, "-I", PYCHILD, one.origin)) for one in brought if not one.why
        }
        self._refused = [
            Refused(one.name, f"the probe of the package {one.package} is not run: {one.why}")
            for one in brought
            if one.why
        ]
        self._seen: object = None
        self._lists: dict[str, tuple[_Listed, str]] = {}
        self._homes: dict[str, str] = {}  # of a probe's file, the folder as the settings have it
        self.found = Looked(self._packages, tuple(self._refused))

    def look(self) -> bool:
        """Look again; whether something is otherwise than before. It reads the disk."""
        for folder in self._folders:
            try:
                self._lists[str(folder)] = _listed(folder), ""
            except OSError as error:  # what was there goes on: that it cannot be seen is no sign that it is gone
                why = f"{folder} cannot be read, and its probes go on as they are: {error.strerror or error}"
                self._lists[str(folder)] = self._lists.get(str(folder), ([], ""))[0], why
        seen = [(folder, listed, why) for folder, (listed, why) in self._lists.items()]
        if seen == self._seen:
            return False
        before, self._seen = self.found, seen
        self.found = self._look(seen)
        return self.found != before

    def _look(self, seen: Iterable[tuple[str, _Listed, str]]) -> Looked:
        probes: dict[str, Probe] = {}
        refused = list(self._refused)
        for folder, listed, unseen in seen:
            if unseen:
                refused.append(Refused(folder, unseen))
                kept = {name: one for name, one in self.found.probes.items() if self._homes.get(one.path) == folder}
                probes |= kept
                continue
            if not listed:
                continue
            real = Path(os.path.realpath(folder))
            why = unsafe(real, f"the folder {real}")
            if why:
                refused.append(Refused(str(real), f"no probe of {real} is run: {why}"))
                continue
            if len(listed) >= MAX_FILES:
                refused.append(Refused(str(real), f"{real} has more than {MAX_FILES} files; the others are left out"))
            self._look_in(folder, real, [name for name, _ in listed], probes, refused)
        for name, probe in self._packages.items():
            probes.setdefault(name, probe)
        return Looked(probes, tuple(refused))

    def _look_in(
        self, home: str, folder: Path, names: Sequence[str], probes: dict[str, Probe], refused: list[Refused]
    ) -> None:
        for name in names:
            path = folder / name
            if name.startswith(".") or _BACKUP.fullmatch(name):
                kind = "a hidden file" if name.startswith(".") else "a copy that was put aside"
                refused.append(Refused(str(path), f"{path} is not run: it is {kind}", told=False))
                continue
            if path.suffix in _PAPERS or path.is_dir():
                continue
            if path.suffix == ".toml":
                if not any(other != name and _stem(other) == path.stem for other in names):
                    refused.append(Refused(str(path), f"{path} is about a probe {path.stem} that is not there"))
                continue
            try:
                probe = _probe(path)
            except SettingsError as error:
                refused.append(Refused(str(path), "; ".join([error.message, *error.details[:3]])))
                continue
            other = probes.get(probe.name)
            if other is not None:
                refused.append(Refused(str(path), f"{path} is not run: the probe {probe.name} is {other.path} already"))
                continue
            probes[probe.name] = probe
            self._homes[probe.path] = home


def _stem(name: str) -> str:
    path = Path(name)
    return path.stem if path.suffix in _ENDINGS else name


def _listed(folder: Path) -> _Listed:
    """The files of a folder, by name, each with what changes when it does; none where there is no folder.

    Raises:
        OSError: it cannot be read.
    """
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat()
                except OSError:
                    continue  # it is gone, or leads nowhere
                marks = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_mode)
                found.append((entry.name, (*marks, status.st_uid, status.st_gid)))
                if len(found) >= MAX_FILES:
                    break
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found)


def _probe(path: Path) -> Probe:
    """The probe that a file is.

    Raises:
        SettingsError: it is none that is run; the sentence says why.
    """
    name = _stem(path.name)
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{path} is not run: a probe's name is made of letters, digits, _ and -, at most 64")
    real = Path(os.path.realpath(path))
    try:
        mode = real.stat().st_mode
    except OSError as error:
        raise SettingsError(f"{path} is not run: {error.strerror or error}") from None
    if not stat.S_ISREG(mode):
        raise SettingsError(f"{path} is not run: it is no file")
    why = unsafe(real)
    if why:
        raise SettingsError(f"{path} is not run: {why}")
    try:
        with real.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise SettingsError(f"{path} is not run: it cannot be read: {error.strerror or error}") from None
    executable = bool(mode & stat.S_IXUSR)
    function = path.suffix == ".py" and not (executable and head.startswith(b"#!"))
    if not executable and not function:
        raise SettingsError(f"{path} is not run: it is not executable; chmod +x makes it so")
    program = (sys.executable, "-I", PYCHILD, str(real)) if function else (str(path),)
    return Probe(name, program, _said(path, head.decode("utf-8", "replace")), str(path), "" if function else str(real))


def _said(path: Path, head: str) -> Said:
    beside = path.with_name(f"{_stem(path.name)}.toml")
    if not beside.exists():
        return said_in(head, f"{path} is not run: its head")
    why = unsafe(Path(os.path.realpath(beside)))
    if why:
        raise SettingsError(f"{path} is not run: {beside}: {why}")
    try:
        if beside.stat().st_size > MAX_SAYING_BYTES:
            raise SettingsError(f"{path} is not run: {beside} has more than {MAX_SAYING_BYTES} bytes")
        text = beside.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not run: {beside} cannot be read: {error}") from None
    return read_settings(text, Said, f"{path} is not run: {beside}")
