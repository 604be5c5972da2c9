"""Several daemons of a collector have files, each its own: of moves and of what devices left behind it is said which."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOVES = "device, source, target, since, done_at, files, bytes, problem"
REMNANTS = "device, collector, since, purge_by"


def upgrade() -> None:
    op.rename_table("device_moves", "device_moves_before")
    op.create_table("device_moves", *_moves(), sa.PrimaryKeyConstraint("device", "source", "daemon"))
    op.execute(f"INSERT INTO device_moves ({MOVES}, daemon) SELECT {MOVES}, 'process' FROM device_moves_before")
    op.drop_table("device_moves_before")
    op.rename_table("remnants", "remnants_before")
    op.create_table("remnants", *_remnants(), sa.PrimaryKeyConstraint("device", "collector", "daemon"))
    op.execute(f"INSERT INTO remnants ({REMNANTS}, daemon) SELECT {REMNANTS}, 'process' FROM remnants_before")
    op.drop_table("remnants_before")


def downgrade() -> None:
    op.rename_table("device_moves", "device_moves_after")
    op.create_table("device_moves", *_moves()[:-1], sa.PrimaryKeyConstraint("device", "source"))
    op.execute(f"INSERT INTO device_moves ({MOVES}) SELECT {MOVES} FROM device_moves_after WHERE daemon = 'process'")
    op.drop_table("device_moves_after")
    op.rename_table("remnants", "remnants_after")
    op.create_table("remnants", *_remnants()[:-1], sa.PrimaryKeyConstraint("device", "collector"))
    op.execute(f"INSERT INTO remnants ({REMNANTS}) SELECT {REMNANTS} FROM remnants_after WHERE daemon = 'process'")
    op.drop_table("remnants_after")


def _moves() -> list[sa.Column[Any]]:
    return [
        sa.Column("device", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("done_at", sa.Float(), nullable=True),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("daemon", sa.String(255), nullable=False),
    ]


def _remnants() -> list[sa.Column[Any]]:
    return [
        sa.Column("device", sa.String(255), nullable=False),
        sa.Column("collector", sa.String(255), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("purge_by", sa.Text(), nullable=False),
        sa.Column("daemon", sa.String(255), nullable=False),
    ]
