"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Sorted by its code points, as SQLite does, whatever language a server is set up for.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables."""
    _create_the_log()
    _create_tickets()
    _create_what_the_engine_said()
    _create_alerts()
    _create_handling()
    _create_accounts()


def downgrade() -> None:
    """Refuse: nothing was before."""
    raise NotImplementedError("the first version has none before it; restore a backup instead")


def _create_the_log() -> None:
    op.create_table(
        "log",
        sa.Column("position", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("appended_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_log_appended_ms", "log", ["appended_ms"])
    op.create_index("ix_log_kind_position", "log", ["kind", "position"])
    op.create_table(
        "freshness",
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("event_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_freshness"),
    )
    op.create_table(
        "loads",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("files", _TEXT, nullable=False),
        sa.Column("mapping", _TEXT, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_loads"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "history",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("load_id", _NUMBER, nullable=False),
        sa.Column("day_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["load_id"], ["loads.id"], name="fk_history_load_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_history"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_history_day_ms_source", "history", ["day_ms", "source"])
    op.create_index("ix_history_load_id", "history", ["load_id"])


def _create_tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("ticket_id", _TEXT, nullable=False),
        sa.Column("outcome", _TEXT, nullable=False),
        sa.Column("last_outcome", _TEXT, nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("category", _TEXT, nullable=False),
        sa.Column("area", _TEXT, nullable=False),
        sa.Column("times_received", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "ticket_id", name="pk_tickets"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tickets_received_ms", "tickets", ["received_ms"])
    op.create_table(
        "dead_letters",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("ticket_key", sa.BigInteger(), nullable=True),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("replayed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letters"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dead_letters_at", "dead_letters", ["at"])
    op.create_index("ix_dead_letters_reason_id", "dead_letters", ["reason", "id"])
    op.create_index("ix_dead_letters_ticket_key", "dead_letters", ["ticket_key"])
    op.create_table(
        "quarantine",
        sa.Column("letter_id", _NUMBER, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("original", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["dead_letters.id"], name="fk_quarantine_letter_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("letter_id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_until", "quarantine", ["until"])
    op.create_table(
        "quarantine_reads",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("letter_id", _NUMBER, nullable=False),
        sa.Column("reader", _TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine_reads"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_quarantine_reads_letter_id", "quarantine_reads", ["letter_id"])


def _create_what_the_engine_said() -> None:
    op.create_table(
        "meta",
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.create_table(
        "snapshots",
        sa.Column("era", sa.Integer(), nullable=False),
        sa.Column("position", _NUMBER, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("era", "position", "part", name="pk_snapshots"),
    )
    op.create_table(
        "signals",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("raised_at", _TEXT, nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signals"),
    )
    op.create_index("ix_signals_updated_at", "signals", ["updated_at"])
    op.create_table(
        "points",
        sa.Column("series", _TEXT, nullable=False),
        sa.Column("length", _TEXT, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("series", "length", "start", name="pk_points"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_points_start", "points", ["start"])
    op.create_table(
        "feed",
        sa.Column("sequence", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("change", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_feed"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_at", "feed", ["at"])


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("status", _TEXT, nullable=False),
        sa.Column("disposition", _TEXT, nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("assignee", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_closed_at", "alerts", ["closed_at"])
    op.create_index("ix_alerts_raised_at_id", "alerts", ["raised_at", "id"])
    op.create_index("ix_alerts_severity_raised_at_id", "alerts", ["severity", "raised_at", "id"])
    op.create_index("ix_alerts_updated_at_id", "alerts", ["updated_at", "id"])
    op.create_table(
        "alert_bodies",
        sa.Column("alert_id", _TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_bodies_alert_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alert_bodies"),
    )
    op.create_table(
        "alert_names",
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("alert_id", _TEXT, nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_names_alert_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "name", "alert_id", name="pk_alert_names"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alert_names_alert_id", "alert_names", ["alert_id"])
    op.create_table(
        "aliases",
        sa.Column("alias", _TEXT, nullable=False),
        sa.Column("alert_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("alias", name="pk_aliases"),
    )
    op.create_index("ix_aliases_alert_id", "aliases", ["alert_id"])


def _create_handling() -> None:
    op.create_table(
        "handlings",
        sa.Column("alert_id", _TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("snoozed_until", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name="pk_handlings"),
    )
    op.create_index("ix_handlings_snoozed_until", "handlings", ["snoozed_until"])
    op.create_table(
        "handling_entries",
        sa.Column("alert_id", _TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "version", name="pk_handling_entries"),
    )
    op.create_table(
        "plans",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_plans"),
    )
    op.create_index("ix_plans_end", "plans", ["end"])


def _create_accounts() -> None:
    op.create_table(
        "users",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("role", _TEXT, nullable=False),
        sa.Column("password_hash", _TEXT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", _TEXT, nullable=False),
        sa.Column("user", _TEXT, nullable=False),
        sa.Column("csrf", _TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_user", "sessions", ["user"])
    op.create_table(
        "api_keys",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("prefix", _TEXT, nullable=False),
        sa.Column("key_hash", _TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_table(
        "one_time_tokens",
        sa.Column("token_hash", _TEXT, nullable=False),
        sa.Column("user", _TEXT, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_one_time_tokens"),
    )
    op.create_table(
        "sources",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("mapping", _TEXT, nullable=False),
        sa.Column("title_zh", _TEXT, nullable=False),
        sa.Column("title_en", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sources"),
    )
