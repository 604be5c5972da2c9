"""Who keeps a daemon running."""

from __future__ import annotations

import os
import subprocess
import sys

from common.daemon_keeper import KEEPER, environment, kept_by

SLEEP = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]


def keeper_of(env: dict[str, str]) -> int | None:
    with subprocess.Popen(SLEEP, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        return kept_by(child.pid)


def test_a_process_that_was_started_to_be_kept_has_its_parent_as_its_keeper() -> None:
    assert keeper_of(environment()) == os.getpid()


def test_others_have_none() -> None:
    plain = {name: value for name, value in os.environ.items() if name != KEEPER}
    assert keeper_of(plain) is None
    assert keeper_of({**plain, KEEPER: "1"}) is None  # whoever kept it is not its parent
    assert kept_by(0) is None
