"""The clock of the cluster: one order of ticks and controls that every partition of the log follows."""
