"""The tables of pools."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from hub.model.tables import BigNumber, metadata

pool_absences = Table(
    "pool_absences",
    metadata,
    Column("pool", String(255), primary_key=True),
    Column("collector", String(255), primary_key=True),
    Column("since", Float, nullable=False),
)

pool_moves = Table(
    "pool_moves",
    metadata,
    Column("id", BigNumber, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("pool", String(255), nullable=False),
    Column("source", String(255), nullable=False),
    Column("target", String(255), nullable=False),
    Column("devices", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Index(None, "pool", "id"),
)
