"""Tests of streams/clock."""
