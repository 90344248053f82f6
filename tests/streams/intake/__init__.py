"""Tests of streams/intake."""
