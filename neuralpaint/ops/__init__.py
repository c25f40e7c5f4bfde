"""The ops as PyTorch functions: CPU and CUDA kernels with exact gradients, usable under `torch.compile`."""

from neuralpaint.ops.composite import composite
from neuralpaint.ops.path_gradients import linear_map, radial_map
from neuralpaint.ops.path_layout import PathLayout
from neuralpaint.ops.projected_adam import Pull, projected_adam_
from neuralpaint.ops.rasterize import rasterize
from neuralpaint.ops.render import render
from neuralpaint.ops.render_loss import render_loss
from neuralpaint.ops.render_paths import render_paths
from neuralpaint.ops.sinkhorn import sinkhorn

__all__ = [
    "PathLayout",
    "Pull",
    "composite",
    "linear_map",
    "projected_adam_",
    "radial_map",
    "rasterize",
    "render",
    "render_loss",
    "render_paths",
    "sinkhorn",
]
