"""Takes secrets out of command lines: processes have passwords in their arguments more often than not.

Patterns are RE2, because command lines come from hosts that nobody vouches for. What is matched by process sets is the
whole text, inside a collector; what leaves its memory, for a file or a peer, is masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import re2

from common.configs import DeviceConfig, SnmpConfig
from common.matching import check_regex, command_line
from common.patternset import PatternSet
from common.textcache import TextCache

MASK = "***"
SECRET = "secret"  # noqa: S105 - the name of a group
"""The group that is masked; where no group has this name, the first one."""
SHORTEST = 6
"""A secret that is shorter would take ordinary words out, too."""
MAX_CACHED, MAX_CACHED_CHARACTERS = 4096, 1 << 20
"""Of texts whose masking is remembered."""
_COMMON = frozenset({"public", "private"})

_KEYS = "api|access|private|auth|secret|account|encryption|signing|master"
_WORDS = rf"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|(?:{_KEYS})[_-]?key(?:_base)?)"
_VALUE = r"(?:\"(?:[^\"\\]|\\(?s:.))*\"?|'[^']*'?|\\+\"[^\"]*\"?|)\S*"
"""What stands in quotes has blanks in it; what is not closed goes to the end."""
_THEN = r"(?:\.exe)?\"?\s(?s:.*?\s)?"
"""What stands between a program and an option."""
STANDARD = (
    # --password=x, PGPASSWORD=x, -Dtoken=x, password: x, {"password": "x y"}, openssl's pass:x
    rf"(?i){_WORDS}\\*[\"']?\s*[=:]\s*({_VALUE})",
    # --db-password x
    rf"(?i)(?:^|\s)--?[\w.-]*{_WORDS}\s+([^\s-]\S*)",
    # scheme://user:x@host, also when an agent has cut it before the @
    r"://[^/\s:@]*:([^\s/]+)@",
    r"://[^/\s:@]+:([^\s@/]*[^\s@/\d][^\s@/]*)$",
    # Authorization: Bearer x
    r"(?i)\bauthorization[\"']?\s*[=:]\s*[\"']?(?:\w+\s+)?(\S+)",
    r"(?i)\bbearer\s+(\S+)",
    # keys that are known by their form: PEM, AWS, GitHub, GitLab, Slack, JSON web tokens
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----((?s:.*?))(?:-----END|$)",
    r"\b(glpat-[\w-]{20,})",
    r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b",
    r"\b(gh[pousr]_[A-Za-z0-9]{20,})",
    r"\b(xox[abeprs]-[A-Za-z0-9-]{10,})",
    r"\b(eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)",
    # programs whose short options take a password
    rf"\b(?:mysql|mariadb)[\w-]*{_THEN}-p(\S+)",
    rf"\bsshpass{_THEN}-p\s*(\S+)",
    rf"\b(?:mongo\w*|(?:docker|podman){_THEN}login){_THEN}-p\s+(\S+)",
    rf"\b(?:sqlcmd|tsql|bcp|ipmitool|zip){_THEN}-P\s*(\S+)",
    rf"\b7z[ar]?{_THEN}-p(\S+)",
    rf"\b(?:plink|pscp|psftp){_THEN}-pw\s+(\S+)",
    rf"\bxfreerdp{_THEN}/p:(\S+)",
    rf"\blftp{_THEN}-u\s*[^\s,]+,(\S+)",
    rf"\bhtpasswd{_THEN}-\w*b\w*\s(?s:.*\s)?(\S+)",
    rf"\bcurl{_THEN}(?:-u|--user|--proxy-user)[\s=]*[^\s:]*:(\S+)",
    rf"\bredis-cli{_THEN}-a\s*(\S+)",
    rf"\bldap[a-z]+{_THEN}-w\s*(\S+)",
    rf"\b(?:smbclient|rpcclient|smbget|net){_THEN}-U\s*[^\s%]+%(\S+)",
    *(rf"\bsnmp[a-z]+{_THEN}-{option}\s*(\S+)" for option in "cAX"),
)
"""What is masked where nobody says otherwise."""


def check_mask(pattern: str) -> str:
    """What is wrong with a pattern for secrets, as a sentence; empty when it can be used."""
    wrong = check_regex(pattern)
    if not wrong and not _compiled(pattern).groups:
        wrong = f"{pattern!r} has no group: put the part that is secret in parentheses, as in --pin=(\\S+)"
    return wrong


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


class _Patterns:
    """Patterns, and what they have masked; whoever masks by the same ones shares them.

    Raises:
        ValueError: one of the patterns is none; `check_mask` says why.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns: list[tuple[Any, int]] = []
        for pattern in patterns:
            if wrong := check_mask(pattern):
                raise ValueError(wrong)
            compiled = _compiled(pattern)
            self._patterns.append((compiled, compiled.groupindex.get(SECRET, 1)))
        self._any = PatternSet(patterns)
        self._cache: TextCache[str, str] = TextCache(MAX_CACHED, MAX_CACHED_CHARACTERS)

    def mask(self, text: str) -> str:
        """The text, with `***` in place of what the patterns find."""
        found = self._cache.get(text)
        return self._cache.keep(text, self._masked(text), len(text)) if found is None else found

    def _masked(self, text: str) -> str:
        if not self._patterns:
            return text
        looked_at = text.replace("\0", " ")  # as some agents part arguments
        try:
            spans = sorted(
                found.span(group)
                for pattern, group in (self._patterns[number] for number in self._any.hits(looked_at))
                for found in pattern.finditer(looked_at)
                if found.start(group) >= 0
            )
        except UnicodeEncodeError:  # lone surrogates, which stand for bytes that are no text
            return self.mask(text.encode("utf-8", "replace").decode())
        return _without(text, spans) if spans else text


