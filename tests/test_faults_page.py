"""docs/faults.md has every fault test and every promise, and names no test that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "faults.md").read_text()
FAULTS = {path.stem for path in (ROOT / "tests" / "faults").glob("test_*.py")}
OF_THE_TOOLS = {"test_tools"}


def test_every_fault_test_is_on_the_page_and_every_one_on_it_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named == FAULTS - OF_THE_TOOLS
    paths = re.findall(r"`(tests/[\w/]+\.py)`", PAGE)
    assert paths != []
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_every_promise_is_attacked_somewhere() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text()
    promises = re.findall(r"^(\d+)\. ", architecture.partition("## Promises")[2], re.MULTILINE)
    rows = re.findall(r"^\| (\d+) [^|]*\| `tests?[_/]", PAGE, re.MULTILINE)
    assert promises == [str(number + 1) for number in range(len(promises))]
    assert rows == promises
