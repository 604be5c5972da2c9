"""What both ends of the hub's door are known by, whatever host they are on."""

from __future__ import annotations

DEFAULT_PORT = 8789
HUB_NAME = "hub.tocsin.internal"
"""That the hub's certificate bears."""
