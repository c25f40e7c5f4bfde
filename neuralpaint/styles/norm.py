"""Conditional instance normalisation: a separate scale and shift of the activations for each style."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConditionalInstanceNorm2d(nn.Module):
    """z = γ·(x − μ)/σ + β, with γ and β of a style or a mix of styles.

    μ and σ are the mean and standard deviation over the pixels of one channel of one image. For a single style, this is
    `torch.nn.InstanceNorm2d(affine=True)` with the γ and β of that style.

    Args:
        channels: C.
        styles: N, the initial number of styles.
        eps: added to the variance.

    Attributes:
        gamma, beta: `[N, C]`.

    Shape:
        x `[B, C, H, W]`, mix `[B, N]` (one row per image, or `[1, N]` for all) -> `[B, C, H, W]`.

    Reference: Dumoulin et al., "A learned representation for artistic style", ICLR 2017, section 2.2, equation 5.
    """

    def __init__(self, channels: int, styles: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.channels, self.eps = channels, eps
        self.gamma = nn.Parameter(torch.ones(styles, channels))
        self.beta = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        gamma, beta = self.affine(mix)
        batch, channels, height, width = x.shape
        if height * width == 1:  # a single pixel equals its mean; batch_norm raises an error for it
            return beta.expand(batch, channels)[..., None, None] + 0 * x
        # Treat the images of a batch as channels of one image, so that batch_norm averages over the pixels only.
        flat = x.reshape(1, batch * channels, height, width)
        weight, bias = (part.expand(batch, channels).reshape(-1) for part in (gamma, beta))
        normal = F.batch_norm(flat, None, None, weight, bias, training=True, eps=self.eps)
        return normal.view(batch, channels, height, width)

    def affine(self, mix: Tensor) -> tuple[Tensor, Tensor]:
        """γ and β of mixes of styles: `[B, N]` → `[B, C]` each."""
        # Not a matrix product, which autocast would round to 16 bits: batch_norm wants them in full precision.
        return (mix[..., None] * self.gamma).sum(1), (mix[..., None] * self.beta).sum(1)

    def extra_repr(self) -> str:
        return f"{self.channels}, styles={self.gamma.shape[0]}, eps={self.eps}"
