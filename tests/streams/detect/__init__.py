"""The detect worker, from its pure parts to processes that are killed."""
