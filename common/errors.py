"""The errors that cross rooms.

The message of each is the sentence that the user reads: what is wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class TocsinError(Exception):
    """Base of all errors that the project raises on purpose.

    Attributes:
        details: further sentences, one for each single mistake; empty when the message says it all.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)

    def __str__(self) -> str:
        return "\n".join((self.message, *self.details))


class TransientError(TocsinError):
    """Something that may work when it is tried again: a time-out, a lost link, a full disk."""


class PermanentError(TocsinError):
    """Something that stays wrong until somebody changes it: a password, a name, a regex."""


class SettingsError(PermanentError):
    """A settings file, model file or argument that cannot be used as it stands."""


class NotFoundError(PermanentError):
    """A name that stands for nothing here."""


class RemoteError(TocsinError):
    """The refusal of the other side of a PB call, as it came over the wire.

    Attributes:
        code: a word that programs may test, one of `common.wire.FailureCode`'s values.
    """

    def __init__(self, code: str, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message, details)
        self.code = code
