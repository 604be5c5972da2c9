"""What all sources of this host have in common, in one daemon."""

from __future__ import annotations

from typing import Any

from collectors.framework.local.handles import Handles
from collectors.framework.local.outcomes import Outcomes


class LocalHost:
    """Shared by the local sources of a daemon.

    Attributes:
        handles: files that they keep open.
        outcomes: what they could not read.
    """

    def __init__(self, handles: Handles | None = None) -> None:
        self.handles = handles or Handles()
        self.outcomes = Outcomes()

    def figures(self) -> dict[str, Any]:
        """Figures for `stats`."""
        return {"unread": self.outcomes.figures(), "files_kept_open": self.handles.kept}
