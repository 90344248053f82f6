"""What the service is about: tickets, areas, series, signals, alerts. Standard library only, no I/O, no clock."""
