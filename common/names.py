"""How devices and documents are called."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

DeviceId = Annotated[str, Meta(min_length=1, max_length=255)]
Slug = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")]
