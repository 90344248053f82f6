"""What goes in and out as JSON; alerts have the fields of the result files (``early-warning schema alerts``)."""
