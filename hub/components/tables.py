"""The table of components."""

from __future__ import annotations

from sqlalchemy import Column, Float, String, Table, Text

from hub.model.tables import metadata

device_components = Table(
    "device_components",
    metadata,
    Column("device", String(255), primary_key=True),
    Column("modelled_at", Float),
    Column("body", Text, nullable=False),
)
