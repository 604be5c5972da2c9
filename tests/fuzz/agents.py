"""One case: a collector that reads a host whose answers are changed on their way."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from pathlib import Path

from collectors.framework.captures.folder import readings
from collectors.framework.captures.reading import values_of
from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.interfaces import Oid
from collectors.framework.task import Outcome
from collectors.process.events import MISSING
from common.roll import SetState
from tests.fakes.snmp import Answer
from tests.fakes.snmp_agent import HR_SW_RUN, HR_SW_RUN_PERF, SYS_UP_TIME, Agent, tlv, varbind
from tests.fuzz.datagrams import BREAKING, CHANGING, changed, name_of, pieces_of
from tests.fuzz.wholepath import SETS, Cycle, WholePath

HOST = Path(__file__).parents[1] / "data" / "captures" / "host"
PIDS_OF = {"nginx": (633, 634, 635), "postgres": (702, 705), "orders": (1290,)}
NAME = (*HR_SW_RUN, 2)
COLUMNS = (NAME, (*HR_SW_RUN, 4), (*HR_SW_RUN, 5), (*HR_SW_RUN, 7), (*HR_SW_RUN_PERF, 1), (*HR_SW_RUN_PERF, 2))
HONEST, CHANGED = 2, 8
"""Cycles before the answers are changed, and with answers that are."""
AFTER = 5
"""Honest cycles afterwards: with a full pass among them, all is as it was."""


@functools.cache
def host() -> dict[Oid, bytes]:
    """Encoded values of a real host, cut to some of its processes."""
    return {oid: tlv(typed.value, typed.tag) for oid, typed in values_of(readings(HOST)[0].sections).items()}


class Liar:
    """Changes answers while it is told to.

    Attributes:
        part: of the answers that are changed.
        log: what was delivered, a list for each request.
    """

    def __init__(self, values: dict[Oid, bytes], kind: str, seed: int) -> None:
        self._agent = Agent(values, max_bytes=1400)
        self._uptime = 6_054_150
        self._genuine = {varbind(oid, value): oid for oid, value in values.items()}
        self._changes = BREAKING if kind == "broken" else CHANGING + BREAKING
        self._rng = random.Random(f"{kind}/{seed}")
        self._before: list[bytes] = []
        self.part = 0.0
        self.log: list[list[str]] = []
        self._walked: frozenset[Oid] = frozenset()
        self._seen: set[Oid] = set()
        self._tainted: set[int] = set()

    def begin(self) -> None:
        """A cycle begins."""
        self._tainted.clear()
        self._seen.clear()

    def answer(self, datagram: bytes, t: float) -> Sequence[Answer]:
        """What comes back."""
        self._agent.set(SYS_UP_TIME, tlv(self._uptime + int(100 * t), ber.TIMETICKS))
        answer = self._agent.answer(datagram)
        assert answer is not None
        self._note_request(datagram)
        answers: list[Answer] = [answer]
        if self._rng.random() < self.part:
            answers = changed(self._rng, self._changes, datagram, answer, self._before)
        self._before = [*self._before[-5:], answer]
        for one in answers:
            self._note(datagram, one if isinstance(one, bytes) else one[0])
        self.log.append([(one if isinstance(one, bytes) else one[0]).hex() for one in answers])
        return answers

    def really_there(self, component: str) -> bool:
        """Whether the last walk told a process of the set, whole and as it is, and nothing else was told of it."""
        return (
            any(
                pid not in self._tainted and all((*column, pid) in self._seen for column in self._walked)
                for pid in PIDS_OF[component]
            )
            and NAME in self._walked
        )

    def _note_request(self, datagram: bytes) -> None:
        asked = [oid for oid, _, _ in messages.decode_varbinds(messages.decode_message(datagram)[2])]
        if NAME in asked:  # a walk begins
            self._walked = frozenset(asked) & frozenset(COLUMNS)
            self._seen.clear()

    def _note(self, request: bytes, answer: bytes) -> None:
        """Keep what is genuine of an answer that will be taken for one, and whom it tells lies about."""
        try:
            _, _, pdu = messages.decode_message(answer)
            if pdu.request_id != messages.decode_message(request)[2].request_id or pdu.status:
                return
            pieces = pieces_of(pdu)
            others = {name_of(piece) for piece in pieces if piece not in self._genuine}
            if others:
                messages.decode_varbinds(pdu)
        except BadAnswer:
            return
        self._seen.update(self._genuine[piece] for piece in pieces if piece in self._genuine)
        self._tainted.update(oid[-1] for oid in others if oid[:-1] in COLUMNS)


def false_alarms(kind: str, liar: Liar, cycle: Cycle) -> list[str]:
    """What was told of a host to which nothing happens, and follows from nothing that it told.

    `broken`: answers are lost, late, damaged, of others, or end early. No other table can come of that: nothing may be
    told of any set. `changed`: values, types and names are changed, too, and what a well-formed table then tells is as
    it tells; but a set is not missing when the last walk told a process of it whole, and nothing else was told of it.
    """
    told = [one for one in cycle.told if one[0] in SETS and one[2]]
    if kind == "broken":
        return [f"{component}: {key}" for component, key, _ in told]
    return [f"{component}: {key}" for component, key, _ in told if key == MISSING and liar.really_there(component)]


def run_case(kind: str, seed: int, path: list[Liar] | None = None) -> None:
    """Run one case; `path` takes the liar, for what was delivered.

    Raises:
        AssertionError: something is not as it has to be.
    """
    liar = Liar(host(), kind, seed)
    if path is not None:
        path.append(liar)
    whole = WholePath(liar.answer, seed=seed)
    for number in range(HONEST + CHANGED + AFTER):
        liar.part = 0.3 if HONEST <= number < HONEST + CHANGED else 0.0
        liar.begin()
        cycle = whole.cycle()
        found = false_alarms(kind, liar, cycle)
        assert not found, f"cycle {number}: {found}"
    assert cycle.outcome is Outcome.GOOD, cycle.error
    whole.look()
    table, sets = whole.answers()
    assert len(table.rows) == 37
    assert {
        status.set: (status.count, status.state) for status in sets.sets if status.state is not SetState.RESTARTING
    }.items() <= {name: (len(pids), SetState.UP) for name, pids in PIDS_OF.items()}.items()
    whole.close()
