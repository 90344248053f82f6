"""Alembic's folder: ``env`` runs the versions, each of which brings the tables one step on."""
