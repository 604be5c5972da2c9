"""The tables of events: records, how far each spool is stored, and the daemons that have sent any."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text, text

from hub.model.tables import BigNumber, metadata

# open_fingerprint is the fingerprint while the record is open and NULL afterwards, so that "one open record for each
# alarm" is a plain unique constraint, which every database has.
events = Table(
    "events",
    metadata,
    Column("id", BigNumber, primary_key=True, autoincrement=False),
    Column("change", BigInteger, nullable=False, unique=True),
    Column("open_fingerprint", String(32), unique=True),
    Column("fingerprint", String(32), nullable=False),
    Column("device", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("event_class", Text, nullable=False),
    Column("event_key", Text, nullable=False),
    Column("event_group", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_by", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("closed_at", Float),
    Column("collector", Text, nullable=False),
    Column("daemon", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("others", Text, nullable=False, server_default="{}"),
    Index(None, "last_seen"),
    Index(None, "state", "last_seen"),
    Index(None, "device"),
    Index(None, "closed_at"),
    Index(None, "state_by", sqlite_where=text("state_by <> ''"), postgresql_where=text("state_by <> ''")),
)

counters = Table(
    "event_counters",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

spools = Table(
    "event_spools",
    metadata,
    Column("collector", String(255), primary_key=True),
    Column("daemon", String(100), primary_key=True),
    Column("spool", String(100), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", Float, nullable=False),
)

daemons = Table(
    "daemons",
    metadata,
    Column("collector", String(255), primary_key=True),
    Column("daemon", String(100), primary_key=True),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
)
