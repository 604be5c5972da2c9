"""Several daemons of a collector may have the same alarm: it is open until none of them has it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("others", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("events", "others")
