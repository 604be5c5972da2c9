"""The verb `enrol`: a token becomes a certificate, and the settings name the hub."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509

from collectors.framework.enrolment.client import EnrolClient, RefusedError, UnreachableError
from collectors.framework.enrolment.options import add_enrol_options, given_token, owner_of
from collectors.framework.enrolment.settingsfile import Place, find_place, settle
from collectors.framework.hubaddresses import HubAddress, read_address
from common.certificates import collector_in, days_left, fingerprint
from common.daemon import Verb
from common.durable import write_whole
from common.edge.certificate import again, signed_by
from common.edge.collectorfiles import (
    CA,
    CERTIFICATE,
    KEY,
    can_store,
    give_away,
    load_collector,
    store_collector,
)
from common.edge.enrolwire import Authority
from common.edge.pem import Key, key_pem, load_key, new_key
from common.edge.requests import make_request
from common.edge.tokens import DEFAULT_ENROL_PORT, Token, read_token
from common.errors import PermanentError, SettingsError

EXIT_OK, EXIT_UNREACHABLE = 0, 4
PENDING = ".pending.key"
"""The key of a request whose answer has not come: who asks again with it gets the same certificate."""
MAX_SKEW_S = 300.0
REACH_S = 5.0

ABOUT = "get this host's certificate from the hub, with a token of `tocsin collector token`"


class Enrolment:
    """One run of the verb.

    Args:
        program: name of the daemon.
        settings_type: of its settings.
        wall: epoch seconds.
        pause: waits some seconds.
    """

    def __init__(
        self,
        program: str,
        settings_type: Any,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._program = program
        self._settings_type = settings_type
        self._wall = wall
        self._pause = pause

    def run(self, path: Path, options: argparse.Namespace) -> int:
        """Do it; gives the exit status.

        Raises:
            SettingsError: what was typed, or what lies here, cannot be used.
            TocsinError: it did not work; nothing of what counts here has changed.
        """
        try:
            self._enrol(path, options)
        except (UnreachableError, RefusedError) as error:
            sys.stderr.write(f"{self._program}: {error}\n")
            return EXIT_UNREACHABLE
        return EXIT_OK

    def _enrol(self, path: Path, options: argparse.Namespace) -> None:
        try:
            hub = read_address(options.hub, DEFAULT_ENROL_PORT)
        except ValueError as error:
            raise SettingsError(f"--hub: {error}") from None
        place = find_place(self._program, path, self._settings_type)
        client = EnrolClient(hub, self._pause)
        if options.token is None:
            name, port = self._known(client, place)
        else:
            token_text = given_token(options.token)
            name, port = self._new(client, place, token_text, options)
        broker = HubAddress(hub.host, port)
        settled = settle(place, self._settings_type, name, broker)
        _say(settled.sentence)
        self._look(broker)
        config = "" if path == _default(self._program) else f" --config {path}"
        _say(f"{'Begin' if settled.is_done else 'When the file says that, begin'} with: {self._program} start{config}")

    # --- with a token -------------------------------------------------------------------------------------------------

    def _new(self, client: EnrolClient, place: Place, text: str, options: argparse.Namespace) -> tuple[str, int]:
        token, folder = read_token(text), place.certificates
        owner = owner_of(options.user, folder)
        try:
            return self._exchange(client, place, text, token, owner, is_forced=options.force)
        finally:
            if owner is not None:  # whatever has stopped us, the daemon can renew what it has
                with contextlib.suppress(OSError):
                    give_away(folder, owner, PENDING)

    def _exchange(
        self,
        client: EnrolClient,
        place: Place,
        text: str,
        token: Token,
        owner: tuple[int, int] | None,
        *,
        is_forced: bool,
    ) -> tuple[str, int]:
        folder = place.certificates
        if not is_forced:
            self._refuse_to_replace(folder, token)
        try:
            can_store(folder)
        except SettingsError as error:
            raise SettingsError(f"{error.message}{_how_else(place)}") from None
        authority, ca = client.authority()
        client.check(ca, token.ca)
        self._compare_clocks(authority)
        key = _pending_key(folder)
        try:
            answer = client.enrol(ca, text.strip(), make_request(key, token.name))
        except RefusedError as error:
            raise RefusedError(f"{error.message}{self._as_it_is(folder, token)}") from None
        certificate = _read(answer.certificate)
        fits = certificate.public_key() == key.public_key() and signed_by(certificate, ca)
        if not fits or collector_in(certificate) != token.name:
            raise PermanentError(f"the hub at {client.hub} gave a certificate that is not for this host's key and name")
        store_collector(folder, ca, key, certificate, owner)
        (folder / PENDING).unlink(missing_ok=True)
        until = certificate.not_valid_after_utc.strftime("%Y-%m-%d")
        _say(f"This host is collector {token.name} of the hub at {client.hub.host} now")
        _say(f"Its certificate is in {folder}, holds until {until}, and renews itself")
        return token.name, answer.broker_port

    def _refuse_to_replace(self, folder: Path, token: Token) -> None:
        """A host that is somebody already becomes somebody else only when it is told to."""
        try:
            pair, ca = load_collector(folder)
            name = collector_in(pair.certificate)
        except PermanentError:
            return  # nothing whole is there
        if name != token.name:
            raise SettingsError(
                f"{folder} has the certificate of collector {name}, the token is for {token.name}; "
                "say --force if this host is to be that one from now on"
            )
        if fingerprint(ca) != token.ca and days_left(pair.certificate, self._wall()) > 0:
            raise SettingsError(
                f"{folder} has a certificate of another hub; say --force if this host is to leave that one"
            )

    def _as_it_is(self, folder: Path, token: Token) -> str:
        """For somebody who has run it twice."""
        try:
            pair, ca = load_collector(folder)
            is_same = collector_in(pair.certificate) == token.name and fingerprint(ca) == token.ca
        except PermanentError:
            return ""
        until = pair.certificate.not_valid_after_utc.strftime("%Y-%m-%d")
        return f". This host has a certificate of that collector, until {until}, and keeps it" if is_same else ""

    def _compare_clocks(self, authority: Authority) -> None:
        skew_s = self._wall() - authority.at
        if abs(skew_s) > MAX_SKEW_S:
            _note(
                f"the clock of this host is {_long(abs(skew_s))} {'ahead of' if skew_s > 0 else 'behind'} the hub's; "
                "set it: what is measured here bears this host's time"
            )

    # --- without one --------------------------------------------------------------------------------------------------

    def _known(self, client: EnrolClient, place: Place) -> tuple[str, int]:
        """The host has its certificate, from another daemon; only the settings have to name the hub."""
        folder = place.certificates
        if not any((folder / name).exists() for name in (CA, CERTIFICATE, KEY)):
            raise SettingsError(
                f"{folder} has no certificate yet; give a token with --token: `tocsin collector token NAME` on the hub"
            )
        pair, ca = load_collector(folder)
        name = collector_in(pair.certificate)
        if days_left(pair.certificate, self._wall()) <= 0:
            raise SettingsError(f"the certificate in {folder} has expired; enrol this host again: {again(name)}")
        authority, theirs = client.authority()
        client.check(theirs, fingerprint(ca))
        _say(f"This host is collector {name} of the hub at {client.hub.host} already; its certificate is in {folder}")
        return name, authority.broker_port

    # --- afterwards ---------------------------------------------------------------------------------------------------

    def _look(self, broker: HubAddress) -> None:
        """Try the port for collectors, so that a firewall is found now and not by the daemon."""
        try:
            socket.create_connection((broker.host, broker.port), REACH_S).close()
        except OSError as error:
            why = error.strerror or str(error) or "no answer"
            _note(
                f"the hub's port for collectors, {broker.host} port {broker.port}, cannot be reached from here "
                f"({why}). In the hub's settings broker.host must let other hosts in, and no firewall may be in "
                "between; the daemon tries again until it gets through"
            )


def enrol_verb(program: str, settings_type: Any) -> Verb:
    """The verb of one kind of collector."""
    do = Enrolment(program, settings_type).run
    return Verb(about=ABOUT, do=do, add_options=add_enrol_options, needs_settings=False)


def _how_else(place: Place) -> str:
    """For somebody who has not said where his settings are, and may not write where the system's are."""
    if place.settings is not None or os.geteuid() == 0:
        return ""
    return "; enrol as root (--user names who the daemons run as), or name a settings file of your own with --config"


def _pending_key(folder: Path) -> Key:
    path = folder / PENDING
    if path.exists():
        try:
            return load_key(path)
        except SettingsError:
            path.unlink()
    key = new_key()
    write_whole(path, key_pem(key), 0o600)
    return key


def _read(text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise PermanentError("the hub gave a certificate that cannot be read") from None


def _default(program: str) -> Path:
    return Path("/etc/tocsin") / f"{program.rpartition(' ')[2].removeprefix('tocsin-')}.toml"


def _long(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _note(text: str) -> None:
    sys.stderr.write(f"Note: {text}\n")
