"""One simulated host: its processes, and what becomes of them and of its agent, in the order that its seed says.

Nothing here knows of clocks or sockets: time is `t`, seconds since the fleet began, and goes on by `advance`.
"""

from __future__ import annotations

import bisect
import heapq
import random

from collectors.sim.facts import Alive, Fact
from collectors.sim.fillers import filler
from collectors.sim.oids import MOST_NAME_BYTES
from collectors.sim.processes import Process, Running, cpu_cs
from collectors.sim.scenario import Happening, Range, Scenario

COMM_BYTES = 15
"""What Linux keeps of a process's name."""
MOST_PID = 32_768
FIRST_PID_AGAIN = 300
LONGEST_UPTIME_S = 30 * 86_400
LONGEST_AGE_S = 3600
"""Of a program's processes when the fleet begins."""
AGENT_PATH = "/usr/sbin/snmpd"


class Host:
    """A host and its agent.

    Attributes:
        processes: by pid; `pids` are theirs in order.
        ails: what the agent does wrong now.
        deaf: it answers nothing now.
        agent_since, host_since: t of their starts.
        boots: how often the agent was started.
        requests: how many were asked of it.
    """

    def __init__(self, name: str, scenario: Scenario, processes: int, seed: int) -> None:
        self.name = name
        self.processes: dict[int, Process] = {}
        self.pids: list[int] = []
        self.ails: frozenset[str] = frozenset()
        self.deaf = False
        self.requests = 0
        self._rng = random.Random(f"{seed}/{name}")  # noqa: S311 - to be the same again
        self._scenario = scenario
        self._fill_to = processes
        self._agenda: list[tuple[float, int, str, int | str, int]] = []
        self._entries = 0
        self._boot = 0
        self._last_pid = 0
        self._down = False
        self._agent_down = False
        self._facts: list[Fact] = []
        self.host_since = -self._rng.uniform(3600, LONGEST_UPTIME_S)
        self.agent_since = self.host_since + self._rng.uniform(10, 60)
        self.boots = 1
        self.agent_pid = 0
        self._programs = [
            Running(spec, self._rng.randint(*spec.count)) for spec in scenario.programs if self._rng.random() < spec.on
        ]
        self._populate(self.host_since)
        self._plan()

    # --- time ---------------------------------------------------------------------------------------------------------

    @property
    def next_at(self) -> float:
        """When the next thing happens, as t."""
        return self._agenda[0][0] if self._agenda else float("inf")

    def advance(self, until: float) -> list[Fact]:
        """Let everything happen up to and including `until`; tell what did."""
        while self._agenda and self._agenda[0][0] <= until:
            t, _, what, about, boot = heapq.heappop(self._agenda)
            if boot in {-1, self._boot}:
                getattr(self, f"_do_{what}")(t, about)
        facts, self._facts = self._facts, []
        return facts

    def counts(self) -> dict[str, int]:
        """How many processes each program has now."""
        return {program.spec.name: len(program.pids) for program in self._programs}

    def running(self, t: float) -> dict[str, list[Alive]]:
        """The processes of each program, at t."""
        return {
            program.spec.name: [
                Alive(pid=pid, cpu_s=cpu_cs(one, t) / 100, cpu_percent=round(one.cpu_rate, 3))
                for pid in program.pids
                for one in (self.processes[pid],)
            ]
            for program in self._programs
        }

    def _later(self, t: float, what: str, about: int | str, *, this_boot: bool = False) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (t, self._entries, what, about, self._boot if this_boot else -1))

    def _again(self, t: float, happening: Happening, what: str, about: int | str) -> None:
        self._later(t + self._rng.expovariate(1 / happening.every_s), what, about)

    def _plan(self) -> None:
        for number, program in enumerate(self._programs):
            for what in ("restarts", "dies", "zombies", "stops", "flaps", "churns"):
                happening: Happening | None = getattr(program.spec, what)
                if happening is not None and self._rng.random() < happening.on:
                    self._again(0.0, happening, what, number)
        for name, ailment in self._scenario.agents.items():
            if self._rng.random() < ailment.happening.on:
                self._again(0.0, ailment.happening, "ail", name)

    # --- processes ----------------------------------------------------------------------------------------------------

    def _populate(self, t: float) -> None:
        """Start everything, as a host does when it comes up."""
        self._last_pid = 0
        self._add(t, "systemd", "/sbin/init", "splash", (0.0, 0.0), (12_000, 14_000))
        self.agent_pid = self._add(t, "snmpd", AGENT_PATH, "-LOw -f", (0.0, 0.01), (9000, 12_000)).pid
        others = sum(program.count for program in self._programs) + len(self.pids)
        for number in range(self._fill_to - others):
            name, path, parameters = filler(number)
            busy: Range = (0.001, 0.1) if number % 10 == 3 else (0.0, 0.0)
            self._add(t, name, path, parameters, busy, (500, 90_000) if path else (0, 0))
        for program in self._programs:
            for _ in range(program.count):
                self._begin(t if t > 0 else -self._rng.uniform(0, LONGEST_AGE_S), program)

    def _begin(self, t: float, program: Running, pid: int | None = None) -> Process:
        spec = program.spec
        program.number += 1
        parameters = spec.parameters.replace("{n}", str(program.number))
        process = self._add(t, spec.name, spec.path, parameters, spec.cpu, spec.memory_kib, pid)
        process.leak_kib_s = spec.leak_kib_s
        program.pids.append(process.pid)
        return process

    def _add(
        self,
        t: float,
        name: str,
        path: str,
        parameters: str,
        cpu: Range,
        memory_kib: Range,
        pid: int | None = None,
    ) -> Process:
        rng = self._rng
        used = self._free_pid() if pid is None else pid
        rate = 100 * rng.uniform(*cpu)
        process = self.processes[used] = Process(
            pid=used,
            name=name.encode()[:COMM_BYTES][:MOST_NAME_BYTES].decode("utf-8", "ignore"),
            path=path,
            parameters=parameters,
            began=t,
            cpu_cs=rng.randrange(3),
            cpu_rate=rate,
            memory_kib=int(rng.uniform(*memory_kib)),
            leak_kib_s=0.0,
        )
        bisect.insort(self.pids, used)
        return process

    def _free_pid(self) -> int:
        if self._last_pid == 0:
            self._last_pid = 1
            return 1
        while True:
            self._last_pid += self._rng.randrange(1, 30)
            if self._last_pid >= MOST_PID:
                self._last_pid = FIRST_PID_AGAIN
            if self._last_pid not in self.processes:
                return self._last_pid

    def _end(self, program: Running, pid: int) -> Process:
        program.pids.remove(pid)
        return self._remove(pid)

    def _remove(self, pid: int) -> Process:
        del self.pids[bisect.bisect_left(self.pids, pid)]
        return self.processes.pop(pid)

    def _one(self, program: Running) -> int | None:
        return self._rng.choice(program.pids) if program.pids and not self._down else None

    # --- what happens to processes ------------------------------------------------------------------------------------

    def _do_restarts(self, t: float, number: int) -> None:
        happening = self._programs[number].spec.restarts
        assert happening is not None
        self._restart(t, self._programs[number], "restarts", same_pid=happening.same_pid)
        self._again(t, happening, "restarts", number)

    def _do_flap(self, t: float, number: int) -> None:
        self._restart(t, self._programs[number], "flaps", same_pid=False)

    def _restart(self, t: float, program: Running, why: str, *, same_pid: bool) -> None:
        pid = self._one(program)
        if pid is not None:
            self._end(program, pid)
            new = self._begin(t, program, pid if same_pid else None)
            self._tell(
                t, "restarted", program=program.spec.name, pid=new.pid, old_pid=pid, why=why, command=new.command,
                cpu_percent=round(new.cpu_rate, 3),
            )  # fmt: skip

    def _do_dies(self, t: float, number: int) -> None:
        program = self._programs[number]
        happening = program.spec.dies
        assert happening is not None
        pid = self._one(program)
        if pid is not None:
            self._exit(t, program, pid, "dies")
            self._later(t + happening.for_s, "back", number, this_boot=True)
        self._again(t, happening, "dies", number)

    def _do_back(self, t: float, number: int) -> None:
        self._start(t, self._programs[number], "dies")

    def _do_zombies(self, t: float, number: int) -> None:
        program = self._programs[number]
        happening = program.spec.zombies
        assert happening is not None
        pid = self._one(program)
        if pid is not None:
            program.pids.remove(pid)
            process = self.processes[pid]
            process.decay(t)
            self._tell(t, "exited", program=program.spec.name, pid=pid, why="zombies", command=process.command)
            self._later(t + happening.for_s, "reaped", f"{number}/{pid}", this_boot=True)
        self._again(t, happening, "zombies", number)

    def _do_reaped(self, t: float, about: str) -> None:
        number, _, pid = about.partition("/")
        self._remove(int(pid))
        self._start(t, self._programs[int(number)], "zombies")

    def _do_stops(self, t: float, number: int) -> None:
        program = self._programs[number]
        happening = program.spec.stops
        assert happening is not None
        if not self._down and program.pids:
            for pid in list(program.pids):
                self._exit(t, program, pid, "stops")
                self._later(t + happening.for_s, "return", number, this_boot=True)
        self._again(t + happening.for_s, happening, "stops", number)

    def _do_return(self, t: float, number: int) -> None:
        self._start(t, self._programs[number], "stops")

    def _do_flaps(self, t: float, number: int) -> None:
        program = self._programs[number]
        happening = program.spec.flaps
        assert happening is not None
        if not self._down:
            for count in range(happening.times):
                self._later(t + happening.within_s * count / happening.times, "flap", number, this_boot=True)
        self._again(t + happening.within_s, happening, "flaps", number)

    def _do_churns(self, t: float, number: int) -> None:
        program = self._programs[number]
        happening = program.spec.churns
        assert happening is not None
        if not self._down:
            process = self._start(t, program, "churns")
            self._later(t + happening.for_s, "churned", f"{number}/{process.pid}", this_boot=True)
        self._again(t, happening, "churns", number)

    def _do_churned(self, t: float, about: str) -> None:
        number, _, pid = about.partition("/")
        program = self._programs[int(number)]
        if int(pid) in program.pids:  # else something else has ended it
            self._exit(t, program, int(pid), "churns")

    def _start(self, t: float, program: Running, why: str) -> Process:
        process = self._begin(t, program)
        self._tell(
            t, "started", program=program.spec.name, pid=process.pid, why=why, command=process.command,
            cpu_percent=round(process.cpu_rate, 3),
        )  # fmt: skip
        return process

    def _exit(self, t: float, program: Running, pid: int, why: str) -> None:
        process = self._end(program, pid)
        self._tell(t, "exited", program=program.spec.name, pid=pid, why=why, command=process.command)

    # --- what happens to the agent ------------------------------------------------------------------------------------

    def _do_ail(self, t: float, name: str) -> None:
        happening = self._scenario.agents[name].happening
        if name == "reboots":
            self._boot += 1
            self._down = True
            self.processes.clear()
            self.pids.clear()
            for program in self._programs:
                program.pids.clear()
            self._tell(t, "host_stopped")
        elif name == "restarts":
            self._agent_down = True
            self._tell(t, "agent_stopped")
        else:
            self.ails |= {name}
            self._tell(t, "begins", ailment=name)
        self._later(t + happening.for_s, "well", name)
        self._listen()

    def _do_well(self, t: float, name: str) -> None:
        if name == "reboots":
            self._down = False
            self.host_since = self.agent_since = t
            self.boots += 1
            self._populate(t)
            self._tell(t, "host_started", running=self.running(t))
        elif name == "restarts":
            self._agent_down = False
            self.agent_since = t
            self.boots += 1
            self._tell(t, "agent_started")
        else:
            self.ails -= {name}
            self._tell(t, "ends", ailment=name)
        self._again(t, self._scenario.agents[name].happening, "ail", name)
        self._listen()

    def _listen(self) -> None:
        self.deaf = self._down or self._agent_down or "silent" in self.ails

    def _tell(self, t: float, what: str, **more: object) -> None:
        self._facts.append(Fact(t=round(t, 3), device=self.name, what=what, **more))  # type: ignore[arg-type]