_patterns = lru_cache(maxsize=32)(_Patterns)


class Masker:
    """Masks by some patterns, and some secrets that are known.

    Raises:
        ValueError: one of the patterns is none; `check_mask` says why.
    """

    def __init__(self, patterns: Sequence[str], secrets: Sequence[str] = ()) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)  # one may be a part of another
        self._patterns = _patterns(tuple(patterns))

    def mask(self, text: str) -> str:
        """The text, with `***` in place of each secret."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return self._patterns.mask(text)

    def arguments(self, path: str, name: str, parameters: str) -> str:
        """Arguments, masked as a part of their command line: what an option means may depend on the program."""
        line = command_line(path, name, parameters)
        program = line.removesuffix(parameters.strip())
        masked = self.mask(line)
        if program != line and masked.startswith(program):
            return masked.removeprefix(program)
        return self.mask(parameters)

    def mask_bytes(self, content: bytes) -> bytes:
        """As `mask`; bytes that are no UTF-8 stay as they are."""
        try:
            return self.mask(content.decode()).encode()
        except UnicodeError:
            return self.mask(content.decode("latin-1")).encode("latin-1")


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with a mask in place of each stretch; the stretches are in order, and may overlap."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if end <= done or start == end:
            continue
        if start >= done:
            parts += [text[done:start], MASK]
        done = end
    return "".join([*parts, text[done:]])


def own_secrets(config: SnmpConfig | None) -> tuple[str, ...]:
    """The secrets that a device is read with, for they may stand in the arguments of its own processes."""
    if config is None:
        return ()
    known = (config.community, config.auth_password, config.priv_password)
    return tuple(secret for secret in known if len(secret) >= SHORTEST and secret not in _COMMON)


@lru_cache(maxsize=64)
def masker(patterns: tuple[str, ...] = STANDARD, secrets: tuple[str, ...] = ()) -> Masker:
    """A masker; whoever masks alike shares it."""
    return Masker(patterns, secrets)


def masker_of(config: DeviceConfig) -> Masker:
    """What masks the command lines of a device.

    Raises:
        ValueError: a pattern of the config is none.
    """
    standard = STANDARD if config.standard_masks else ()
    return masker((*standard, *config.argument_masks), own_secrets(config.snmp))


def mask_mistakes(config: DeviceConfig) -> list[str]:
    """What is wrong with the masks of a config, each a sentence."""
    return [f"argument_masks: {wrong}" for pattern in config.argument_masks if (wrong := check_mask(pattern))]
