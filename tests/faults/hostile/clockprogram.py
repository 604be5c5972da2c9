"""tocsin-process as it is, but for one thing: the process that writes series sees the clock that the daemon sees.

A daemon keeps its environment from the processes that it starts, and the clock of the tests is in the environment.
"""

from __future__ import annotations

import sys

from collectors.framework.data import child
from collectors.process.main import main
from tests.faults.hostile.clock import NAMES

if __name__ == "__main__":
    child.ENVIRONMENT = (*child.ENVIRONMENT, *NAMES)  # type: ignore[assignment]  # there may be more of them
    sys.exit(main())
