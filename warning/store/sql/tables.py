"""The tables. Every change here needs a migration (``tests/warning/store/sql/test_migrations.py`` compares the two).

Columns that end in ``_ms`` are milliseconds of the epoch, as the engine has them; the other times are
:class:`~warning.store.sql.moments.Moment`. A ``body`` is a domain object to the bit
(:mod:`warning.store.sql.bodies`); the columns beside it exist to be searched by.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from warning.store.sql.moments import Moment

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Name = Text().with_variant(Text(collation="C"), "postgresql")
"""A text that sorts by its code points, as in SQLite: the order must not depend on how a server was set up."""

Number = BigInteger().with_variant(Integer(), "sqlite")
"""A number the database gives: SQLite counts only in columns declared INTEGER."""


def _text(name: str) -> Column[str]:
    return Column(name, Name, nullable=False)


def _ms(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _given(name: str) -> Column[int]:
    """A number that grows with every row and is never given twice, also after the newest row was deleted."""
    return Column(name, Number, primary_key=True, autoincrement=True)


# --- what came in -----------------------------------------------------------------------------------------------------

log = Table(
    "log",
    metadata,
    _given("position"),
    _ms("appended_ms"),
    _text("kind"),
    _text("source"),
    Column("rows", Integer, nullable=False),
    _ms("first_ms"),
    _ms("last_ms"),
    Column("payload", LargeBinary, nullable=False),
    Index("ix_log_kind_position", "kind", "position"),
    Index("ix_log_appended_ms", "appended_ms"),
    sqlite_autoincrement=True,
)
"""The truth: one record a row (``kind``: tickets, tick, control)."""

freshness = Table(
    "freshness",
    metadata,
    Column("source", Name, primary_key=True),
    _ms("received_ms"),
    _ms("event_ms"),
)
"""When a source was last heard, and the largest event time it told of."""

loads = Table(
    "loads",
    metadata,
    _given("id"),
    _text("files"),
    _text("mapping"),
    Column("rows", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("loaded_at", Moment, nullable=False),
    _ms("until_ms"),
    sqlite_autoincrement=True,
)
"""Loads of history."""

history = Table(
    "history",
    metadata,
    _given("id"),
    Column("load_id", Number, ForeignKey("loads.id", ondelete="CASCADE"), nullable=False),
    _ms("day_ms"),
    _text("source"),
    Column("payload", LargeBinary, nullable=False),
    Index("ix_history_day_ms_source", "day_ms", "source"),
    Index("ix_history_load_id", "load_id"),
    sqlite_autoincrement=True,
)
"""Tickets of a load, one row a day and source."""

tickets = Table(
    "tickets",
    metadata,
    _text("source"),
    _text("ticket_id"),
    _text("outcome"),
    _text("last_outcome"),
    _ms("received_ms"),
    _ms("created_ms"),
    _text("category"),
    _text("area"),
    Column("times_received", Integer, nullable=False),
    PrimaryKeyConstraint("source", "ticket_id"),
    Index("ix_tickets_received_ms", "received_ms"),
    sqlite_with_rowid=False,
)
"""What became of each ticket, by the platform's own id."""

dead_letters = Table(
    "dead_letters",
    metadata,
    _given("id"),
    Column("at", Moment, nullable=False),
    _text("source"),
    Column("ticket_key", BigInteger),
    _text("reason"),
    Column("body", LargeBinary, nullable=False),
    Column("replayed_at", Moment),
    Index("ix_dead_letters_ticket_key", "ticket_key"),
    Index("ix_dead_letters_reason_id", "reason", "id"),
    Index("ix_dead_letters_at", "at"),
    sqlite_autoincrement=True,
)
"""Refused items, without their originals; ``ticket_key`` is a hash of the id that an item gave itself, if it did."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("letter_id", Number, ForeignKey("dead_letters.id", ondelete="CASCADE"), primary_key=True),
    Column("until", Moment, nullable=False, index=True),
    Column("original", LargeBinary, nullable=False),
)
"""Originals of refused items: they may hold personal data, go after 72 hours at most, and are in no backup."""

origins = Table(
    "origins",
    metadata,
    Column("letter_id", Number, ForeignKey("dead_letters.id", ondelete="CASCADE"), primary_key=True),
    _text("topic"),
    Column("partition", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("until", Moment, nullable=False),
    Index("ix_origins_position", "position"),
)
"""Where, in a cluster, the original of a refused item stands, and how long it is kept there."""

quarantine_reads = Table(
    "quarantine_reads",
    metadata,
    _given("id"),
    Column("letter_id", Number, nullable=False, index=True),
    _text("reader"),
    Column("at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
"""Who read an original, and when; kept when the letter is not."""

# --- what the engine said ---------------------------------------------------------------------------------------------

meta = Table("meta", metadata, Column("key", Name, primary_key=True), _text("value"))
"""Single values: the applied position, the era, the clock."""

snapshots = Table(
    "snapshots",
    metadata,
    Column("era", Integer, nullable=False),
    Column("position", Number, nullable=False),
    Column("part", Integer, nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("era", "position", "part"),
)
"""The engine's state after the record at ``position``, compressed, in parts that both databases can hold."""

