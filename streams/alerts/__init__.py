"""The alert worker: what all partitions report of a tick becomes alerts in the database and in the topic ``alerts``."""
