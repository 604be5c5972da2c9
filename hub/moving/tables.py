"""The table of moves."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, String, Table, Text

from hub.model.tables import BigNumber, metadata

device_moves = Table(
    "device_moves",
    metadata,
    Column("device", String(255), primary_key=True),
    Column("source", String(255), primary_key=True),
    Column("target", String(255), nullable=False),
    Column("since", Float, nullable=False),
    Column("done_at", Float),
    Column("files", Integer, nullable=False),
    Column("bytes", BigNumber, nullable=False),
    Column("problem", Text, nullable=False),
    Column("daemon", String(255), primary_key=True),
)
