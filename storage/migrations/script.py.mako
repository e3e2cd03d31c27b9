"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What changes. A batch operation on an append-only table drops its guards: call `storage.guards.create` after it."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """There is no way back: events are kept for ever. Restore a copy instead."""
    raise NotImplementedError
