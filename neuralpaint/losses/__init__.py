"""Differentiable losses between a canvas and a target."""

from neuralpaint.losses.style import StyleLoss
from neuralpaint.losses.transport import TransportLoss

__all__ = ["StyleLoss", "TransportLoss"]
