"""Oil with a texture of the user's own."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuralpaint.brushes.oil import OIL, OIL_HELD, OIL_PARAMETERS, OilBrush
from neuralpaint.brushes.texture import MAX_ACROSS, MAX_ALONG, texels_from_picture

if TYPE_CHECKING:
    from neuralpaint.images.io import ImageLike


def _no_texels() -> np.ndarray:
    return np.empty((0, 0), dtype=np.uint8)


@dataclass(frozen=True)
class TexturedBrush(OilBrush):
    """A brush with the user's own texture, otherwise as `oil`: a textured rectangle with a colour gradient, opaque.

    Attributes:
        alpha: coverage, uint8 `[TH, TW]`, powers of two, streaks along the rows.
        ridge: shading, uint8 `[TH, TW]`, 128 is neutral.
    """

    kind: int = OIL.kind
    parameters: tuple[str, ...] = OIL_PARAMETERS
    held: tuple[tuple[int, float], ...] = OIL_HELD
    description: str = "a texture of your own: textured rectangle, opaque, colour running across it"
    alpha: np.ndarray = field(default_factory=_no_texels, repr=False, compare=False)
    ridge: np.ndarray = field(default_factory=_no_texels, repr=False, compare=False)
    digest: str = field(default="", init=False, repr=False)  # arrays do not compare to one bool: equality goes by this

    def __post_init__(self) -> None:
        for name, texels in (("alpha", self.alpha), ("ridge", self.ridge)):
            if not isinstance(texels, np.ndarray) or texels.dtype != np.uint8 or texels.ndim != 2:
                raise ValueError(f"{name} must be a uint8 array [TH, TW]")
            if any(side < 1 or side & (side - 1) for side in texels.shape):
                raise ValueError(f"{name}'s sides must be powers of two, got {texels.shape[1]}x{texels.shape[0]}")
            if texels.shape[1] > MAX_ALONG or texels.shape[0] > MAX_ACROSS:
                raise ValueError(f"{name} has at most {MAX_ALONG}x{MAX_ACROSS} texels, got {texels.shape[::-1]}")
        if self.alpha.shape != self.ridge.shape:
            raise ValueError(f"alpha and ridge must have the same shape, got {self.alpha.shape} and {self.ridge.shape}")
        digest = hashlib.sha256(repr(self.alpha.shape).encode() + self.alpha.tobytes() + self.ridge.tobytes())
        object.__setattr__(self, "digest", digest.hexdigest())
        super().__post_init__()

    def texels(self) -> tuple[np.ndarray, np.ndarray]:
        return np.stack([self.alpha, self.alpha]), np.stack([self.ridge, self.ridge])

    @classmethod
    def from_image(cls, image: ImageLike, name: str | None = None) -> TexturedBrush:
        """Makes a brush of a picture of one dab of paint, its streaks along the longer side.

        Args:
            image: a path, PIL image or array, read as grey. White is paint, black none; shading comes from the fine
                light and dark inside the paint. With an alpha channel, alpha is the paint and grey the shading (½ =
                neutral).
            name: the brush's name; by default the file's.

        Raises:
            ValueError: if it is no readable picture or holds no paint.
        """
        from neuralpaint.images.io import load_grey

        grey, alpha = load_grey(image)
        texels = texels_from_picture(grey, alpha)
        if name is None:
            name = Path(image).stem if isinstance(image, (str, os.PathLike)) else "textured"
        return cls(name=name, alpha=texels[0], ridge=texels[1])
