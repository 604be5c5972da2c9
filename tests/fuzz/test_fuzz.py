"""Each kind of case for a short time, with the same numbers every time; `make fuzz` goes on for longer."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.agents import Liar, host
from tests.fuzz.kinds import KINDS, run_case
from tests.fuzz.wholepath import WholePath, no_traceback

CASES = {"broken": 30, "changed": 30, "rows": 60, "proc": 12}
WARM, MORE = 60, 120
MOST_GROWTH_BYTES = 400_000
"""Of which most is a cache of row indexes, which has an end of its own."""


@pytest.mark.parametrize("kind", KINDS)
def test_no_crash_no_hang_and_no_false_alarm(kind: str) -> None:
    for number in range(CASES[kind]):
        try:
            run_case(kind, number)
        except Exception as error:
            error.add_note(f"again with: python -m tests.fuzz --kind {kind} --case {number}")
            raise


def test_nothing_piles_up_however_long_an_agent_lies() -> None:
    liar = Liar(host(), "changed", 1)
    liar.part = 0.3
    whole = WholePath(liar.answer)

    def lie(cycles: int) -> None:
        for _ in range(cycles):
            liar.begin()
            whole.cycle()
            liar.log.clear()
            whole.reactor.sent.clear()

    with no_traceback():
        lie(WARM)
        tracemalloc.start()
        try:
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            lie(MORE)
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    whole.close()
    assert after - before < MOST_GROWTH_BYTES
    assert len([port for port in whole.reactor.ports if port.open]) <= 1


def test_a_case_that_fails_is_saved_and_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = []

    def fails(seed: int, liars: list[Liar]) -> None:
        broken.append(seed)
        liars.append(Liar(host(), "broken", seed))
        liars[0].log.append(["30"])
        assert seed != 12, "the sky fell"

    monkeypatch.setitem(KINDS, "fails", fails)
    assert main(["--kind", "fails", "--seed", "10", "--seconds", "60", "--save", str(tmp_path)]) == 1
    assert broken == [10, 11, 12]
    (file,) = tmp_path.iterdir()
    saved = json.loads(file.read_text())
    assert (saved["kind"], saved["case"], saved["answers"]) == ("fails", 12, [["30"]])
    assert "the sky fell" in saved["error"]
    said = capsys.readouterr().out
    assert "--kind fails --case 12" in said
    assert str(file) in said
    assert main(["--kind", "fails", "--case", "12", "--save", str(tmp_path)]) == 1
    assert main(["--kind", "fails", "--case", "9", "--save", str(tmp_path)]) == 0
