"""The database of the live service: SQLite on one machine; the same tables and statements for PostgreSQL.

SQL that only one of them understands is in :mod:`warning.store.sql.sqlite` and nowhere else.
"""
