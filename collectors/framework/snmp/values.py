"""What the values of an agent mean; all of it may be anything, for hosts are not trusted."""

from __future__ import annotations

from collectors.framework.interfaces import SnmpValue


def text(value: SnmpValue) -> str:
    """An OCTET STRING as text; bytes that are no UTF-8 become U+FFFD."""
    return value.decode("utf-8", "replace").rstrip("\0") if isinstance(value, bytes) else ""
