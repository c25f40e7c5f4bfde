"""Paints in the style of a picture."""
