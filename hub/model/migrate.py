"""Brings a database to the tables of this version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, inspect, select, text, update

from common.errors import SettingsError
from hub.model.tables import site

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0008"
MIGRATIONS = Path(__file__).with_name("migrations")
VERSION_TABLE = "alembic_version"


def prepare(connection: Connection, name: str, new_epoch: Callable[[], str]) -> str:
    """Create or upgrade the tables; return the store's epoch.

    Args:
        connection: inside a transaction.
        name: of the database, for messages.
        new_epoch: makes the epoch of a store that is new.

    Raises:
        SettingsError: the database belongs to something else, or to a newer version.
    """
    version = _version(connection, name)
    if version != HEAD:
        _upgrade(connection, name, version)
    epoch = connection.execute(select(site.c.value).where(site.c.name == "epoch")).scalar()
    if epoch is None:
        epoch = new_epoch()
        connection.execute(insert(site).values(name="epoch", value=epoch))
    return str(epoch)


def set_epoch(connection: Connection, epoch: str) -> None:
    """Give the store another epoch."""
    connection.execute(update(site).where(site.c.name == "epoch").values(value=epoch))


def set_run(connection: Connection, run: str) -> None:
    """Note which run of the hub has the store."""
    connection.execute(delete(site).where(site.c.name == "run"))
    connection.execute(insert(site).values(name="run", value=run))


def _version(connection: Connection, name: str) -> str | None:
    """The migration that the database is at; None for an empty one."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if VERSION_TABLE not in tables or site.name not in tables:
        raise SettingsError(
            f"the database {name} holds tables of something else ({', '.join(sorted(tables)[:5])}); name another one"
        )
    version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return None if version is None else str(version)


def refuse_newer(name: str, version: str) -> None:
    """Refuse tables that this version does not know.

    Raises:
        SettingsError: a newer one has made them.
    """
    if version != HEAD:
        _refuse_newer(_config(), name, version)


def _upgrade(connection: Connection, name: str, version: str | None) -> None:
    # Imported here: Alembic takes a fifth of a second to load, and most starts need nothing of it.
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    if version is not None:
        _refuse_newer(config, name, version)
    command.upgrade(config, "head")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _refuse_newer(config: Config, name: str, version: str) -> None:
    from alembic.script import ScriptDirectory

    if version not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
        raise SettingsError(
            f"the database {name} was made by a newer version (its tables are at {version}, this one knows {HEAD}); "
            "install that version again"
        )
