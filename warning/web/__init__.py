"""Pages for people: the report of a back-test as one self-contained file."""
