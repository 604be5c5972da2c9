"""What is wrong with a probe, in words (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.sources.results import Problem
from collectors.probes.claims import Conflict
from collectors.probes.launch.orders import Outcome, Run
from collectors.probes.output.nagios import STATES
from collectors.probes.output.parsed import Parsed
from collectors.probes.output.places import shown
from common.endings import how_it_ended
from common.events import Severity
from common.quantities import counted

FAILED = "probe_failed"
OUTPUT = "probe_output"
CONFLICT = "probe_conflict"
STATE = "probe_state"
REFUSED = "probe_refused"
INTERVAL = "probe_interval"
KEYS = (FAILED, OUTPUT, CONFLICT, STATE, REFUSED, INTERVAL)

MAX_SUMMARY = 500
MAX_MESSAGE = 6000
_SEVERITIES = (Severity.CLEAR, Severity.WARNING, Severity.CRITICAL, Severity.WARNING)
_WANT = ("MemoryError", "Cannot allocate memory", "out of memory", "bad_alloc", "memory exhausted")
_XCPU = -24


def problem(key: str, label: str, summary: str, message: str = "", severity: Severity = Severity.WARNING) -> Problem:
    """A problem of a probe, whose name is the component."""
    return Problem(
        key=key, component=label, summary=summary[:MAX_SUMMARY], message=message[:MAX_MESSAGE], severity=severity
    )  # fmt: skip


def of_outcome(label: str, order: Run, outcome: Outcome) -> list[Problem]:
    """What is wrong with how a probe ran, and with what it printed."""
    found = []
    sentence = failure(label, order, outcome)
    if sentence:
        found.append(problem(FAILED, label, sentence, _message(outcome), Severity.ERROR))
    return found + of_output(label, outcome.parsed)


def failure(label: str, order: Run, outcome: Outcome) -> str:
    """How it failed, a sentence; empty when it did not."""
    begun = f", with {counted(outcome.left, 'process', 'processes')} that it had begun" if outcome.left else ""
    alive = f"; {counted(outcome.alive, 'process', 'processes')} of it could not be ended" if outcome.alive else ""
    if outcome.error:
        return f"probe {label} did not run: {outcome.error}"
    if outcome.late:
        return f"probe {label} had not ended after {order.timeout_s:g} s, and was ended{begun}{alive}"
    if outcome.cut:
        return f"probe {label} printed more than {order.output_kib} KiB, and was ended{begun}{alive}"
    status, last = outcome.status, _last(outcome.errors)
    if status == _XCPU:
        return f"probe {label} used more than {order.cpu_s} s of CPU time, and was ended"
    if status is not None and status < 0:
        return f"probe {label} was {how_it_ended(status)}{_memory(order, outcome)}{last}"
    if status and outcome.parsed.state is None:
        return f"probe {label} ended with {how_it_ended(status)}{_memory(order, outcome)}{last}"
    if outcome.left:
        left = counted(outcome.left, "process", "processes")
        return f"probe {label} left {left} behind, ended now: what a probe begins ends with it{alive}"
    return ""


def of_output(label: str, parsed: Parsed) -> list[Problem]:
    """What is wrong with what it printed, and what a Nagios plugin says."""
    found = []
    if parsed.flaws:
        first = parsed.flaws[0]
        more = len(parsed.flaws) - 1 + parsed.more_flaws
        behind = f" (and {counted(more, 'more mistake')})" if more else ""
        lines = [part for flaw in parsed.flaws for part in (flaw.sentence, *_indented(flaw.shown))]
        found.append(problem(OUTPUT, label, f"output of probe {label}, {first.sentence}{behind}", "\n".join(lines)))
    if parsed.state:
        said = parsed.text or STATES[parsed.state]
        found.append(problem(STATE, label, said, parsed.long_text, _SEVERITIES[parsed.state]))
    return found


def of_flaws(label: str, flaws: Sequence[str]) -> list[Problem]:
    """Figures that no template takes."""
    if not flaws:
        return []
    behind = f" (and {counted(len(flaws) - 1, 'more mistake')})" if len(flaws) > 1 else ""
    return [problem(OUTPUT, label, f"output of probe {label}: {flaws[0]}{behind}", "\n".join(flaws))]


def of_conflicts(label: str, conflicts: Sequence[Conflict]) -> list[Problem]:
    """Points that another probe writes."""
    if not conflicts:
        return []
    lines = [_conflict(label, one) for one in conflicts]
    behind = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return [problem(CONFLICT, label, lines[0] + behind, "\n".join(lines[:100]))]


def slow(label: str, interval_s: int, handler: str, wanted_s: int | None) -> list[Problem]:
    """A probe that runs less often than its template's series have a step."""
    if wanted_s is None or interval_s <= wanted_s:
        return []
    told = f"probe {label} runs every {interval_s} s, and template {handler} has a value every {wanted_s} s"
    return [problem(INTERVAL, label, f"{told}: there are gaps; have the two alike")]


def _conflict(label: str, one: Conflict) -> str:
    what = f"{one.source}, component {shown(one.component, 60)}" if one.component else one.source
    points = ", ".join(one.points[:10]) + (" …" if len(one.points) > 10 else "")
    return (
        f"probes {one.holder} and {label} both write {points} of {what}; {one.holder} has it, and what {label} says "
        "of it is left out: end one of them"
    )


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]


def _last(errors: str) -> str:
    lines = [line for line in errors.splitlines() if line.strip()]
    return f": {lines[-1].strip()}" if lines else ""


def _memory(order: Run, outcome: Outcome) -> str:
    wants = any(word in outcome.errors for word in _WANT)
    return f" (it may have {order.memory_mib} MiB of memory)" if wants else ""


def _message(outcome: Outcome) -> str:
    parts = []
    if outcome.errors:
        parts += ["standard error, its end:", outcome.errors]
    if outcome.head and not outcome.parsed.components:
        parts += ["standard output, its begin:", "\n".join(outcome.head.splitlines()[:10])[:1000]]
    return "\n".join(parts)
