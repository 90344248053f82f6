"""The house: packaging, imports, pins, sources and documents are what they are said to be."""
