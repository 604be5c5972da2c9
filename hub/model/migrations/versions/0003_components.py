"""What devices consist of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_components",
        sa.Column("device", sa.String(255), nullable=False),
        sa.Column("modelled_at", sa.Float()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device", name="device_components_pkey"),
    )


def downgrade() -> None:
    op.drop_table("device_components")
