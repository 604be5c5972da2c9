"""The process that runs probes: orders come in, outcomes go out, and beside each probe stands a fork of this process.

Run as `python -m collectors.probes.launch.launcher`; it ends, and all probes with it, when its standard input does.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import time
from collections.abc import Callable

from collectors.probes.launch.keeper import run_into
from collectors.probes.launch.limits import end_with_parent, take_orphans
from collectors.probes.launch.orders import (
    KILLED,
    MAX_BYTES,
    Cancel,
    Outcome,
    Run,
    decode_order,
    decode_outcome,
    encode,
)
from collectors.probes.launch.tree import end_strays
from common.pipes import Messages, framed

CHUNK = 1 << 16
STOP_S = 5.0
STDIN, STDOUT = 0, 1


class _Kept:
    """A probe that runs, and the process beside it."""

    def __init__(self, number: int, pid: int) -> None:
        self.number = number
        self.pid = pid
        self.data = bytearray()

    def outcome(self) -> bytes:
        """What that process told before it ended."""
        try:
            decode_outcome(bytes(self.data))
        except ValueError:
            return encode(Outcome(number=self.number, error=KILLED))
        return bytes(self.data)


class Launcher:
    """Takes orders.

    Args:
        tell: takes an outcome, as bytes.
    """

    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell
        self._poll = select.poll()
        self._kept: dict[int, _Kept] = {}

    def serve(self) -> None:
        """Work until the standard input ends."""
        messages = Messages(MAX_BYTES)
        self._poll.register(STDIN, select.POLLIN)
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != STDIN:
                    self._hear(descriptor)
                    continue
                data = os.read(STDIN, CHUNK)
                if not data:
                    self._end()
                    return
                for body in messages.bodies(data):
                    self._do(decode_order(body))

    def _do(self, order: Run | Cancel) -> None:
        if isinstance(order, Cancel):
            for kept in self._kept.values():
                if kept.number == order.number:
                    os.kill(kept.pid, signal.SIGTERM)
            return
        try:
            ours, theirs = os.pipe()
        except OSError as error:
            self._tell(encode(Outcome(number=order.number, error=f"it could not be begun: {error.strerror}")))
            return
        try:
            pid = os.fork()
        except OSError as error:
            os.close(ours)
            os.close(theirs)
            self._tell(encode(Outcome(number=order.number, error=f"it could not be begun: {error.strerror}")))
            return
        if not pid:
            _keep(order, theirs)
        os.close(theirs)
        self._kept[ours] = _Kept(order.number, pid)
        self._poll.register(ours, select.POLLIN)

    def _hear(self, descriptor: int) -> None:
        kept = self._kept[descriptor]
        data = os.read(descriptor, CHUNK)
        if data:
            kept.data += data
            return
        self._poll.unregister(descriptor)
        os.close(descriptor)
        del self._kept[descriptor]
        _, status = os.waitpid(kept.pid, 0)
        if status:  # what it had begun has become ours
            end_strays({one.pid for one in self._kept.values()})
        self._tell(kept.outcome())

    def _end(self) -> None:
        """Have all probes ended."""
        for kept in self._kept.values():
            os.kill(kept.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        left = {kept.pid for kept in self._kept.values()}
        while left and time.monotonic() < deadline:
            left = {pid for pid in left if os.waitpid(pid, os.WNOHANG)[0] == 0}
            time.sleep(0.01)


def _keep(order: Run, theirs: int) -> None:
    """Be the process beside a probe, to its end."""
    status = 1
    try:
        end_with_parent(signal.SIGTERM)
        run_into(order, theirs)
        status = 0
    except BrokenPipeError:
        pass
    except BaseException as error:  # noqa: BLE001 - the supervisor of this process
        sys.stderr.write(f"defect beside a probe: {type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(status)


def main() -> int:
    """Run the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which then ends our input

    def tell(body: bytes) -> None:
        data = framed(body)
        while data:
            data = data[os.write(STDOUT, data) :]

    take_orphans()
    gc.collect()
    gc.freeze()  # what is there is not touched by forks
    gc.disable()
    try:
        Launcher(tell).serve()
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
