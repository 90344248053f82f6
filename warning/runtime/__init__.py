"""Runtimes move data and time around the engine; they decide nothing. Here: the back-test."""
