"""What the cluster is compared with; each is a process that runs in an environment of its own (``make peers``)."""
