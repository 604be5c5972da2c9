"""Patterns and names of sets mean here what they mean in Zenoss, or are told to be otherwise."""

from __future__ import annotations

import re

import pytest
import re2

from common.configs import ProcessSetConfig
from common.matching import Matcher, check_definition
from hub.imports.regexes import UnlikeError, to_re2
from hub.imports.setnames import UnlikeNamesError, naming

LINES = [
    "nginx: master process /usr/sbin/nginx -g daemon on;",
    "/usr/bin/java -Xmx2g -Dname=shop -jar /opt/shop.jar 8080",
    "php-fpm: pool www",
    "php-fpm: pool",
    "aaa",
    "{x} \\d",
]


@pytest.mark.parametrize(
    "pattern",
    [r"a{,2}$", r"^a{,2}\Z", r"[\]{,2}]", r"\{,2}", r"(?i)NGINX", r"[]a]", r"pool( \w+)?\Z", r"\\Z", r"[^{,3}]"],
)
def test_what_is_translated_finds_the_same(pattern: str) -> None:
    translated = re2.compile(to_re2(pattern))
    for line in [*LINES, "{,2}", "]", "aa", r"\Z"]:
        ours, theirs = translated.search(line), re.search(pattern, line)
        assert (ours and ours.span()) == (theirs and theirs.span()), line


@pytest.mark.parametrize("pattern", [r"\pL", r"a\Qb\E", r"\C", "[[:alpha:]]", "a(?i)b", r"\\\p"])
def test_what_re2_reads_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(UnlikeError):
        to_re2(pattern)


@pytest.mark.parametrize(
    ("include", "replace", "replacement"),
    [
        ("nginx", "", ""),
        ("^nginx", "", "not used"),
        ("master|java", "", ""),
        ("java", ".*", "Java"),
        ("java", "^.*$", " Java {}"),
        (r"java .*-Dname=(\w+)", r"^.*java .*-Dname=(\w+).*$", r"Java \1"),
        (r"^php-fpm: pool(?: (?P<pool>\w+))?", r"^php-fpm: pool(?: (?P<pool>\w+))?.*$", r"PHP \g<pool>"),
        (r"^.*(\d{4})$", r"^.*(\d{4})$", r"port \\ \1"),
        ("^aaa$", "^aaa$", "three"),
    ],
)
def test_sets_are_named_as_zenoss_names_them(include: str, replace: str, replacement: str) -> None:
    made = naming(include, replace, replacement)
    config = ProcessSetConfig(id="x", title="x", order=1, include=made.include, exclude="", name=made.name or "x")
    assert check_definition(config) == []
    matcher = Matcher([config])
    taken = 0
    for line in LINES:
        found = matcher.match(line)
        assert (found is not None) == bool(re.search(include, line)), line
        if found is not None:
            taken += 1
            assert found.component == (_replaced(replace, replacement, line) if replace else line.strip())
    assert taken


def _replaced(replace: str, replacement: str, line: str) -> str:
    """What Zenoss does: every match that is not empty gives way."""
    return re.sub(replace, lambda found: found.expand(replacement) if found[0] else "", line.strip()).strip()


@pytest.mark.parametrize(
    ("include", "replace", "replacement"),
    [
        ("java", r"\d+", "#"),
        ("java", "^.*-Dname=shop.*$", "shop"),
        ("a|b", "^.*a|b.*$", "x"),
        ("java", ".*", "{0}"),
        ("java", ".*", r"\1"),
        ("(java)", "^.*(java).*$", r"\n\1"),
        ("java", "java", "x"),
        ("^java", r"^java\.*", "x"),
    ],
)
def test_names_that_cannot_be_said_are_not_guessed(include: str, replace: str, replacement: str) -> None:
    with pytest.raises(UnlikeNamesError):
        naming(include, replace, replacement)
