"""Where a thread stands, and for which task."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator
from types import FrameType

from msgspec import Struct

from collectors.framework.interfaces import ITask
from common.matching import printable

MAX_FRAMES = 30
DEEPEST = 500
_STDLIB = sysconfig.get_paths()["stdlib"]


class Place(Struct, frozen=True, kw_only=True):
    """Where a thread stands.

    Attributes:
        task: name of the task that it works for; empty where that cannot be told.
        at: file, line and function; of the standard library also what has called it.
        stack: the same of all that is the task's work, the innermost last.
    """

    task: str
    at: str
    stack: tuple[str, ...]


def place_of(innermost: FrameType, others: Callable[[], list[str]] = list) -> Place:
    """Where a frame is.

    Args:
        innermost: of the thread.
        others: names of the tasks that are under way, where the frames do not tell it.
    """
    frames = list(_frames(innermost))
    at = _words(frames[0])
    if _is_library(frames[0]):
        callers = (frame for frame in frames if not _is_library(frame))
        caller = next(callers, None)
        at = f"{at}, called at {_words(caller)}" if caller is not None else at
    task, depth = _task(frames)
    stack = tuple([_words(one) for one in frames[: min(depth, MAX_FRAMES)]][::-1])
    return Place(task=task or _one_of(others()), at=at, stack=stack)


def _frames(innermost: FrameType) -> Iterator[FrameType]:
    frame: FrameType | None = innermost
    for _ in range(DEEPEST):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _task(frames: list[FrameType]) -> tuple[str, int]:
    """The task whose method is under way, and how many frames are its work."""
    found = "", len(frames)
    for depth, frame in enumerate(frames, 1):
        if frame.f_code.co_varnames[:1] != ("self",):
            continue
        owner = frame.f_locals.get("self")
        if owner is not None and ITask.providedBy(owner):
            found = printable(str(getattr(owner, "name", "")), 255), depth
        elif found[0]:
            break
    return found


def _one_of(names: list[str]) -> str:
    """The task that it has to be; of several nobody knows which."""
    return names[0] if len(names) == 1 else ""


def _is_library(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    return path.startswith((_STDLIB, "<frozen")) and "-packages" not in path


def _words(frame: FrameType) -> str:
    path = "/".join(frame.f_code.co_filename.split("/")[-3:])
    return printable(f"{path}:{frame.f_lineno} in {frame.f_code.co_name}", 200)
