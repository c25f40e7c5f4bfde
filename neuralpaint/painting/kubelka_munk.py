"""Layers of pigment after Kubelka and Munk: how light is absorbed and scattered in them.

Kubelka & Munk, "Ein Beitrag zur Optik der Farbanstriche", Zeitschrift für technische Physik 12, 1931. The colours over
white and black as parameters are those of Curtis et al., "Computer-Generated Watercolor", SIGGRAPH 1997, section 5.
All tensors are of any one shape, a value for each channel.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_LEAST = 1e-3  # of reflectances and their distances: black absorbs all, white nothing, which no numbers describe


class Pigment(NamedTuple):
    """What a layer of unit thickness absorbs, K ≥ 0, and scatters, S > 0."""

    absorption: Tensor
    scattering: Tensor


def pigment(over_white: Tensor, over_black: Tensor) -> Pigment:
    """The pigment whose layer of unit thickness has these reflectances, in [0, 1], over white and over black.

    They are moved apart a little where there is no such pigment: 0 < over_black < over_white < 1.
    """
    white = over_white.clamp(2 * _LEAST, 1 - _LEAST)
    black = torch.minimum(over_black.clamp(min=_LEAST), white - _LEAST)
    a = 0.5 * (white + (black - white + 1) / black)
    b = (a * a - 1).sqrt()
    # arcoth(z) = ½ ln((z + 1) / (z − 1)), with z = (b² − (a − Rw)(a − 1)) / (b (1 − Rw))
    top, bottom = b * b - (a - white) * (a - 1), b * (1 - white)
    scattering = 0.5 * ((top + bottom) / (top - bottom).clamp(min=1e-9)).log() / b
    return Pigment(scattering * (a - 1), scattering)


def layer(paint: Pigment, thickness: Tensor) -> tuple[Tensor, Tensor]:
    """(reflectance, transmittance) in [0, 1] of a layer of a pigment of this thickness ≥ 0."""
    a = 1 + paint.absorption / paint.scattering
    b = (a * a - 1).clamp(min=1e-9).sqrt()
    depth = (b * paint.scattering * thickness).clamp(max=40.0)
    sinh, cosh = depth.sinh(), depth.cosh()
    c = a * sinh + b * cosh
    return sinh / c, b / c


def over(reflectance: Tensor, transmittance: Tensor, ground: Tensor) -> Tensor:
    """Reflectance of a layer on a ground of this reflectance: R1 + T1² R2 / (1 − R1 R2)."""
    return reflectance + transmittance * transmittance * ground / (1 - reflectance * ground)
