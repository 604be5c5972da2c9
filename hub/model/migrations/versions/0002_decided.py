"""Events that an operator has decided about are found by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DECIDED = sa.text("state_by <> ''")


def upgrade() -> None:
    op.create_index(
        "events_state_by", "events", ["state_by"], sqlite_where=DECIDED, postgresql_where=DECIDED
    )


def downgrade() -> None:
    op.drop_index("events_state_by", "events")
