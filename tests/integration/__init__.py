"""Real browsers, brokers and databases."""
