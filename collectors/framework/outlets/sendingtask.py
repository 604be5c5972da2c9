"""What the daemon and the sending process tell each other: apart, as the daemon has no need of what sends."""

from __future__ import annotations

from msgspec import Struct

from collectors.framework.outlets.settings import RemoteWriteSettings

PROGRESS = "progress"
"""File beside the segments: the number of the last sample that was taken."""


class Task(Struct, frozen=True):
    """What is to be sent, and where to."""

    settings: RemoteWriteSettings
    labels: dict[str, str]
    software: str


class Sent(Struct, kw_only=True, omit_defaults=True):
    """What the sending process tells the daemon.

    Attributes:
        sent: values that were taken.
        refused: values of requests that the other side would never take.
        dropped: samples that waited too long, or were too many.
        waiting_bytes: what lies in the spool.
        problem: a sentence; empty when all is well.
    """

    sent: int = 0
    requests: int = 0
    refused: int = 0
    dropped: int = 0
    waiting_bytes: int = 0
    problem: str = ""
