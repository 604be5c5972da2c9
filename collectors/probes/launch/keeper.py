"""The process beside a probe: it begins it, reads what it prints, ends it in time, and tells what became of it."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import subprocess
import time
from pathlib import Path

from collectors.probes.launch.limits import Limits, alone, take_orphans
from collectors.probes.launch.orders import MAX_HEAD, MAX_STDERR, Outcome, Run, encode
from collectors.probes.launch.tree import descendants, end_all, reap
from collectors.probes.output.parse import parse
from collectors.probes.output.parsed import Parsed
from collectors.probes.output.places import shown

GRACE_S = 1.0
"""From SIGTERM to SIGKILL."""
CHUNK = 1 << 16
KIB = 1024
MAX_ERRORS_BYTES = 64 << 20
"""Of standard error: whoever prints more is ended, too."""
MAX_ERROR_LINES = 40
MOST_PROCESSES = 100
"""Whatever begins more at once is ended: it would leave none for others."""
COUNT_S = 0.2
"""How often they are counted."""


def run(order: Run, ended: int | None = None) -> Outcome:
    """Run a probe once; all that it has begun has ended when this returns.

    It changes this process, which takes orphans from now on, and reaps all its children: give it one of its own.

    Args:
        order: what to run.
        ended: a descriptor that becomes readable when the run is not wanted any more.
    """
    take_orphans()
    begun = time.monotonic()
    limits = Limits(order.cpu_s, order.memory_mib, order.files, order.nice)
    try:
        with limits:
            child = subprocess.Popen(
                order.argv,
                executable=order.program or None,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env=order.environment,
                start_new_session=True,
                umask=0o077,
                user=None if order.user is None else order.user.uid,
                group=None if order.user is None else order.user.gid,
                extra_groups=None if order.user is None else order.user.groups,
            )
    except OSError as error:
        return Outcome(number=order.number, error=_not_begun(order, error))
    except (subprocess.SubprocessError, ValueError) as error:
        return Outcome(number=order.number, error=f"it could not be begun: {error}")
    limits.close(child.pid)
    watch = _Watch(child, order, begun + order.timeout_s, ended)
    watch.go()
    return watch.outcome(begun)


def run_into(order: Run, theirs: int) -> None:
    """Be the process beside a probe: run it once, write what becomes of it to a pipe. SIGTERM ends it before its time.

    Args:
        order: what to run.
        theirs: the end of the pipe that is written to; nothing else that this process has inherited stays open.
    """
    wake_out, wake_in = os.pipe()
    alone(theirs, wake_out, wake_in)
    os.set_blocking(wake_in, False)
    signal.set_wakeup_fd(wake_in)
    signal.signal(signal.SIGTERM, lambda *_: None)
    data = encode(run(order, wake_out))
    with os.fdopen(theirs, "wb") as file:
        file.write(data)


class _Watch:
    """One run, from its begin to its end."""

    def __init__(self, child: subprocess.Popen[bytes], order: Run, deadline: float, ended: int | None) -> None:
        self._child = child
        self._order = order
        self._deadline = deadline
        self._ended = ended
        self._out = bytearray()
        self._errors = bytearray()
        self._errors_bytes = 0
        self._status: int | None = None
        self._cpu_s = 0.0
        self._most_bytes = 0
        self._seen_bytes = _peak_bytes(child.pid)
        self._heard = False
        self._late = self._cut = self._cancelled = self._many = False
        self._count_at = time.monotonic() + COUNT_S
        self.left = self.alive = 0

    def go(self) -> None:
        """Read and wait until it has ended, or has to."""
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        out, errors = self._child.stdout.fileno(), self._child.stderr.fileno()
        os.set_blocking(out, False)
        os.set_blocking(errors, False)
        pidfd = os.pidfd_open(self._child.pid)
        poll = select.poll()
        for descriptor in (out, errors, pidfd, *([] if self._ended is None else [self._ended])):
            poll.register(descriptor, select.POLLIN)
        while not self._cut and self._status is None:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                self._late = True
                break
            for descriptor, _ in poll.poll(min(left_s, COUNT_S) * 1000 + 1):
                if descriptor == self._ended:
                    self._cancelled = True
                elif descriptor == pidfd:
                    self._reap()
                elif not self._read(descriptor, is_out=descriptor == out):
                    poll.unregister(descriptor)
            if self._cancelled or self._swarms():
                break
        os.close(pidfd)
        if self._status is not None:  # what still is in the pipes; whoever else holds them is not waited for
            while self._read(out, is_out=True) and not self._cut and not self._dry:
                pass
            while self._read(errors, is_out=False) and not self._dry and not self._cut:
                pass
        self.left, self.alive = self._end()

    def _swarms(self) -> bool:
        """Whether there are too many of them by now."""
        now = time.monotonic()
        if now >= self._count_at:
            self._count_at = now + COUNT_S
            self._many = len(descendants(os.getpid())) > MOST_PROCESSES
        return self._many

    def _end(self) -> tuple[int, int]:
        if self._status is not None:
            return end_all(GRACE_S / 2)
        seen, alive = end_all(GRACE_S)
        return max(seen - 1, 0), alive  # it is one of them itself

    def _reap(self) -> None:
        try:
            _, status, usage = os.wait4(self._child.pid, os.WNOHANG)
        except ChildProcessError:
            return
        self._status = self._child.returncode = os.waitstatus_to_exitcode(status)
        self._cpu_s = usage.ru_utime + usage.ru_stime
        self._most_bytes = usage.ru_maxrss * KIB

    def _read(self, descriptor: int, *, is_out: bool) -> bool:
        """Take what is there; False when there will be no more."""
        self._dry = False
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            self._dry = True
            return True
        except OSError:
            return False
        if not self._heard:  # it has something to say: a good moment to see how large it has become
            self._heard, self._seen_bytes = True, max(self._seen_bytes, _peak_bytes(self._child.pid))
        if is_out:
            room = self._order.output_kib * 1024 - len(self._out)
            self._out += data[:room]
            self._cut = self._cut or len(data) > room
        else:
            self._errors_bytes += len(data)
            self._errors += data
            del self._errors[:-MAX_STDERR]
            self._cut = self._cut or self._errors_bytes > MAX_ERRORS_BYTES
        return bool(data)

    def _memory(self) -> int:
        """What its largest process took: Linux counts what this one had when it began it, as if it were its own."""
        ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
        return self._most_bytes if self._most_bytes > ours else self._seen_bytes

    def outcome(self, begun: float) -> Outcome:
        """What became of it."""
        if self._child.returncode is None:
            self._child.returncode = -signal.SIGKILL  # it was reaped with the others
        reap()
        good = self._status is not None and self._status >= 0 and not self._cut
        error = "it was ended, because nobody waits for it any more" if self._cancelled else ""
        if self._many:
            error = f"it was ended, because it had begun more than {MOST_PROCESSES} processes"
        return Outcome(
            number=self._order.number,
            error=error,
            status=self._status,
            late=self._late,
            cut=self._cut,
            left=self.left,
            alive=self.alive,
            wall_s=time.monotonic() - begun,
            cpu_s=self._cpu_s,
            memory_bytes=self._memory(),
            errors=_lines(bytes(self._errors)),
            head=_lines(bytes(self._out[:MAX_HEAD])),
            printed=len(self._out),
            parsed=parse(bytes(self._out), self._status) if good and self._status is not None else Parsed(),
        )


def _peak_bytes(pid: int) -> int:
    """The most that a process had in memory so far (proc(5), VmHWM); 0 when it has ended."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123 - once for each run
            words = file.read().partition(b"VmHWM:")[2].split(None, 1)
    except OSError:
        return 0
    return int(words[0]) * KIB if words else 0


def _lines(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").splitlines()
    return "\n".join(shown(line, 300) for line in lines[-MAX_ERROR_LINES:])


def _not_begun(order: Run, error: OSError) -> str:
    program = shown(order.argv[0])
    if error.errno == errno.ENOEXEC:
        return (
            f"{program} is no program: its first line has to be #! and the path of what runs it, for example #!/bin/sh"
        )
    if error.errno == errno.ENOENT and Path(order.argv[0]).exists():
        return f"what the first line of {program} names behind #! is not there"
    if error.errno == errno.E2BIG:
        return f"the arguments of {program} are too long"
    who = f"user {order.user.uid}" if order.user is not None else "the collector's user"
    if error.errno == errno.EACCES:
        return f"{who} may not run {program}: it, and the folders above it, have to be readable and executable for it"
    if error.errno == errno.EPERM and order.user is not None:
        return f"it cannot run as {who}: only a collector that runs as root can change users"
    return f"{program} could not be begun: {error.strerror or error}"
