"""Files at collectors of devices that have left the model."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remnants",
        sa.Column("device", sa.String(255), nullable=False),
        sa.Column("collector", sa.String(255), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("purge_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device", "collector", name="remnants_pkey"),
    )


def downgrade() -> None:
    op.drop_table("remnants")
