"""From events to lives: what a scan is told, and what it does not believe."""

from __future__ import annotations

import msgspec

from collectors.framework.processevents.lives import Impact, Lives
from collectors.framework.processevents.messages import Executed, Exited, Forked
from collectors.framework.processevents.values import Happened, ProcessLife
from collectors.framework.processtable import ProcessRow, ProcessTable

KILLED = 9


def row(pid: int, line: str = "web", *, started: float = 50.0, alive: bool = True) -> ProcessRow:
    path, _, parameters = line.partition(" ")
    return ProcessRow(
        pid=pid,
        name=path,
        path=path,
        parameters=parameters,
        started=started,
        cpu_s=None,
        memory_bytes=4096,
        status="running" if alive else "zombie",
        alive=alive,
    )


class Host:
    """Processes, as /proc would show them; a scan takes no time unless it is said what happens in it."""

    def __init__(self, *rows: ProcessRow, most: int = 100) -> None:
        self.now = 100.0
        self.rows = {one.pid: one for one in rows}
        self.lives = Lives(lambda one: one.path == "web", self.rows.get, most)
        self.scan()

    def at(self) -> float:
        self.now += 0.01
        return self.now

    def fork(self, parent: int, child: int) -> Impact:
        if parent in self.rows:
            self.rows[child] = row(child, self.line(parent), started=self.now)
        return self.lives.take(Forked(parent, child, self.at()))

    def run(self, pid: int, line: str = "web") -> Impact:
        self.rows[pid] = row(pid, line, started=self.rows[pid].started or 0.0 if pid in self.rows else self.now)
        return self.lives.take(Executed(pid, self.at()))

    def start(self, pid: int, line: str = "web") -> Impact:
        self.fork(1, pid)
        return self.run(pid, line)

    def end(self, pid: int, status: int = KILLED) -> Impact:
        self.rows.pop(pid, None)
        return self.lives.take(Exited(pid, status, self.at()))

    def line(self, pid: int) -> str:
        return f"{self.rows[pid].path} {self.rows[pid].parameters}".strip()

    def table(self) -> ProcessTable:
        return ProcessTable(at=0.0, monotonic=self.at(), rows=dict(self.rows), complete=True, full=False)

    def scan(self, table: ProcessTable | None = None) -> Happened:
        return self.lives.collect(table or self.table())


def seen(happened: Happened) -> list[tuple[int, bool, int | None]]:
    """Of each life its pid, whether it began since the scan before, how it ended."""
    return [(life.pid, life.began is not None, life.status) for life in happened.lives]


def test_a_watched_process_that_dies_is_a_death_and_another_is_none() -> None:
    host = Host(row(7), row(8, "other"))
    assert host.end(8) is Impact.NOTHING
    assert host.end(7) is Impact.DEATH
    happened = host.scan()
    assert happened.lives[0] == ProcessLife(
        pid=7, line="web", ended=happened.lives[0].ended, started=50.0, status=KILLED, memory_bytes=4096
    )
    assert host.scan() == Happened()


def test_own_daemons_that_are_left_out_are_watched_by_nobody() -> None:
    host = Host(msgspec.structs.replace(row(7), own=True))
    host.fork(7, 8)
    host.start(9)
    host.rows[9] = msgspec.structs.replace(host.rows[9], own=True)
    assert host.scan().lives == ()
    assert host.end(7) is Impact.NOTHING
    assert host.scan().lives == ()


def test_one_that_starts_and_ends_between_two_scans_is_told_with_both() -> None:
    host = Host()
    assert host.start(7, "web -x") is Impact.BIRTH
    assert host.lives.born == "web -x"
    assert host.end(7, 0x300) is Impact.NOTHING
    (life,) = host.scan().lives
    assert (life.line, life.exit_code, life.failed, life.began is not None) == ("web -x", 3, True, True)


def test_a_restart_under_the_same_pid_is_an_end_and_a_beginning() -> None:
    host = Host(row(7))
    host.end(7)
    host.fork(1, 7)
    host.run(7)
    assert seen(host.scan()) == [(7, False, KILLED), (7, True, None)]


def test_a_program_that_was_gone_before_it_could_be_read_is_counted_as_unseen() -> None:
    host = Host()
    host.fork(1, 7)
    host.rows.pop(7, None)
    host.lives.take(Executed(7, host.at()))
    happened = host.scan()
    assert (happened.lives, happened.unseen) == ((), 1)


