"""Scenarios are read whole, and every mistake is told at once, by line."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from collectors.sim.default import DEFAULT
from collectors.sim.scenario import AILMENTS, Ailment, Happening, Scenario, read_scenario
from collectors.sim.units import NoAmountError, duration_s, share, size_kib
from common.errors import SettingsError


def mistakes(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_scenario(text, "f")
    return list(caught.value.details)


def test_the_default_scenario_shows_every_happening_and_every_ailment() -> None:
    scenario = read_scenario(DEFAULT, "default")
    assert set(scenario.agents) == set(AILMENTS)
    for what in ("restarts", "dies", "stops", "flaps", "churns"):
        assert any(getattr(program, what) for program in scenario.programs)
    assert any(program.leak_kib_s for program in scenario.programs)
    assert any(program.restarts is not None and program.restarts.same_pid for program in scenario.programs)


def test_values_mean_what_they_say() -> None:
    scenario = read_scenario(
        """
programs:
  - {name: a, path: /a, parameters: "-n {n}", count: [2, 6], on: 50%, cpu: 3%, memory: [1MiB, 1GiB],
     leaks: {by: 60MiB, per: 1h}, restarts: {every: 1h30m, same_pid: true}, flaps: {every: 1d, times: 8, within: 10m}}
agents:
  slow: {every: 2h, for: 90s, by: 1500ms, on: 5%}
  too_big: {every: 1h, for: 1m, over: 2KiB}
""",
        "f",
    )
    (program,) = scenario.programs
    assert (program.count, program.on, program.cpu) == ((2, 6), 0.5, (0.03, 0.03))
    assert list(program.memory_kib) == [1024, 1 << 20]
    assert program.leak_kib_s == pytest.approx(60 * 1024 / 3600)
    happening = Happening(every_s=5400, same_pid=True)
    assert program.restarts == happening
    assert program.flaps == Happening(every_s=86_400, times=8, within_s=600)
    assert scenario.agents["slow"] == Ailment(happening=Happening(every_s=7200, for_s=90, on=0.05), by_s=1.5)
    assert scenario.agents["too_big"].over_bytes == 2048
    assert scenario.most_processes == 6


@pytest.mark.parametrize("text", ["", "# nothing\n", "programs: []\n", "agents: {}\n"])
def test_a_scenario_may_be_empty(text: str) -> None:
    assert read_scenario(text, "f") == Scenario()


def test_every_mistake_is_told_with_its_line() -> None:
    text = """programs:
  - path: /x
  - name: b
    count: -1
    cpus: 5%
    memory: 20
    restarts: {evry: 5m}
    dies: {every: 1h}
  - name: c
    cpu: [5%, 1%]
    on: 101%
    flaps: {every: 5, times: 1, within: 1m}
agents:
  sleepy: {every: 1h, for: 1m}
  lossy: {every: 1h, for: 1m, one_in: lots}
  slow: now
what: 1
what: 2
"""
    found = mistakes(text)
    told: dict[int, str] = {}
    for line in found:
        number = int(line.split(":")[1])
        told[number] = told.get(number, "") + line
    assert set(told) == {2, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 16, 18}
    for number, words in {
        2: "without a name",
        4: "-1 is no whole number from 0 to 10000",
        5: "cpus is unknown here; did you mean cpu?",
        6: "20 is no amount of memory, wanted for example 512KiB",
        8: "for is missing",
        10: "the least is more than the most",
        11: "at most 100%",
        14: "sleepy is unknown here; there are: ",
        15: "'lots' is no whole number from 2 to 1000",
        16: "'now' is not what this consists of",
        18: "what stands here twice",
    }.items():
        assert words in told[number]
    assert "what is unknown here" in told[18]
    assert any("did you mean every?" in line for line in found if line.startswith("f:7:"))
    assert any("5 is no time" in line for line in found if line.startswith("f:12:"))
    assert any("1 is no whole number from 2" in line for line in found if line.startswith("f:12:"))


@pytest.mark.parametrize("text", ["a: [", "a: &x [*x]", "\0", "- 1", "5", "a:\n\tb: 1", "[" * 500])
def test_what_is_no_scenario_is_a_sentence(text: str) -> None:
    assert all(line.startswith("f:") for line in mistakes(text))


KEYS = st.sampled_from(["programs", "agents", "name", "slow", "every", "count", "cpu"]) | st.text()
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_whatever_stands_there_only_sentences_come_out(document: object) -> None:
    try:
        read_scenario(yaml.safe_dump(document), "f")
    except SettingsError as error:
        told = error.details
    else:
        told = ()
    assert all(line.startswith("f:") for line in told)


def test_nothing_is_made_of_tags() -> None:
    assert read_scenario("!!python/object:os.x {}", "f") == Scenario()


@pytest.mark.parametrize("word", ["", "5", 5, "5x", "s", "-1s", "0s", "1s1", None, True, "1.s"])
def test_what_is_no_time(word: object) -> None:
    with pytest.raises(NoAmountError):
        duration_s(word)


def test_amounts() -> None:
    assert [duration_s(word) for word in ("500ms", "1h30m", "2d", "0.5s")] == [0.5, 5400, 172_800, 0.5]
    assert [size_kib(word) for word in ("512B", "1KiB", "1.5GiB")] == [0.5, 1, 1.5 * (1 << 20)]
    assert share("5%") == 0.05
    for word in ("5", "5%%", "-5%", 5):
        with pytest.raises(NoAmountError):
            share(word)
