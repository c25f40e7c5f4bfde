"""The four ops as PyTorch functions: CPU and CUDA kernels with exact gradients, usable under `torch.compile`."""

from neuralpaint.ops.composite import composite
from neuralpaint.ops.rasterize import rasterize
from neuralpaint.ops.render import render
from neuralpaint.ops.render_loss import render_loss
from neuralpaint.ops.sinkhorn import sinkhorn

__all__ = ["composite", "rasterize", "render", "render_loss", "sinkhorn"]