stage_snapshots = Table(
    "stage_snapshots",
    metadata,
    _text("scope"),
    Column("era", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),
    Column("taken_at", Moment, nullable=False),
    _text("digest"),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("scope", "era", "position", "part"),
)
"""States of a cluster's stages (``scope``: a partition of a topic, or the jurisdiction), compressed, in parts."""

attempts = Table(
    "attempts",
    metadata,
    _text("topic"),
    Column("partition", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    _text("reason"),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("topic", "partition", "position"),
)
"""Records that a process ended at, how often, and why the last time."""

signals = Table(
    "signals",
    metadata,
    Column("id", Name, primary_key=True),
    _text("raised_at"),
    Column("updated_at", Moment, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)
"""Signals; ``raised_at`` (ISO 8601) is the first version's and never changes."""

points = Table(
    "points",
    metadata,
    _text("series"),
    _text("length"),
    Column("start", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("series", "length", "start"),
    Index("ix_points_start", "start"),
    sqlite_with_rowid=False,
)
"""Courses of the series that evidence was given on."""

# --- alerts and people ------------------------------------------------------------------------------------------------

alerts = Table(
    "alerts",
    metadata,
    Column("id", Name, primary_key=True),
    Column("raised_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("severity", Integer, nullable=False),
    _text("status"),
    _text("disposition"),
    Column("needs_review", Boolean, nullable=False),
    _text("assignee"),
    Index("ix_alerts_raised_at_id", "raised_at", "id"),
    Index("ix_alerts_updated_at_id", "updated_at", "id"),
    Index("ix_alerts_severity_raised_at_id", "severity", "raised_at", "id"),
    Index("ix_alerts_closed_at", "closed_at"),
)
"""What alerts are searched and sorted by, as people see them; narrow, because a search may read all of it."""

alert_bodies = Table(
    "alert_bodies",
    metadata,
    Column("alert_id", Name, ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""Alerts as the engine has them."""

alert_names = Table(
    "alert_names",
    metadata,
    _text("kind"),
    _text("name"),
    Column("alert_id", Name, ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("kind", "name", "alert_id"),
    Index("ix_alert_names_alert_id", "alert_id"),
    sqlite_with_rowid=False,
)
"""What alerts are found by: area, within (each area that contains one), category, department, channel, flag."""

aliases = Table(
    "aliases",
    metadata,
    Column("alias", Name, primary_key=True),
    Column("alert_id", Name, nullable=False, index=True),
)
"""Ids of merged alerts, and the alert that goes on."""

handlings = Table(
    "handlings",
    metadata,
    Column("alert_id", Name, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("snoozed_until", Moment, index=True),
    Column("body", LargeBinary, nullable=False),
)
"""How each alert that someone touched is handled."""

handling_entries = Table(
    "handling_entries",
    metadata,
    _text("alert_id"),
    Column("version", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("alert_id", "version"),
)
"""What people did, never changed once written."""

feed = Table(
    "feed",
    metadata,
    _given("sequence"),
    Column("at", Moment, nullable=False, index=True),
    _text("kind"),
    _text("subject"),
    _text("change"),
    sqlite_autoincrement=True,
)
"""What changed, in order: the live stream."""

plans = Table(
    "plans",
    metadata,
    Column("id", Name, primary_key=True),
    Column("start", Moment, nullable=False),
    Column("end", Moment, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)
"""Planned events."""

# --- accounts ---------------------------------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    Column("name", Name, primary_key=True),
    _text("role"),
    _text("password_hash"),
    Column("active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Name, primary_key=True),
    Column("user", Name, nullable=False, index=True),
    _text("csrf"),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Name, primary_key=True),
    _text("source"),
    _text("prefix"),
    Column("key_hash", Name, nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("token_hash", Name, primary_key=True),
    _text("user"),
    Column("expires_at", Moment, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("name", Name, primary_key=True),
    _text("mapping"),
    _text("title_zh"),
    _text("title_en"),
)
