"""How near a picture is to a photo, and to the style of a painting, by the measures that papers report.

`compare` computes them all. PSNR and the distances need nothing more; SSIM and MS-SSIM are torchmetrics' (the extra
`metrics`).
"""

from neuralpaint.images.metrics import psnr
from neuralpaint.metrics.compare import Comparison, compare
from neuralpaint.metrics.perceptual import content_distance, feature_distance, style_distance
from neuralpaint.metrics.structural import ms_ssim, ssim

__all__ = [
    "Comparison",
    "compare",
    "content_distance",
    "feature_distance",
    "ms_ssim",
    "psnr",
    "ssim",
    "style_distance",
]
