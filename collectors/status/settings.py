"""The settings that only the status collector has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from collectors.framework.daemonsettings import CollectorSettings
from collectors.status.odinfile import read_wishes
from collectors.status.wishes import FURTHER, Names, Wishes, checked_rate, mistakes, parts_of
from common.sources import Follow, Match

PORT = 8792


class StatusSettings(Struct, frozen=True, kw_only=True):
    """What of this host is watched live, whatever the model says, and where its tree is served.

    Attributes:
        disks: folders, for example `"/home, /"` or `["/home", "/"]`; `"*"` for all filesystems. The one that a folder
            is on is watched.
        interfaces: for example `"eth0, lo"`; `"*"` for all.
        processes: for example `"worker.sh, nginx"`: what stands in the name of a process or in one of its arguments.
        rate: how often a second all of it is read.
        match: whether a name of a process is a part of what it is looked for in, all of it, or an RE2 pattern.
        follow: who is shown for a process that was found: itself, its first child (as wrapper scripts need it), or it
            and all that descends from it.
        more: what else of the host is in the tree; empty for nothing.
        file: of an odin-control server, whose section [adapter.status] says disks, interfaces, processes and rate in
            the place of the four here.
        http: whether the tree is served, at http://127.0.0.1:PORT/api/0.1/status/.
        http_port: where, on the loopback only; 0 lets the kernel choose, and `stats` tells the real one.
    """

    disks: Names = ""
    interfaces: Names = ""
    processes: Names = ""
    rate: float = 1.0
    match: Match = Match.SUBSTRING
    follow: Follow = Follow.FIRST_CHILD
    more: Names = ", ".join(name for name in FURTHER if name != "cpus")
    file: str = ""
    http: bool = True
    http_port: Annotated[int, Meta(ge=0, le=65535)] = PORT

    def __post_init__(self) -> None:
        """Refuse what cannot be watched.

        Raises:
            ValueError: the sentences say why.
        """
        checked_rate(self.rate)
        if self.file and (self.disks or self.interfaces or self.processes or self.rate != 1.0):
            raise ValueError("file says disks, interfaces, processes and rate; say them either there or here")
        if wrong := mistakes(self._own()):
            raise ValueError("; ".join(wrong[:10]))

    def wishes(self) -> Wishes:
        """What is to be watched.

        Raises:
            SettingsError: the file that says it cannot be read, or has mistakes.
        """
        own = self._own()
        if not self.file:
            return own
        return read_wishes(Path(self.file).expanduser(), own.more, self.match, self.follow)

    def _own(self) -> Wishes:
        return Wishes(
            disks=parts_of(self.disks),
            interfaces=parts_of(self.interfaces),
            processes=parts_of(self.processes),
            more=parts_of(self.more),
            match=self.match,
            follow=self.follow,
            rate=self.rate,
        )


class StatusCollectorSettings(CollectorSettings, frozen=True, kw_only=True):
    """All settings of the status collector."""

    folder: Path = Path("var/status")
    status: StatusSettings = StatusSettings()
