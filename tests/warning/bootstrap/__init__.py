"""The composition root: what it puts together, on real stores."""
