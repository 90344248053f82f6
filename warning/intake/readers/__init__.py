"""Readers: one per file format, each from a path to a header and raw chunks."""
