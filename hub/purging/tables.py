"""The table of what devices left behind."""

from __future__ import annotations

from sqlalchemy import Column, Float, String, Table, Text

from hub.model.tables import metadata

remnants = Table(
    "remnants",
    metadata,
    Column("device", String(255), primary_key=True),
    Column("collector", String(255), primary_key=True),
    Column("since", Float, nullable=False),
    Column("purge_by", Text, nullable=False),
    Column("daemon", String(255), primary_key=True),
)
