"""Snapshots of the stages of a cluster, and how often a record ended a process."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "stage_snapshots",
        sa.Column("scope", _TEXT, nullable=False),
        sa.Column("era", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "era", "position", "part", name="pk_stage_snapshots"),
    )
    op.create_table(
        "attempts",
        sa.Column("topic", _TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "position", name="pk_attempts"),
    )


def downgrade() -> None:
    """Drop them: everything in them can be derived again."""
    op.drop_table("attempts")
    op.drop_table("stage_snapshots")
