"""Members of pools that are absent, and the devices that moved."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pool_absences",
        sa.Column("pool", sa.String(255), nullable=False),
        sa.Column("collector", sa.String(255), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("pool", "collector", name="pool_absences_pkey"),
    )
    op.create_table(
        "pool_moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("pool", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("devices", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pool_moves_pkey"),
    )
    op.create_index("pool_moves_pool_id", "pool_moves", ["pool", "id"])


def downgrade() -> None:
    op.drop_table("pool_moves")
    op.drop_table("pool_absences")
