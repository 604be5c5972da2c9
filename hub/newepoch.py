"""`tocsin-hub new-epoch`: the store was repaired by hand, and collectors shall get everything anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.daemon import EXIT_OK, Verb
from common.errors import SettingsError
from hub.settings import HubSettings


def leave_word(path: Path) -> None:
    """Have the next start of the hub make a new epoch.

    Args:
        path: `HubSettings.new_epoch_file`.

    Raises:
        SettingsError: the hub's folder cannot be written.
    """
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise SettingsError(f"{path} cannot be made: {error.strerror or error}") from None


def _ask_for_new_epoch(settings: HubSettings, _options: argparse.Namespace) -> int:
    leave_word(settings.new_epoch_file)
    sys.stdout.write(
        "The store gets a new epoch when the hub starts the next time: then all collectors get their configs anew.\n"
        f"`tocsin-hub restart` starts it now; remove {settings.new_epoch_file} to take it back.\n"
    )
    return EXIT_OK


NEW_EPOCH = Verb(
    about="have all collectors get everything anew at the next start, after the store was repaired by hand",
    do=_ask_for_new_epoch,
)
