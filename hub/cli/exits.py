"""Exit codes of `tocsin`, as docs/contract.md fixes them."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from common.errors import TocsinError
from common.quantities import counted


class Exit(enum.IntEnum):
    """What a script reads from `$?`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNREACHABLE = 4
    PARTLY = 5
    DIFFERS = 6


class CommandError(TocsinError):
    """The end of a command that did not do all it was asked for.

    Attributes:
        exit_code: what the shell gets.
        code: the API's word for it, or one of ours; for the document of `--json`.
        printed: standard output has its JSON document already, so no error document follows.
    """

    def __init__(
        self,
        message: str,
        details: Sequence[str] = (),
        *,
        exit_code: Exit = Exit.FAILED,
        code: str = "failed",
        printed: bool = False,
    ) -> None:
        super().__init__(message, details)
        self.exit_code = exit_code
        self.code = code
        self.printed = printed


def usage(message: str) -> CommandError:
    """A mistake in what was typed."""
    return CommandError(message, exit_code=Exit.USAGE, code="usage")


def not_asked(collectors: int, *, printed: bool) -> CommandError:
    """So many collectors did not answer; what the others say is there."""
    sentence = f"{counted(collectors, 'collector')} could not be asked"
    return CommandError(sentence, exit_code=Exit.PARTLY, code="partly", printed=printed)


def not_found(message: str, details: Sequence[str] = ()) -> CommandError:
    """A name that stands for nothing."""
    return CommandError(message, details, exit_code=Exit.NOT_FOUND, code="not_found")
