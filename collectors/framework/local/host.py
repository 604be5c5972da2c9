"""What all sources of this host have in common, in one daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from collectors.framework.local.handles import Handles
from collectors.framework.local.outcomes import Outcomes
from collectors.framework.local.own import OwnDaemons


class LocalHost:
    """Shared by the local sources of a daemon.

    Attributes:
        handles: files that they keep open.
        outcomes: what they could not read.
        own: knows Tocsin's own daemons.
    """

    def __init__(self, handles: Handles | None = None, folder: Path | None = None) -> None:
        self.handles = handles or Handles()
        self.outcomes = Outcomes()
        self.own = OwnDaemons(folder)

    def figures(self) -> dict[str, Any]:
        """Figures for `stats`."""
        return {"unread": self.outcomes.figures(), "files_kept_open": self.handles.kept}
