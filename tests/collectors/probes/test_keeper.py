"""Real probes that hang, fork, print without end, die: each ends in time, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import gc
import json
import mmap
import os
import resource
import signal
import sys
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from collectors.probes import troubles
from collectors.probes.dryrun import run_apart
from collectors.probes.found.commands import probe_of
from collectors.probes.found.folders import PYCHILD
from collectors.probes.launch.limits import MIB
from collectors.probes.launch.orders import Outcome, Run, User

ROOT = os.geteuid() == 0


def order(*argv: str, **fields: Any) -> Run:
    return replace(Run(number=1, argv=list(argv), environment={"PATH": "/usr/bin:/bin"}, timeout_s=20), **fields)


def shell(text: str, **fields: Any) -> tuple[Outcome, str]:
    made = order("/bin/sh", "-c", text, **fields)
    outcome = run_apart(made)
    return outcome, troubles.failure("x", made, outcome)


def python(text: str, **fields: Any) -> tuple[Outcome, str]:
    made = order(sys.executable, "-I", "-S", "-c", text, **fields)
    outcome = run_apart(made)
    return outcome, troubles.failure("x", made, outcome)


def alive(mark: str) -> list[int]:
    found = []
    for one in psutil.process_iter():
        try:
            if one.status() != psutil.STATUS_ZOMBIE and any(mark in word for word in one.cmdline()):
                found.append(one.pid)
        except psutil.Error:
            continue
    return found


def test_a_good_one() -> None:
    outcome, failure = shell('echo \'{"a": {"x": 1}}\'; echo oops >&2')
    assert outcome.parsed.components == {"a": {"x": 1}}
    assert (outcome.status, outcome.errors, failure) == (0, "oops", "")


def test_it_begins_though_whoever_begins_it_has_many_files_open() -> None:
    """Also where some of the lowest numbers are free, but not enough of them."""
    with contextlib.ExitStack() as files:
        many = [files.enter_context(Path(os.devnull).open()) for _ in range(400)]
        for free in many[20:40]:
            free.close()
            outcome, failure = shell('ulimit -n >&2; echo \'{"a": {"x": 1}}\'')
            assert (outcome.status, outcome.error, failure) == (0, "", "")
            assert outcome.parsed.components == {"a": {"x": 1}}


def test_it_begins_though_whoever_begins_it_has_more_memory_than_it_may_have() -> None:
    environment = {f"X{number}": "x" * 100_000 for number in range(15)}  # what it begins with takes memory, too
    with mmap.mmap(-1, 80 * MIB):
        outcome, failure = shell('echo \'{"a": {"x": 1}}\'', memory_mib=64, environment=environment)
    assert (outcome.status, outcome.error, failure) == (0, "", "")


def test_it_begins_with_nothing_but_what_it_needs() -> None:
    wanted = min(19, os.nice(0) + 7)
    text = (
        "import os, sys, json, resource, signal, time\n"
        f"while os.nice(0) < {wanted}:\n"  # that is set when it has begun
        "    time.sleep(0.001)\n"
        "print(json.dumps({'pid': os.getpid(), 'sid': os.getsid(0), 'cwd': os.getcwd(),"
        "'stdin': os.read(0, 9).decode(),"
        "'fds': sorted(map(int, os.listdir('/proc/self/fd')))[:4], 'env': sorted(os.environ),"
        "'core': resource.getrlimit(resource.RLIMIT_CORE), 'files': resource.getrlimit(resource.RLIMIT_NOFILE)[0],"
        "'blocked': list(map(int, signal.pthread_sigmask(0, []))), 'nice': os.nice(0)}))"
    )
    outcome, _ = python(text, files=99, nice=7)
    said = json.loads(outcome.head)
    assert said["pid"] == said["sid"]
    assert (said["cwd"], said["stdin"], said["core"], said["files"], said["blocked"]) == ("/", "", [0, 0], 99, [])
    assert said["fds"] == [0, 1, 2, 3]  # the last one reads that folder
    assert set(said["env"]) <= {"PATH", "LC_CTYPE"}
    assert said["nice"] == wanted


def test_no_shell_sees_its_arguments() -> None:
    mark = "$(touch /tmp/x); `id` * ' \" \\"
    outcome = run_apart(order("/usr/bin/printf", "%s|", mark, "b c"))
    assert outcome.head == f"{mark}|b c|"


@pytest.mark.skipif(not ROOT, reason="only root changes users")
def test_it_runs_as_the_user_that_is_chosen_with_no_groups_of_ours() -> None:
    outcome = run_apart(order("/usr/bin/id", user=User(65534, 65534, [65534])))
    assert outcome.head == "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)"


def hung(text: str, said: str) -> tuple[Outcome, str, float]:
    """A probe that hangs once it has said something; a slow machine gives it more time to come so far."""
    for timeout_s in (0.5, 5.0, 50.0):
        outcome, failure = python(text, timeout_s=timeout_s)
        if outcome.head == said:
            break
    return outcome, failure, timeout_s


def test_one_that_hangs_is_ended_with_all_that_it_has_begun() -> None:
    mark = uuid.uuid4().hex
    text = f"import os, time\nfor _ in range(3):\n    os.fork()\nos.write(1, b'.')\ntime.sleep(1000)  # {mark}"
    outcome, failure, timeout_s = hung(text, "." * 8)
    assert (outcome.late, outcome.left, outcome.alive) == (True, 7, 0)
    assert failure == f"probe x had not ended after {timeout_s:g} s, and was ended, with 7 processes that it had begun"
    assert alive(mark) == []


def test_one_that_heeds_no_signal_is_killed() -> None:
    mark = uuid.uuid4().hex
    text = f"import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint(1, flush=True)\ntime.sleep(1000)  # {mark}"
    outcome, _, _ = hung(text, "1")
    assert (outcome.late, outcome.alive, outcome.head) == (True, 0, "1")
    assert alive(mark) == []


def test_what_becomes_a_daemon_does_not_get_away_and_holds_nothing_up() -> None:
    mark = uuid.uuid4().hex
    text = (
        "import os, sys, time, signal\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    signal.signal(15, signal.SIG_IGN)\n"
        "    if os.fork() == 0:\n"
        "        os.write(1, b'')\n"
        f"        time.sleep(1000)  # {mark}: it holds both pipes\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        'print(\'{"a": {"x": 1}}\')\n'
    )
    outcome, failure = python(text)
    assert outcome.parsed.components == {"a": {"x": 1}}, "what it printed counts all the same"
    assert outcome.left == 1
    assert failure == "probe x left 1 process behind, ended now: what a probe begins ends with it"
    assert alive(mark) == []


def test_output_without_end_is_cut() -> None:
    made = order("/usr/bin/yes", output_kib=64)
    outcome = run_apart(made)
    assert (outcome.cut, outcome.printed, outcome.status) == (True, 65536, None)
    assert troubles.failure("x", made, outcome) == "probe x printed more than 64 KiB, and was ended"
    assert outcome.parsed.components == {}
    assert len(outcome.head) < 5000


def test_standard_error_without_end_is_cut_too() -> None:
    outcome, _ = shell("exec yes >&2")
    assert outcome.cut
    assert len(outcome.errors) <= 4200


def test_one_that_dies_by_a_signal() -> None:
    _, failure = shell("echo before >&2; kill -SEGV $$")
    assert failure == "probe x was killed by SIGSEGV (11): before"


def test_one_that_raises() -> None:
    outcome, failure = python('print(\'{"a": {"x": 1}}\'); 1 / 0')
    assert failure == "probe x ended with exit status 1: ZeroDivisionError: division by zero"
    assert outcome.parsed.components == {"a": {"x": 1}}


def test_memory_and_cpu_time_are_limited() -> None:
    text = (
        "import resource, time\n"
        f"while resource.getrlimit(resource.RLIMIT_AS)[0] > {100 * MIB}:\n"  # that is set when it has begun
        "    time.sleep(0.001)\n"
        "x = bytearray(10**9)"
    )
    _, failure = python(text, memory_mib=100)
    assert failure == "probe x ended with exit status 1 (it may have 100 MiB of memory): MemoryError"
    outcome, failure = python("while True: pass", cpu_s=1, timeout_s=100)
    assert failure == "probe x used more than 1 s of CPU time, and was ended"
    assert outcome.status == -24


def test_what_cannot_be_begun_is_told(tmp_path: Path) -> None:
    def failure(text: str, mode: int) -> str:
        path = tmp_path / "p"
        path.write_text(text)
        path.chmod(mode)
        return run_apart(order(str(path))).error.replace(str(tmp_path), "")

    assert failure("hello", 0o755).startswith("/p is no program: its first line has to be #!")
    assert failure("#!/no/such\n", 0o755) == "what the first line of /p names behind #! is not there"
    assert failure("#!/bin/sh\n", 0o644).startswith("the collector's user may not run /p:")
    assert run_apart(order("/no/such/file")).error == "/no/such/file could not be begun: No such file or directory"


# --- functions --------------------------------------------------------------------------------------------------------


def function(tmp_path: Path, text: str, *arguments: str) -> tuple[Outcome, str]:
    path = tmp_path / "probe.py"
    path.write_text(text)
    made = order(sys.executable, "-I", "-S", PYCHILD, str(path), *arguments)
    outcome = run_apart(made)
    return outcome, troubles.failure("x", made, outcome)


def test_a_function_gets_arguments_and_gives_figures_and_a_handler(tmp_path: Path) -> None:
    text = "def probe(*names):\n    print('noise')\n    return {one: {'x': 1} for one in names}, 'tracking'\n"
    outcome, failure = function(tmp_path, text, "a", "b")
    assert (outcome.parsed.components, outcome.parsed.handler) == ({"a": {"x": 1}, "b": {"x": 1}}, "tracking")
    assert (outcome.errors, failure) == ("noise", "")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("def probe(): return {'a': {'x': object()}}", "TypeError: Object of type object is not JSON serializable"),
        ("def probe(): raise OSError('no disk')", "OSError: no disk"),
        ("x = 1", "has no function probe(); one that is a program needs a line #!, and to be executable"),
        ("def probe(:", "SyntaxError"),
        ("def probe(one): return {}", "TypeError: probe() missing 1 required positional argument"),
    ],
)
def test_a_function_that_fails_is_told(tmp_path: Path, text: str, word: str) -> None:
    _, failure = function(tmp_path, text)
    assert failure.startswith("probe x ended with exit status 1: ")
    assert word in failure


def test_a_function_of_an_installed_package() -> None:
    outcome = run_apart(order(sys.executable, "-I", "-S", PYCHILD, "json:loads", '{"a": {"x": 1}}'))
    assert outcome.parsed.components == {"a": {"x": 1}}


def test_a_function_that_gives_nan(tmp_path: Path) -> None:
    outcome, _ = function(tmp_path, "def probe(): return {'a': {'x': float('nan'), 'y': 2}}")
    assert outcome.parsed.components == {"a": {"y": 2}}
    assert outcome.parsed.flaws[0].sentence == "line 1, column 13: the point 'x' of 'a' is no number"


def test_our_own_limits_are_as_before() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    shell("true", memory_mib=100)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_one_that_multiplies_is_ended_before_its_time() -> None:
    mark = uuid.uuid4().hex
    # Each waits for its children, so that they are all there at once; it ends by itself, should nobody end it.
    text = f"for i in $(seq 300); do sleep 15 & done; wait; : {mark}"
    outcome, failure = shell(text, timeout_s=20)
    assert outcome.status is None
    assert not outcome.late
    assert "more than 100 processes" in failure
    assert outcome.alive == 0
    assert not alive(mark)


def test_a_file_that_it_writes_is_bounded(tmp_path: Path) -> None:
    outcome, _ = shell(f"truncate -s 300M {tmp_path}/large; echo $?")
    assert outcome.head == str(128 + signal.SIGXFSZ)
    assert (tmp_path / "large").stat().st_size <= 256 << 20


def test_the_file_that_was_looked_at_is_run_whatever_becomes_of_links(tmp_path: Path) -> None:
    good, bad, link = (tmp_path / name for name in ("good", "bad", "link"))
    for path in (good, bad):
        path.write_text(f"#!/bin/sh\necho {path.name}\n")
        path.chmod(0o755)
    link.symlink_to(good)
    probe = probe_of([str(link)], {}, [str(tmp_path / "*")])
    link.unlink()
    link.symlink_to(bad)
    outcome = run_apart(order(*probe.program, program=probe.real))
    assert outcome.head == "good"


def test_its_memory_is_not_that_of_whoever_began_it() -> None:
    # More than a pipe takes: it is there until somebody has looked at it.
    small, _ = shell("printf '%200000s' ''")
    assert 0 < small.memory_bytes < 8 * MIB
    large, _ = python(f"held = b'1' * {300 * MIB}; print(' ' * 200_000)")
    assert 300 * MIB < large.memory_bytes < 400 * MIB


def test_what_whoever_begins_it_has_let_go_of_ends_there_alone(tmp_path: Path) -> None:
    """Its end would close files here, whose numbers are those of others by now."""
    ended = tmp_path / "ended"

    class Circle:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            with ended.open("a") as file:
                file.write(f"{os.getpid()}\n")

    gc.collect()
    Circle()
    outcome, _ = python("import json; print(json.dumps({f'c{n}': {'x': n} for n in range(900)}))")
    gc.collect()
    assert len(outcome.parsed.components) == 900
    assert ended.read_text().split() == [str(os.getpid())]
