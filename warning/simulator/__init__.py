"""Cities made up by a program, with incidents whose truth is known: for the demo, and to measure detectors by."""
