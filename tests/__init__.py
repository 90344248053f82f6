"""The tests: they mirror the packages, and tests/house keeps the rules of the house."""
