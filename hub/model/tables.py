"""The tables of the model: documents as they are, and every revision that made them so."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, MetaData, String, Table, Text

NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

metadata = MetaData(naming_convention=NAMES)

# SQLite numbers rows only where the column is spelled INTEGER.
BigNumber = BigInteger().with_variant(Integer(), "sqlite")

site = Table(
    "site",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("number", BigNumber, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("summary", Text, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("kind", String(64), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("revision", BigNumber, ForeignKey(revisions.c.number), nullable=False),
    Column("body", Text, nullable=False),
)

document_changes = Table(
    "document_changes",
    metadata,
    Column("revision", BigNumber, ForeignKey(revisions.c.number), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("before", Text),
    Column("after", Text),
)
