"""From any source to clean, redacted ticket columns: readers, mappings, the normaliser, the redactor, the register."""
