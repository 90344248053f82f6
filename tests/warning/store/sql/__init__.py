"""The SQL store: contracts of the ports, and what a database must survive."""
