"""Documents, revisions, events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "site",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="site_pkey"),
    )
    op.create_table(
        "revisions",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="revisions_pkey"),
    )
    op.create_table(
        "documents",
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="documents_pkey"),
        sa.ForeignKeyConstraint(["revision"], ["revisions.number"], name="documents_revision_fkey"),
    )
    op.create_table(
        "document_changes",
        sa.Column("revision", BIG, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.PrimaryKeyConstraint("revision", "kind", "id", name="document_changes_pkey"),
        sa.ForeignKeyConstraint(["revision"], ["revisions.number"], name="document_changes_revision_fkey"),
    )
    op.create_table(
        "events",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("open_fingerprint", sa.String(32)),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("event_class", sa.Text(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("event_group", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_by", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", sa.Float(), nullable=False),
        sa.Column("last_seen", sa.Float(), nullable=False),
        sa.Column("closed_at", sa.Float()),
        sa.Column("collector", sa.Text(), nullable=False),
        sa.Column("daemon", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="events_pkey"),
        sa.UniqueConstraint("change", name="events_change_key"),
        sa.UniqueConstraint("open_fingerprint", name="events_open_fingerprint_key"),
    )
    op.create_index("events_last_seen", "events", ["last_seen"])
    op.create_index("events_state_last_seen", "events", ["state", "last_seen"])
    op.create_index("events_device", "events", ["device"])
    op.create_index("events_closed_at", "events", ["closed_at"])
    op.create_table(
        "event_counters",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="event_counters_pkey"),
    )
    op.create_table(
        "event_spools",
        sa.Column("collector", sa.String(255), nullable=False),
        sa.Column("daemon", sa.String(100), nullable=False),
        sa.Column("spool", sa.String(100), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("collector", "daemon", "spool", name="event_spools_pkey"),
    )
    op.create_table(
        "daemons",
        sa.Column("collector", sa.String(255), nullable=False),
        sa.Column("daemon", sa.String(100), nullable=False),
        sa.Column("first_seen", sa.Float(), nullable=False),
        sa.Column("last_seen", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("collector", "daemon", name="daemons_pkey"),
    )


def downgrade() -> None:
    for table in (
        "daemons", "event_spools", "event_counters", "events", "document_changes", "documents", "revisions", "site"
    ):
        op.drop_table(table)
