"""`tocsin-hub backup FILE`: a whole copy of the database, whether the hub runs or not."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import exc, make_url

from common.daemon import EXIT_OK, Verb
from common.daemon_pidfile import Standing, standing
from common.durable import sync
from common.errors import PermanentError, SettingsError
from hub.model.restoring import unfinished
from hub.model.sqlitecopy import Contents, copy_database
from hub.model.sqlitefile import JOURNAL, MAGIC, SHM, WAL, RunNote, beside, has_log, look_with_log
from hub.settings import HubSettings

ON_A_SERVER = (
    "the database of this hub is on a server, whose own tools copy it and put it back: pg_dump and pg_restore. "
    "The guide says how, under 'Backups'"
)


def database_file(settings: HubSettings) -> Path:
    """Where the database lies.

    Raises:
        SettingsError: on a server, or nowhere.
    """
    try:
        url = make_url(settings.database_url)
    except (exc.ArgumentError, ValueError):
        raise SettingsError("database: this is no URL of a database") from None
    if not url.drivername.startswith("sqlite"):
        raise SettingsError(ON_A_SERVER)
    if url.database in {None, "", ":memory:"}:
        raise SettingsError("database: it lies in memory only, so there is nothing to copy or to put back")
    return Path(url.database or "").absolute()


def hub_pid_file(settings: HubSettings) -> Path:
    """The file that the hub has locked while it runs."""
    return settings.folder / "hub.pid"


def told(contents: Contents) -> str:
    """What a copy holds, in a line."""
    devices = f"{contents.devices} {'device' if contents.devices == 1 else 'devices'}"
    if not contents.revision:
        return f"no revision yet, {devices}"
    return f"revision {contents.revision} of {datetime.fromtimestamp(contents.at, UTC):%Y-%m-%dT%H:%M:%SZ}, {devices}"


def back_up(settings: HubSettings, options: argparse.Namespace) -> int:
    """Make the copy, whole or not at all.

    Raises:
        SettingsError: the database is on a server, or the file must not be written.
        PermanentError: the database is damaged, or the disk refuses.
    """
    database, target = database_file(settings), Path(options.file).absolute()
    if not database.exists():
        raise SettingsError(f"there is no database {database}; has this hub run, and are these its settings?")
    _refuse_target(settings, database, target, force=options.force)
    if standing(hub_pid_file(settings))[0] is not Standing.RUNNING:
        if unfinished(database) is not None:
            raise PermanentError("a restore was cut off: start the hub, which finishes it, or restore again")
        look_with_log(database)
    contents = _copy(database, target)
    sys.stdout.write(
        f"{target} is a whole copy of the database: {told(contents)}, {target.stat().st_size / 1024 / 1024:.1f} MiB.\n"
        f"{_what_else(settings, contents)}"
        f"`tocsin-hub restore {target}` puts it back.\n"
    )
    return EXIT_OK


def _refuse_target(settings: HubSettings, database: Path, target: Path, *, force: bool) -> None:
    """Refuse to write over what is there, or into a folder that is none."""
    if not target.parent.is_dir():
        raise SettingsError(f"there is no folder {target.parent} for the copy")
    in_use = {beside(database, suffix).resolve() for suffix in ("", WAL, SHM, JOURNAL)}
    if target.resolve() in {*in_use, RunNote(database).path.resolve(), settings.secret_key_file.resolve()}:
        raise SettingsError(f"{target} is in use by the hub itself; name another file for the copy")
    if has_log(target):
        raise SettingsError(
            f"{beside(target, WAL)} is there, a log of another database, which would spoil the copy; move it away"
        )
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_file():
        raise SettingsError(f"{target} is no file; name a file for the copy")
    if not force:
        raise SettingsError(f"{target} is there already; --force puts the copy in its place")
    with target.open("rb") as file:
        if file.read(len(MAGIC)) not in {b"", MAGIC}:
            raise SettingsError(f"{target} is there already, and is no copy of a database; name another file")


def _copy(database: Path, target: Path) -> Contents:
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name[:100]}.", dir=target.parent) as folder:
            partial = Path(folder) / "copy.db"
            contents = copy_database(database, partial, alone=False)
            partial.replace(target)
            sync(target.parent)
    except OSError as error:
        raise PermanentError(f"{target} cannot be written: {error.strerror or error}") from None
    return contents


def _what_else(settings: HubSettings, contents: Contents) -> str:
    key, authority = settings.secret_key_file.absolute(), settings.pki.absolute()
    keys = ", ".join(sorted(contents.keys))
    sealed = f"the secrets in the copy are sealed with the key {keys}" if keys else "the copy holds no secrets yet"
    return (
        "Not in it, and needed with it; keep both apart from the copy:\n"
        f"  {key}  the key file: {sealed}\n"
        f"  {authority}  the certificate authority: without it no collector is let in\n"
    )


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the copy that is made")
    parser.add_argument("--force", action="store_true", help="put it in the place of an older copy")


BACKUP = Verb(
    about="make a whole copy of the database, whether the hub runs or not",
    do=back_up,
    add_options=_options,
)
