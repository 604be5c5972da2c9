"""The section of an odin-control server's file that says what its status adapter watches."""

from __future__ import annotations

import configparser
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from collectors.status.wishes import Wishes, mistakes, parts_of, rate_of
from common.errors import SettingsError
from common.sources import Follow, Match

SECTION = "adapter.status"
MAX_BYTES = 1_000_000
_KEYS = ("disks", "interfaces", "processes", "rate")
_NOT_OURS = frozenset({"module", "background_task_enable", "background_task_interval"})
"""Which class of odin-control serves the tree, and how: here that is this program."""


def read_wishes(path: Path, more: Sequence[str], match: Match, follow: Follow) -> Wishes:
    """What is to be watched, as the file says it, with what it cannot say.

    Raises:
        SettingsError: it cannot be read, or has mistakes; `details` has them all.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}, the file of [status], cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise SettingsError(
            f"{path}, the file of [status], is larger than {MAX_BYTES} bytes; it cannot be the right one"
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}, the file of [status], is not UTF-8 text at byte {error.start}") from None
    return wishes_of(section_of(text, str(path)), str(path), more, match, follow)


def section_of(text: str, origin: str) -> Mapping[str, str]:
    """The section of the status adapter.

    Raises:
        SettingsError: there is none, or the text is no such file.
    """
    parser = configparser.ConfigParser(interpolation=None, default_section="", strict=True)
    try:
        parser.read_string(text, origin)
    except configparser.Error as error:
        sentence = " ".join(str(error).split())
        raise SettingsError(f"{origin} is no settings file of odin-control: {sentence[:300]}") from None
    if not parser.has_section(SECTION):
        raise SettingsError(f"{origin} has no section [{SECTION}], where disks, interfaces and processes are named")
    return dict(parser.items(SECTION))


def wishes_of(section: Mapping[str, str], origin: str, more: Sequence[str], match: Match, follow: Follow) -> Wishes:
    """What a section says.

    Raises:
        SettingsError: it has mistakes.
    """
    wrong = [f"{key}: unknown; {_near(key)}" for key in section if key not in _NOT_OURS and key not in _KEYS]
    rate = 1.0
    try:
        rate = rate_of(section.get("rate", "1.0").strip())
    except ValueError as error:
        wrong.append(str(error))
    wishes = Wishes(
        disks=parts_of(section.get("disks", "")),
        interfaces=parts_of(section.get("interfaces", "")),
        processes=parts_of(section.get("processes", "")),
        more=tuple(more),
        match=match,
        follow=follow,
        rate=rate,
    )
    wrong += mistakes(wishes)
    if wrong:
        count = "a mistake" if len(wrong) == 1 else f"{len(wrong)} mistakes"
        raise SettingsError(f"{origin}: {count} in the section [{SECTION}]", wrong)
    return wishes


def _near(key: str) -> str:
    near = difflib.get_close_matches(key, _KEYS, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(_KEYS)}"
