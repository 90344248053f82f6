"""The HTTP API: what platforms push tickets to, and what programs read and handle alerts through."""
