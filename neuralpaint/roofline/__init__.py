"""Times the ops against the limits of the machine; used by `neuralpaint bench` and the benchmark suite."""
