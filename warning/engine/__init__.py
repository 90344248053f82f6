"""One engine, pure and deterministic: log records in, signals and alerts out, the same in every runtime."""
