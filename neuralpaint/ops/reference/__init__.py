"""The ops once more in plain PyTorch: slow, at any precision, what the kernels are tested against."""

from neuralpaint.ops.reference.composite import composite
from neuralpaint.ops.reference.projected_adam import projected_adam_, pull_gradient, stroke_pose
from neuralpaint.ops.reference.render import rasterize, render, supersampled_coverage
from neuralpaint.ops.reference.render_paths import render_paths
from neuralpaint.ops.reference.sinkhorn import cost_matrix, sinkhorn

__all__ = [
    "composite",
    "cost_matrix",
    "projected_adam_",
    "pull_gradient",
    "rasterize",
    "render",
    "render_paths",
    "sinkhorn",
    "stroke_pose",
    "supersampled_coverage",
]
