"""Training of the network of many styles."""
