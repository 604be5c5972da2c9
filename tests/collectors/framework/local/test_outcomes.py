"""What could not be read, by kind."""

from __future__ import annotations

import errno

import psutil
import pytest

from collectors.framework.local.handles import FEWEST, MOST, Handles
from collectors.framework.local.outcomes import Kind, Outcomes, kind_of


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOENT, "no"), Kind.ENDED),
        (OSError(errno.ESRCH, "no"), Kind.ENDED),
        (OSError(errno.EACCES, "no"), Kind.DENIED),
        (OSError(errno.EPERM, "no"), Kind.DENIED),
        (OSError(errno.EMFILE, "no"), Kind.FAILED),
        (ValueError("x"), Kind.GARBLED),
        (IndexError("x"), Kind.GARBLED),
        (psutil.NoSuchProcess(5), Kind.ENDED),
        (psutil.ZombieProcess(5), Kind.ZOMBIE),
        (psutil.AccessDenied(5), Kind.DENIED),
        (psutil.TimeoutExpired(5), Kind.FAILED),
    ],
)
def test_every_error_has_its_kind(error: Exception, kind: Kind) -> None:
    assert kind_of(error) is kind


def test_whole_processes_and_parts_of_them_are_counted_apart() -> None:
    outcomes = Outcomes()
    outcomes.process(psutil.NoSuchProcess(5))
    outcomes.process(psutil.NoSuchProcess(6))
    outcomes.part(PermissionError(errno.EACCES, "no"))
    assert outcomes.figures() == {"processes": {"ended": 2}, "parts": {"denied": 1}}


def test_a_daemon_keeps_at_most_half_of_the_files_that_it_may_open() -> None:
    handles = Handles()
    assert 0 <= handles.most <= MOST
    assert handles.most == 0 or handles.most >= FEWEST // 2
    few = Handles(1)
    assert (few.take(), few.take()) == (True, False)
    few.give()
    assert few.take()
