"""What crosses between the daemon and the process that runs probes."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from collectors.probes.output.parsed import Parsed

MAX_BYTES = 64 << 20
"""Of one message: more than the largest output, taken apart, can become."""
MAX_STDERR = 4096
MAX_HEAD = 4000


class User(Struct, frozen=True):
    """Whom a probe runs as."""

    uid: int
    gid: int
    groups: list[int] = []


class Run(Struct, frozen=True, kw_only=True, tag="run"):
    """Run a probe once.

    Attributes:
        number: of this run.
        argv: the program, as a path, and its arguments.
        environment: all of it.
        user: None for the collector's own.
        timeout_s: after which it is ended, with all that it has begun.
        program: the file that is run, with no links in its path; empty for the first of `argv`.
        cpu_s: of CPU time.
        nice: how far it stands back behind others, 0 to 19.
    """

    number: int
    argv: list[str]
    environment: dict[str, str] = {}
    user: User | None = None
    timeout_s: float = 30.0
    cpu_s: int = 30
    memory_mib: int = 512
    output_kib: int = 1024
    files: int = 256
    nice: int = 5
    program: str = ""


class Cancel(Struct, frozen=True, tag="cancel"):
    """End a run before its time."""

    number: int


Order = Run | Cancel


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a run.

    Attributes:
        error: why it could not be begun, or be watched; empty when it was.
        status: exit status; below 0 the signal that ended it; None when it did not end by itself.
        late: its time was over.
        cut: it printed more than it may.
        left: processes that it left behind, and that were ended.
        alive: processes that could not be ended.
        wall_s, cpu_s, memory_bytes: what it took; memory is that of its largest process, 0 when it ended before
            anybody could look.
        errors: the last of its standard error.
        head: the first of its standard output, for people.
    """

    number: int
    error: str = ""
    status: int | None = None
    late: bool = False
    cut: bool = False
    left: int = 0
    alive: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    memory_bytes: int = 0
    errors: str = ""
    head: str = ""
    printed: int = 0
    parsed: Parsed = Parsed()


KILLED = "the process that watched it was killed"

encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Order).decode
decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
