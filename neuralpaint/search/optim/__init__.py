"""Gradient steps on strokes: the optimizer, parameter ranges, CUDA graph replay."""
