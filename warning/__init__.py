"""What to do about the unusual: tickets in, alerts for a person to judge out."""
