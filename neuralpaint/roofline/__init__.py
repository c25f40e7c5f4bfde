"""Timing the ops against the limits of the machine: what `neuralpaint bench` and the benchmark suite share."""
