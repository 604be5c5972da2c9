"""`tocsin-hub restore FILE`: a backup in the place of the database, which is set aside."""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from common.daemon import EXIT_OK, Verb
from common.daemon_pidfile import AlreadyRunningError, PidFile
from common.errors import PermanentError, SettingsError
from common.sealing import read_sealer
from hub.backup import database_file, hub_pid_file, told
from hub.model.migrate import refuse_newer
from hub.model.restoring import decide, finish
from hub.model.sqlitecopy import Contents, copy_database
from hub.model.sqlitefile import has_log
from hub.newepoch import leave_word
from hub.settings import HubSettings


def restore(settings: HubSettings, options: argparse.Namespace) -> int:
    """Put a backup in the place of the database.

    Raises:
        SettingsError: the database is on a server, there is no such file, or its key is not there.
        PermanentError: the hub runs, or the file is damaged, or no database of Tocsin.
    """
    source = Path(options.file).absolute()
    contents, aside = restore_file(settings, source, datetime.now(UTC))
    database = database_file(settings)
    lines = [f"{database} is now what {source} holds: {told(contents)}."]
    if aside is not None:
        lines.append(f"What was there lies in {aside}; to go back to it: `tocsin-hub restore {aside}`.")
    if not settings.pki.is_dir():
        lines.append(
            f"The certificate authority {settings.pki.absolute()} is not there. Put it back before the hub starts: "
            "it would make another one, which knows no collector."
        )
    lines.append(
        "Next: `tocsin-hub start`. The store gets a new epoch then, the event hub_restored says so, and all collectors "
        "get their configs anew. What was changed since the backup has to be done again."
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return EXIT_OK


def restore_file(
    settings: HubSettings, source: Path, now: datetime, after: Callable[[str], None] = lambda _step: None
) -> tuple[Contents, Path | None]:
    """Put a backup in the place of the database, while no hub can start; killed at any moment it can be done again.

    Args:
        settings: of the hub.
        source: the backup; with its log if it has one.
        now: gives the database of before its name.
        after: is told of each step that is done.

    Returns:
        What is there now; and where the database of before lies, if there was one.

    Raises:
        SettingsError: as `restore`.
        PermanentError: as `restore`.
    """
    database = database_file(settings)
    _refuse_source(source, database)
    settings.prepare()
    lock = PidFile(hub_pid_file(settings))
    try:
        lock.acquire()
    except AlreadyRunningError as error:
        raise PermanentError(f"{error.message}; stop it first: `tocsin-hub stop`") from None
    try:
        finish(database)
        copy = database.with_name(f".{database.name}.restore")
        try:
            contents = copy_database(source, copy, alone=not has_log(source), epoch=uuid.uuid4().hex)
            _refuse_contents(settings, source, contents)
        except BaseException:
            with suppress(OSError):
                copy.unlink()
            raise
        _give_to_owner(copy, settings.folder)
        after("copied")
        decide(database, copy, f"{now:%Y%m%dT%H%M%SZ}")
        after("decided")
        leave_word(settings.new_epoch_file)  # where nothing tells the next start what the database was before
        _give_to_owner(settings.new_epoch_file, settings.folder)
        after("new epoch asked for")
        return contents, finish(database, after)
    finally:
        lock.release()


def _refuse_source(source: Path, database: Path) -> None:
    if not source.exists():
        raise SettingsError(f"there is no file {source}")
    if not source.is_file():
        raise SettingsError(f"{source} is no file; name the file of a backup")
    if database.exists() and source.samefile(database):
        raise SettingsError(f"{source} is the database itself; name the file of a backup")


def _refuse_contents(settings: HubSettings, source: Path, contents: Contents) -> None:
    """Refuse a copy with which the hub could not start."""
    refuse_newer(str(source), contents.version)
    if not contents.keys:
        return
    path = settings.secret_key_file
    missing = contents.keys - {key.id.hex() for key in read_sealer(path).keys}
    if missing:
        raise SettingsError(
            f"{source} holds secrets that are sealed with the key {', '.join(sorted(missing))}, which is not in the "
            f"key file {path}: the key was changed since. Take the line of that key from the backup of the key file, "
            f"and add it to {path}, below the line that is there"
        )


def _give_to_owner(path: Path, folder: Path) -> None:
    """What root puts into the folder of the hub's user is that user's."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a copy that `tocsin-hub backup` has made")


RESTORE = Verb(
    about="put a backup in the place of the database, which is set aside; the hub is stopped",
    do=restore,
    add_options=_options,
)
