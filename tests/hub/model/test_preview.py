"""What drafts would take: definitions and lines in, report out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.configs import ProcessSetConfig
from common.matching import MAX_SETS, Matcher
from common.roll import CommandLine
from hub.model.preview import Host, as_agents_show, line_of, look
from hub.model.previewreport import MAX_COMPONENTS, DraftState, Report, Sighting, Taken, bounded, merged

NEW = {"d": DraftState.NEW}


def definition(id_: str, include: str, order: int = 1, **changes: Any) -> ProcessSetConfig:
    fields: dict[str, Any] = {"id": id_, "title": id_, "order": order, "include": include, "name": id_}
    return ProcessSetConfig(**(fields | changes))


def preview(
    texts: Sequence[str],
    before: Sequence[ProcessSetConfig] = (),
    after: Sequence[ProcessSetConfig] = (),
    drafts: dict[str, DraftState] | None = None,
    *,
    host: Host | None = None,
    examples: int = 3,
) -> Report:
    return look(
        host or Host(name="web1"),
        [line_of(text) for text in texts],
        before=before,
        after=after,
        drafts=NEW if drafts is None else drafts,
        examples=examples,
    )


def row_of(report: Report, id_: str = "d") -> Any:
    (row,) = [row for row in report.definitions if row.id == id_]
    return row


def moves(report: Report) -> dict[tuple[str | None, str | None], int]:
    return {(move.before, move.after): move.lines for move in report.moves}


def test_a_draft_takes_lines_that_nothing_took_and_names_sets() -> None:
    app = definition("d", r"^java .*-Dapp=(?P<app>\w+)", name="java {app}")
    report = preview(["java -Dapp=shop", "java -Dapp=shop", "java -Dapp=mail", "cron"], (), (app,))
    row = row_of(report)
    assert (row.lines, row.devices, row.applies, row.lines_before) == (3, 1, 1, 0)
    assert (row.draft, row.state) == (True, DraftState.NEW)
    assert row.components == ["java mail", "java shop"]
    assert row.examples == [Sighting("web1", "java -Dapp=shop", 2), Sighting("web1", "java -Dapp=mail", 1)]
    assert moves(report) == {(None, "d"): 3}
    assert (report.unmatched.lines, report.unmatched.examples) == (1, [Sighting("web1", "cron", 1)])
    device = report.devices[0]
    assert (device.lines, device.taken_before, device.taken) == (4, 0, 3)


def test_a_draft_before_another_takes_its_lines_away_and_one_behind_it_does_not() -> None:
    old = definition("old", "nginx", 10)
    for order, taken in ((5, "d"), (20, "old")):
        report = preview(["nginx -g x"], (old,), (old, definition("d", "^nginx", order)))
        assert row_of(report, taken).lines == 1
        assert moves(report) == ({("old", "d"): 1} if taken == "d" else {})
        (overlap,) = report.overlaps
        assert overlap.definitions == (["d", "old"] if taken == "d" else ["old", "d"])
        assert (overlap.taken_by, overlap.lines, overlap.devices) == (taken, 1, 1)
    assert row_of(report, "old").lines_before == 1
    assert row_of(report, "d").lines == 0


def test_a_definition_that_is_replaced_or_silenced_gives_its_lines_up() -> None:
    old = definition("d", "nginx")
    narrow = preview(["nginx a", "nginx b"], (old,), (definition("d", "nginx a"),), {"d": DraftState.CHANGED})
    assert moves(narrow) == {("d", None): 1}
    assert (row_of(narrow).lines_before, row_of(narrow).lines) == (2, 1)
    silent = preview(["nginx a"], (old,), (), {"d": DraftState.UNMONITORED})
    assert moves(silent) == {("d", None): 1}
    assert (row_of(silent).applies, row_of(silent).order) == (0, 1)


def test_another_name_is_a_change_though_the_definition_stays() -> None:
    old, new = definition("d", r"^x (\w)", name="x"), definition("d", r"^x (\w)", name="x {1}")
    (changed,) = preview(["x y"], (old,), (new,), {"d": DraftState.CHANGED}).changed
    assert (changed.before, changed.after) == (Taken("d", "x"), Taken("d", "x y"))


def test_what_stays_as_it_is_is_no_change() -> None:
    old = definition("d", "x")
    report = preview(["x", "y"], (old,), (old,), {"d": DraftState.UNCHANGED})
    assert (report.changed, report.moves, report.changed_lines) == ([], [], 0)
    assert row_of(report).state is DraftState.UNCHANGED


def test_a_draft_that_takes_nothing_or_applies_nowhere_is_told_all_the_same() -> None:
    report = preview(["cron"], (), (definition("other", "cron"),))
    assert (row_of(report).lines, row_of(report).applies, row_of(report).order) == (0, 0, None)
    assert (row_of(report, "other").draft, row_of(report, "other").state) == (False, DraftState.PRESENT)


def test_lines_that_are_vetoed_are_taken_by_none() -> None:
    report = preview(["vim nginx.conf"], (), (definition("d", "nginx"),))
    assert (report.unmatched.lines, row_of(report).lines, report.overlaps) == (1, 0, [])


def test_a_draft_that_would_make_too_many_sets_is_told_and_what_it_does_not_take_is_not_unmatched() -> None:
    draft = definition("d", r"(\w+)$", name="{1}")
    report = preview([f"job {n}" for n in range(MAX_SETS + 5)], (), (draft, definition("late", "job", 9)))
    assert row_of(report).overflowing == ["web1"]
    assert (row_of(report).lines, row_of(report, "late").lines) == (MAX_SETS, 0)
    assert report.unmatched.lines == 0
    # Which lines overflow depends on their order; the counts of an overlap hold them all.
    assert sum(overlap.lines for overlap in report.overlaps) == MAX_SETS + 5


def test_the_whole_line_is_matched_and_a_part_of_it_told() -> None:
    report = preview([f"x {'y' * 3000} -end"], (), (definition("d", "-end$"),))
    (example,) = row_of(report).examples
    assert (row_of(report).lines, len(example.line)) == (1, 500)


def test_no_control_character_is_told() -> None:
    assert preview(["x \x1b[2J"], (), ()).unmatched.examples[0].line == "x \N{REPLACEMENT CHARACTER}[2J"


@pytest.mark.parametrize(
    ("include", "text", "lines"),
    [
        (r"-end$", f"x {'y' * 124}-end", 0),  # 128 bytes of arguments: an agent shows them all
        (r"-end$", f"x {'y' * 125}-end", 1),
        (r"^x y", f"x {'y' * 400}-end", 0),  # what it needs is at the beginning
        (r"-end$", f"/{'p' * 300} -end", 0),  # only arguments are cut there
        (r"-end$", f"x {'é' * 63}-end", 1),  # bytes count, not characters
    ],
)
def test_what_is_beyond_the_arguments_of_an_agent_is_told(include: str, text: str, lines: int) -> None:
    draft = definition("d", include)
    assert row_of(preview([text], (), (draft,))).beyond_snmp.lines == lines
    assert row_of(preview([text], (draft,), (draft,), {})).beyond_snmp.lines == 0
    over_snmp = preview([text], (), (draft,), host=Host(name="web1", is_snmp=True))
    assert row_of(over_snmp).beyond_snmp.lines == 0


def test_a_name_that_an_agent_would_cut_is_told_too() -> None:
    draft = definition("d", r"^x y+(?: -n (\w+))?", name="x {1}")
    assert row_of(preview([f"x {'y' * 140} -n a"], (), (draft,))).beyond_snmp.lines == 1


def test_lines_that_an_agent_may_have_cut_are_counted() -> None:
    texts = [f"x {'y' * 127}", f"x {'y' * 128}", f"z {'y' * 128}"]
    assert preview(texts, host=Host(name="web1", is_snmp=True)).devices[0].cut == 2
    assert preview(texts).devices[0].cut == 0


def test_what_agents_show_ends_at_a_whole_character() -> None:
    assert as_agents_show(line_of(f"x a{'é' * 80}")).text == f"x a{'é' * 63}"
    line = CommandLine("x short", 5)
    assert as_agents_show(line) is line


def test_examples_are_as_many_as_asked_for_and_the_counts_are_whole() -> None:
    report = preview([f"x {n}" for n in range(50)], (), (definition("d", "^x"),), examples=2)
    assert (len(row_of(report).examples), row_of(report).lines) == (2, 50)
    assert len(report.changed) == 50
    assert preview([f"x {n}" for n in range(1500)], (), (definition("d", "^x"),)).changed_lines == 1500
    assert len(preview([f"x {n}" for n in range(1500)], (), (definition("d", "^x"),)).changed) == 1000


# --- several devices --------------------------------------------------------------------------------------------------


def two_devices(examples: int = 3) -> Report:
    old, draft = definition("old", "nginx", 10), definition("d", r"^nginx (\w+)", 5, name="n {1}")
    other = definition("other", "never", 7)
    first = preview(["nginx a", "cron"], (old,), (old, draft), host=Host(name="web1"), examples=examples)
    second = preview(
        ["nginx b", "nginx b", "cron", "at"],
        (old,),
        (old, draft, other),
        host=Host(name="web2"),
        examples=examples,
    )
    return merged([first, second], examples)


def test_reports_of_devices_become_one() -> None:
    report = two_devices()
    assert [row.id for row in report.definitions] == ["d", "other", "old"]
    row = row_of(report)
    assert (row.lines, row.devices, row.applies, row.components) == (3, 2, 2, ["n a", "n b"])
    assert row_of(report, "other").applies == 1
    assert row_of(report, "old").lines_before == 3
    assert (report.unmatched.lines, report.unmatched.devices) == (3, 2)
    assert moves(report) == {("old", "d"): 3}
    assert [(one.definitions, one.lines, one.devices) for one in report.overlaps] == [(["d", "old"], 3, 2)]
    assert [device.device for device in report.devices] == ["web1", "web2"]
    assert report.changed_lines == 3
    assert len(two_devices(1).unmatched.examples) == 1


def test_of_no_reports_there_is_an_empty_one() -> None:
    assert merged([], 3) == Report()


def test_component_names_are_bounded_and_it_is_told() -> None:
    draft = definition("d", r"(\w+)$", name="{1}")
    reports = [
        preview([f"job d{device}n{n}" for n in range(MAX_SETS)], (), (draft,), host=Host(name=str(device)))
        for device in range(11)
    ]
    row = row_of(merged(reports, 1))
    assert (len(row.components), row.more_components) == (MAX_COMPONENTS, True)
    assert row_of(merged([merged(reports, 1)], 1)).more_components is True
    assert row_of(merged(reports[:10], 1)).more_components is False


def test_changed_lines_are_bounded_and_their_count_is_whole() -> None:
    draft = definition("d", "^x")
    reports = [preview([f"x {n}" for n in range(800)], (), (draft,), host=Host(name=name)) for name in "ab"]
    report = merged(reports, 3)
    assert (len(report.changed), report.changed_lines) == (1000, 1600)
    assert len(merged(reports, 1500).changed) == 1500


def test_a_report_that_is_too_large_keeps_counts_and_what_matters_most() -> None:
    report = two_devices()
    small = bounded(report, 4)
    assert small.shortened
    assert not bounded(report, 1000).shortened
    assert row_of(small).examples == row_of(report).examples
    assert len(small.changed) == 2
    assert (small.unmatched.examples, small.unmatched.lines) == ([], 3)


# --- any definitions, any lines ---------------------------------------------------------------------------------------

WORDS = ("nginx", "java", "cron", "sshd", "vim", "-Dapp=a", "-Dapp=b", "x" * 120)
texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), max_size=12)
definitions = st.lists(
    st.builds(
        definition,
        st.sampled_from(["a", "b", "c", "d", "e"]),
        st.sampled_from(["nginx", "^java", "java|sshd", r"-Dapp=(\w)", "x$", "."]),
        st.integers(0, 5),
    ),
    max_size=5,
    unique_by=lambda one: one.id,
)


@given(texts, definitions, definitions)
def test_a_line_is_taken_by_exactly_the_definition_that_the_matcher_says(
    lines: list[str], before: list[ProcessSetConfig], after: list[ProcessSetConfig]
) -> None:
    drafts = {one.id: DraftState.NEW for one in after if one not in before}
    report = preview(lines, before, after, drafts, examples=1000)
    matcher, present = Matcher(after), Matcher(before)
    expected: dict[str, dict[str, int]] = {}
    for line in lines:
        found = matcher.match(line)
        if found is not None:
            counts = expected.setdefault(found.definition, {})
            counts[line] = counts.get(line, 0) + 1
    told = {row.id: {one.line: one.count for one in row.examples} for row in report.definitions if row.lines}
    assert told == expected
    assert {row.id: row.lines for row in report.definitions if row.lines} == {
        id_: sum(counts.values()) for id_, counts in expected.items()
    }
    # No line is lost, and none is counted twice.
    assert sum(row.lines for row in report.definitions) + report.unmatched.lines == len(lines)
    assert sum(row.lines_before for row in report.definitions) == sum(1 for line in lines if present.match(line))
    assert sum(one.lines for one in report.overlaps) == sum(1 for line in lines if len(matcher.all_matches(line)) > 1)
    assert report.changed_lines == sum(1 for line in lines if present.match(line) != matcher.match(line))


@given(st.lists(texts, min_size=1, max_size=4), definitions, definitions, st.integers(0, 4))
def test_it_does_not_matter_in_which_batches_devices_are_looked_at(
    hosts: list[list[str]], before: list[ProcessSetConfig], after: list[ProcessSetConfig], cut: int
) -> None:
    reports = [
        preview(lines, before, after, host=Host(name=f"h{number}"), examples=2) for number, lines in enumerate(hosts)
    ]
    whole = merged(reports, 2)
    parts = [merged(part, 2) for part in (reports[:cut], reports[cut:]) if part]
    assert merged(parts, 2) == whole
