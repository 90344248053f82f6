"""Where the originals of a cluster's refused items stand: in a topic, not in the database."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "origins",
        sa.Column("letter_id", _NUMBER, nullable=False),
        sa.Column("topic", _TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["dead_letters.id"], name="fk_origins_letter_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("letter_id", name="pk_origins"),
    )
    op.create_index("ix_origins_position", "origins", ["position"])


def downgrade() -> None:
    """Drop it: the letters stay, their originals can no longer be found."""
    op.drop_table("origins")
