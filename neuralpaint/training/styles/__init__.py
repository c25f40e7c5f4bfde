"""Training of multi-style networks."""
