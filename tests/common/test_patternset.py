"""Many patterns in one pass, or one by one where they are too large for that."""

from __future__ import annotations

from common.configs import ProcessSetConfig
from common.matching import Matcher
from common.patternset import PatternSet

LARGE = [f"^/usr/bin/x{number} .{{200}}" for number in range(300)]
"""Each of them is a pattern; together RE2 refuses them."""


def test_the_numbers_of_those_that_occur_are_told() -> None:
    assert sorted(PatternSet(["a", "b+", "z"]).hits("xxabb")) == [0, 1]
    assert list(PatternSet(["a"]).hits("b")) == []
    assert list(PatternSet([]).hits("b")) == []


def test_patterns_that_are_too_large_together_are_looked_for_one_by_one() -> None:
    assert sorted(PatternSet([*LARGE, "needle"]).hits("a needle")) == [300]
    assert sorted(PatternSet([*LARGE, "x7 "]).hits("/usr/bin/x7 " + 300 * "y")) == [7, 300]


def test_definitions_that_are_too_large_together_take_processes_all_the_same() -> None:
    patterns = [*LARGE, "^/needle"]
    sets = [ProcessSetConfig(id=f"s{n}", title="", order=n, include=one, name="x") for n, one in enumerate(patterns)]
    matcher = Matcher(sets)
    assert matcher.all_matches("/needle -d") == ["s300"]
