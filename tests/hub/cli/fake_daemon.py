"""A daemon that does nothing, or serves the fake API, for tests of `tocsin up`.

Usage: fake_daemon.py tocsin-hub|tocsin-process run --config FILE. A file `fail-NAME` beside the settings makes it fail.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.api import State


def main() -> int:
    name, settings = sys.argv[1], Path(sys.argv[4])
    if (settings.parent / f"fail-{name}").exists():
        print(f"{name}: the settings are wrong")
        return 1
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    document = tomllib.loads(settings.read_text())
    folder = settings.parent.parent / name.removeprefix("tocsin-")
    (folder / "pid").write_text(str(os.getpid()))
    if name == "tocsin-hub":
        from tests.fakes.api import TOKEN, FakeApi, State  # of the hub alone: the others have begun long before

        state = State()
        state.revision = 3 if (folder / "revision").exists() else 0
        api = FakeApi(state, document["http"]["port"])
        (folder / "operator.token").write_text(TOKEN + "\n")
        (folder / "run.json").write_text(json.dumps({"url": api.url}))
        threading.Thread(target=show_a_set, args=(state,), daemon=True).start()
    stop.wait()
    if name == "tocsin-hub" and state.applied:
        (folder / "revision").write_text("1")
        (folder / "applied.json").write_text(json.dumps({file.path: file.text for file in state.applied[0].files}))
    (folder / "stopped").write_text("yes")
    return 0


def show_a_set(state: State) -> None:
    """Have a set once there is a model."""
    while not state.applied:
        time.sleep(0.02)
    with state.lock:
        state.add_device("here")
        state.add_set("here", "cron")


if __name__ == "__main__":
    sys.exit(main())