def test_a_copy_that_runs_another_program_was_never_one_of_the_set() -> None:
    host = Host(row(7))
    host.fork(7, 8)
    assert host.run(8, "other") is Impact.NOTHING
    host.end(8)
    assert host.scan().lives == ()


def test_a_copy_that_runs_nothing_of_its_own_is_told_as_such() -> None:
    host = Host(row(7))
    host.fork(7, 8)
    host.fork(8, 9)
    host.end(8, 0)
    told = {life.pid: (life.forked, life.status) for life in host.scan().lives}
    assert told == {8: (True, 0), 9: (True, None)}
    # The next scan knows the one that lives on as any other.
    assert host.end(9) is Impact.DEATH


def test_a_process_that_runs_another_program_now_is_watched_no_more_and_one_that_runs_ours_is() -> None:
    host = Host(row(7), row(8, "shell"))
    host.run(7, "other")
    assert host.end(7) is Impact.NOTHING
    assert host.run(8, "web") is Impact.BIRTH
    assert seen(host.scan()) == [(8, True, None)]


def test_the_same_program_run_anew_by_the_same_process_is_no_restart() -> None:
    host = Host(row(7))
    assert host.run(7, "web again") is Impact.NOTHING
    assert host.scan().lives == ()


def test_a_thread_that_runs_a_program_ends_its_leader_but_not_the_process() -> None:
    host = Host(row(7))
    kept = host.rows[7]
    host.end(7, 0)
    host.rows[7] = kept
    host.run(7)
    assert host.scan().lives == ()
    assert host.end(7) is Impact.DEATH


def test_an_end_while_the_table_is_read_is_told_with_the_next_scan() -> None:
    host = Host(row(7))
    table = host.table()
    assert host.end(7) is Impact.DEATH
    assert host.scan(table).lives == ()
    assert host.lives.waits
    assert seen(host.scan()) == [(7, False, KILLED)]
    assert not host.lives.waits


def test_a_whole_life_of_which_the_table_saw_a_part_is_told_in_two() -> None:
    host = Host()
    host.start(7)
    table = host.table()
    host.end(7)
    assert seen(host.scan(table)) == [(7, True, None)]
    assert host.lives.waits
    assert seen(host.scan()) == [(7, False, KILLED)]


def test_an_end_before_the_table_was_read_that_the_table_denies_is_none() -> None:
    host = Host(row(7))
    host.lives.take(Exited(7, 0, host.at()))
    assert host.scan().lives == ()
    assert host.scan().lives == ()


def test_a_beginning_while_the_table_is_read_is_told_with_the_next_scan() -> None:
    host = Host()
    table = host.table()
    host.start(7)
    assert host.scan(table).lives == ()
    assert seen(host.scan()) == [(7, True, None)]


def test_one_whose_end_was_lost_is_not_told_for_ever() -> None:
    host = Host()
    host.start(7)
    del host.rows[7]
    host.scan()
    host.scan()
    host.end(7)
    assert host.scan().lives == ()


def test_a_zombie_has_ended() -> None:
    host = Host(row(7))
    host.end(7)
    host.rows[7] = row(7, alive=False)
    assert seen(host.scan()) == [(7, False, KILLED)]


def test_stamps_never_stand_still_or_go_back() -> None:
    host = Host(row(7), row(8))
    for pid, at in ((7, 200.0), (8, 199.0)):
        del host.rows[pid]
        host.lives.take(Exited(pid, KILLED, at))
    host.now = 300.0
    first, second = (life.ended for life in host.scan().lives)
    assert first is not None
    assert second is not None
    assert first < second


def test_what_is_lost_or_too_much_is_said() -> None:
    host = Host(most=3)
    for pid in range(10, 20):
        host.start(pid)
        host.end(pid)
    happened = host.scan()
    assert (len(happened.lives), happened.lost) == (3, True)
    assert not host.scan().lost
    host.lives.lose()
    assert host.scan().lost


def test_what_was_known_can_be_forgotten() -> None:
    host = Host(row(7))
    host.start(8)
    host.lives.forget()
    assert host.end(7) is Impact.NOTHING
    assert host.scan().lives == ()
