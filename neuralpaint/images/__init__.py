"""Photos and paintings as arrays: reading, writing, resampling, and pictures too large for the memory."""

from neuralpaint.images.io import load_image, save_image

__all__ = ["load_image", "save_image"]
