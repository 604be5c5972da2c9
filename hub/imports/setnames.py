"""How Zenoss names process sets, by replacing in the command line, as a name over the groups of `include`."""

from __future__ import annotations

import re

from msgspec import Struct

_REFERENCE = re.compile(r"\\(?:g<([A-Za-z_][A-Za-z0-9_]*|\d+)>|([1-9]\d?)|(.))", re.DOTALL)
_FIELD = re.compile(r"\{[A-Za-z0-9_]+\}")
_ANYTHING = re.compile(r"\^?(?:\.[*+]|\(\.[*+]\)|\(\?:\.[*+]\))\$?")


class Naming(Struct, frozen=True):
    """What a definition has to say so that its sets get the same names.

    Attributes:
        include: takes the same command lines as before.
        name: empty for the title.
    """

    include: str
    name: str = ""


class UnlikeNamesError(Exception):
    """The names would be others; the text says why."""


def naming(include: str, replace: str, replacement: str) -> Naming:
    r"""Name sets as the replacement would.

    Every match of `replace` in the whole command line gives way to `replacement`; what is left is the name. That is a
    template over the groups of `include` in three cases: nothing is replaced, so that the name is the line; anything
    is; or `replace` spans the line, from end to end, whenever `include` matches.

    Args:
        include: the pattern that takes command lines.
        replace: a pattern; empty to replace nothing.
        replacement: what stands for a match, with `\1` and `\g<name>` for its groups.

    Raises:
        UnlikeNamesError: the names cannot be said so.
    """
    if not replace:
        return Naming(f"^(?s:.*?)(?:{include})(?s:.*)$", "{0}")
    if _ANYTHING.fullmatch(replace) and not _REFERENCE.search(replacement):
        return Naming(include, _template(replacement).strip())
    if _spans(replace) and _core(replace) == _core(include):
        return Naming(replace, _template(replacement).strip())
    raise UnlikeNamesError(
        "the names of sets are made of the groups of include here; what replaceRegex replaces is not what includeRegex "
        "matches, from end to end. There is one set for the class; give include groups, and name them in name: '{1}'"
    )


def _spans(pattern: str) -> bool:
    """Whether a match begins and ends where the line does; alternatives at the top could escape that."""
    begins = pattern.startswith(("^", ".*"))
    ends = (pattern.endswith("$") and not pattern.endswith(r"\$")) or (
        pattern.endswith(".*") and not pattern.endswith(r"\.*")
    )
    return begins and ends and not _has_alternatives(pattern)


def _core(pattern: str) -> str:
    """A pattern without what it takes before and after; searching it takes the same lines."""
    core = pattern.removeprefix("^.*") if pattern.startswith("^.*") else pattern.removeprefix(".*")
    for end in (".*$", ".*"):
        if core.endswith(end) and not core.endswith("\\" + end):
            return core[: -len(end)]
    return core


def _has_alternatives(pattern: str) -> bool:
    depth, at = 0, 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            at += 1
        elif letter == "[":
            # The first letter of a class may be a bracket itself.
            end = pattern.find("]", at + (3 if pattern.startswith("^", at + 1) else 2))
            at = end if end > 0 else at
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and depth == 0:
            return True
        at += 1
    return False


def _template(replacement: str) -> str:
    if _FIELD.search(replacement):
        raise UnlikeNamesError(
            "the replacement has a word in braces, which stands for a group here. There is one set for the class"
        )

    def field(found: re.Match[str]) -> str:
        group, number, letter = found.groups()
        if letter is not None and letter != "\\":
            raise UnlikeNamesError(
                f"\\{letter} in the replacement has no equivalent in a name. There is one set for the class"
            )
        return "\\" if letter else "{" + (group or number) + "}"

    return _REFERENCE.sub(field, replacement)
