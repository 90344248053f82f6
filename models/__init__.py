"""What is unusual: statistical models as pure arithmetic on arrays, with no clock, no input or output, no logging."""
