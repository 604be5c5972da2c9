"""Why nobody answered, in words."""

from __future__ import annotations

import re


def why_unanswered(text: str) -> str:
    """Why there was no answer, as a part of a sentence, from what httpx or the system says of a connection."""
    if "refused" in text.lower():
        return "connection refused"
    if "Name or service" in text or "name resolution" in text:
        return "its name cannot be resolved"
    if "disconnected" in text or "reset by peer" in text:
        return "the connection was closed before an answer came"
    return re.sub(r"^\[Errno -?\d+\] ", "", text).rstrip(".") or "no connection"
