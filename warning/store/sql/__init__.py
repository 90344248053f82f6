"""The database of the live service: a SQLite file on one machine, PostgreSQL for a cluster; the same tables.

What only one of them understands is in :mod:`warning.store.sql.sqlite` or the modules named ``postgres``, behind
:class:`warning.store.sql.place.Place`.
"""
