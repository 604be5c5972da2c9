"""Settings of the hub, as hub.toml has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from common.errors import SettingsError
from common.logs import LogSettings
from hub.broker.listener import ListenerSettings
from hub.enrol.settings import EnrolSettings
from hub.events.rules import AgePolicy
from hub.model.database import sqlite_url

Port = Annotated[int, Meta(ge=0, le=65535)]
Days = Annotated[float, Meta(gt=0, le=36500)]


class HttpSettings(Struct, frozen=True, kw_only=True):
    """Where the JSON API and the web page are served.

    Attributes:
        host: address to listen on. There is no TLS here: leave it on the loopback, or put a proxy in front.
        port: 0 lets the kernel choose; the hub writes the real one to run.json.
    """

    host: str = "127.0.0.1"
    port: Port = 8080


class EventSettings(Struct, frozen=True, kw_only=True):
    """How long events are kept.

    Attributes:
        age_after_hours: what merely happened (a restart, for example) ages so long after it was last seen.
        keep_closed_days: closed and aged events are dropped after that.
    """

    age_after_hours: Annotated[float, Meta(gt=0, le=876000)] = 4.0
    keep_closed_days: Days = 90.0

    @property
    def policy(self) -> AgePolicy:
        """The same in the event store's words."""
        return AgePolicy(after_s=self.age_after_hours * 3600, keep_closed_s=self.keep_closed_days * 86400)


class PurgeSettings(Struct, frozen=True, kw_only=True):
    """What becomes of the files of devices that have left the model. Those of silent hosts are never deleted by age.

    Attributes:
        grace_days: so long they are kept after the device left.
        automatic: then they are deleted without being asked for; else `tocsin data purge` does it.
    """

    grace_days: Annotated[float, Meta(ge=0, le=36500)] = 30.0
    automatic: bool = False


class MoveSettings(Struct, frozen=True, kw_only=True):
    """How the files of a device follow it when it moves to another collector.

    Attributes:
        mib_per_s: so fast at most, of each of two devices at a time; over a slow line they are slower by themselves.
    """

    mib_per_s: Annotated[float, Meta(gt=0, le=10000)] = 8.0


class HubSettings(Struct, frozen=True, kw_only=True):
    """All settings of tocsin-hub.

    Attributes:
        folder: database, certificate authority, operator's token, run.json.
        database: empty for hub.db in the folder; or a URL, for example `postgresql://tocsin@db.example.org/tocsin`. A
            password is better kept in a file that `?passfile=FILE` names.
        key_file: keys that seal secrets in the database; empty for secret.key in the folder.
        names: host names and IP addresses of this hub, to stand in its certificate.
    """

    folder: Path = Path("var/hub")
    database: str = ""
    key_file: str = ""
    names: tuple[str, ...] = ()
    http: HttpSettings = HttpSettings()
    broker: ListenerSettings = ListenerSettings()
    enrol: EnrolSettings = EnrolSettings()
    events: EventSettings = EventSettings()
    log: LogSettings = LogSettings()
    purge: PurgeSettings = PurgeSettings()
    moves: MoveSettings = MoveSettings()

    @property
    def pki(self) -> Path:
        """Folder of the site's certificate authority."""
        return self.folder / "pki"

    @property
    def token_file(self) -> Path:
        """File of the operator's token."""
        return self.folder / "operator.token"

    @property
    def push_token_file(self) -> Path:
        """File of the token of those who push figures."""
        return self.folder / "push.token"

    @property
    def run_file(self) -> Path:
        """File that tells the real ports while the hub runs."""
        return self.folder / "run.json"

    @property
    def secret_key_file(self) -> Path:
        """File of the keys that seal secrets: the one that is set, or one in the folder."""
        return Path(self.key_file) if self.key_file else self.folder / "secret.key"

    @property
    def database_url(self) -> str:
        """The database: the one that is set, or the embedded one in the folder."""
        return self.database or sqlite_url(self.folder.absolute() / "hub.db")

    @property
    def mark_file(self) -> Path:
        """File that tells how far the store had come; a store that is behind it was restored from a backup."""
        return self.folder / "store.mark"

    @property
    def new_epoch_file(self) -> Path:
        """File by which an operator asks for a new epoch of the store at the next start."""
        return self.folder / "epoch.new"

    @property
    def new_database_file(self) -> Path:
        """File that lets an empty database on a server be the beginning, although the hub has run before."""
        return self.folder / "database.new"

    def prepare(self) -> None:
        """Make the folder, for its owner alone.

        Raises:
            SettingsError: it cannot be made or used.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise SettingsError(f"the hub's folder {self.folder} cannot be used: {error.strerror or error}") from None
