"""Lessons for a new network: photos in the styles of its paintings, by the bundled network for any picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuralpaint.losses.features import DistilledFeatures
from neuralpaint.styles.pictures.pretrained import load_picture_network
from neuralpaint.styles.pictures.style import measure
from neuralpaint.styles.pictures.transfer import Blend, match_levels
from neuralpaint.training.styles.dataset import ContentPhotos
from neuralpaint.training.styles.objective import StyleTable
from neuralpaint.utils.random import generator_of

_SIDE = 1024  # tiles are never needed: photos are crops, and paintings are of about 448 pixels
_PIXELS, _FEATURES = 16.0, 0.3  # weights of squared differences; pixels are in [0, 1], features of variance 1
_KEY = 0x7EAC


class Lessons:
    """Crops of photos, each with what it looks like in the style of one painting.

    Lesson k is for the style k modulo their number. A lesson is made when it is first asked for, which takes a tenth of
    a second at 160², and kept.

    Args:
        photos: the crops.
        paintings: `[3, H, W]` in [0, 1].
        count: number of different lessons; lesson k + count is lesson k again.
        seed: random seed of the grain that is added to photos.
    """

    def __init__(self, photos: ContentPhotos, paintings: Sequence[Tensor], count: int, seed: int) -> None:
        self.photos, self.count, self.seed = photos, count, seed
        self._network = load_picture_network()
        self._wanted = [measure(self._network, painting[None].cpu(), None, _SIDE) for painting in paintings]
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """(photos, pictures to learn, both `[B, 3, size, size]` in [0, 1]; the styles' indices `[B]`)."""
        pairs = [self._lesson(number % self.count) for number in numbers]
        photos, pictures = (torch.stack(column).float() / 255 for column in zip(*pairs, strict=True))
        return photos, pictures, torch.tensor([number % self.count % len(self._wanted) for number in numbers])

    @torch.inference_mode()
    def _lesson(self, number: int) -> tuple[Tensor, Tensor]:
        if number not in self._kept:
            photo, blend = self.photos[number], Blend()
            noise = torch.randn(1, 1, *photo.shape[1:], generator=generator_of(_KEY, self.seed, number))
            grainy = (photo[None].float() / 255 + blend.grain * noise).clamp_(0, 1)
            wanted = self._wanted[number % len(self._wanted)]
            picture = match_levels(self._network, grainy, wanted, None, blend, 1.0, _SIDE)[0]
            self._kept[number] = photo, (picture.clamp(0, 1) * 255).round().to(torch.uint8)
        return self._kept[number]


class LessonLoss(nn.Module):
    """How far pictures are from those to learn, in pixels and in features, and how far from a painting in style.

    Squared differences alone would teach the mean of all that the teacher may paint, which is blurred, and no more than
    the teacher knows; the style loss brings the touch. Beside the usual losses, content is compared with the teacher's
    picture instead of the photo, in whose colours the two losses would be at odds.

    Args:
        paintings: `[3, H, W]` in [0, 1].
    """

    def __init__(self, paintings: Sequence[Tensor]) -> None:
        super().__init__()
        features = DistilledFeatures()
        self.layers = features.style_layers
        self.table = StyleTable(features, paintings, kind="covariance")

    def forward(self, painting: Tensor, picture: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """(differences from `picture`, style losses), `[B]` each, of paintings `[B, 3, H, W]` of the styles `index`."""
        features = self.table.features
        with torch.no_grad():
            truth = features(picture, self.layers)
        seen = features(painting, self.layers)
        difference = _PIXELS * (painting - picture).square().mean((1, 2, 3))
        for layer in self.layers:
            difference = difference + _FEATURES * (seen[layer] - truth[layer]).square().mean((1, 2, 3))
        return difference, self.table.compare(self.table.of(painting, {1.0: seen}), index)
