"""Gradient steps on strokes: the optimizer, the ranges it keeps to, its replay as a CUDA graph."""
