"""Benchmarks: what the work costs, measured in fresh processes; see README.md beside this file."""
