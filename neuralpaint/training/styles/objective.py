"""The training objective of style networks: content and style losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from neuralpaint.losses.features import Features, pyramid
from neuralpaint.losses.features.statistics import Statistics, check_statistics, statistics, style_difference
from neuralpaint.utils.profiling import span


class StyleTable(nn.Module):
    """The statistics of several paintings, and style losses relative to them.

    The style loss of an image is the mean of `losses.features.statistics.style_difference` over layers and scales. It
    is 0 for the painting itself, about 1 for uniform grey. The normalisation gives layers and paintings equal weight,
    whatever the scale of their activations.

    Args:
        features: the feature network.
        paintings: `[3, H, W]` each, in [0, 1].
        layers: layers of the features for each pyramid scale; by default the features' `training_layers`.
        kind: "covariance" or "gram": see `losses.features.statistics`.

    Raises:
        ValueError: `paintings` or `layers` is empty, a layer does not exist, or the kind is unknown.

    Reference: Gatys et al., CVPR 2016, section 2.2; the normalisation is ours.
    """

    def __init__(
        self,
        features: Features,
        paintings: Sequence[Tensor],
        *,
        layers: Mapping[float, Sequence[int]] | None = None,
        kind: Statistics = "gram",
    ) -> None:
        super().__init__()
        self.features, self.kind = features, check_statistics(kind, "kind")
        chosen = features.training_layers if layers is None else layers
        self.layers = {float(scale): tuple(few) for scale, few in sorted(chosen.items(), reverse=True)}
        if not any(self.layers.values()):
            raise ValueError("layers must not be empty")
        for few in self.layers.values():
            features.check_layers(few)
        if not paintings:
            raise ValueError("paintings must not be empty")
        rows = []
        for painting in paintings:
            with torch.no_grad():
                rows.append(self.of(painting[None]))
        self._count = len(rows)
        for k, column in enumerate(zip(*rows, strict=True)):  # one scale and layer
            for j, same in enumerate(zip(*column, strict=True)):
                self.register_buffer(_key(k, j), torch.cat(same), persistent=False)

    def __len__(self) -> int:
        return self._count

    def of(self, picture: Tensor, known: Mapping[float, Mapping[int, Tensor]] | None = None) -> list[list[Tensor]]:
        """Statistics of images `[B, 3, H, W]`, for each scale and layer.

        Args:
            known: features that are computed already: of all layers, by scale.
        """
        found = []
        for scale, level in pyramid(picture, list(self.layers)):
            seen = (known or {}).get(scale) or self.features(level, self.layers[scale])
            found += [statistics(seen[layer], self.kind) for layer in self.layers[scale]]
        return found

    @span("style loss")
    def forward(self, picture: Tensor, index: Tensor) -> Tensor:
        """Style losses `[B]` of images `[B, 3, H, W]`, each against the painting at `index` `[B]`."""
        return self.compare(self.of(picture), index)

    def compare(self, found: Sequence[Sequence[Tensor]], index: Tensor) -> Tensor:
        """Like `forward`, given the statistics of the images."""
        losses = []
        for k, mine in enumerate(found):
            theirs = [getattr(self, _key(k, j))[index] for j in range(len(mine))]
            losses.append(style_difference(mine, theirs, self.kind))
        return torch.stack(losses).mean(0)


def _key(k: int, j: int) -> str:
    return f"statistic{k}_{j}"


class StyleObjective(nn.Module):
    """Content and style losses of stylized photos.

    The content loss is |F − C|² / |C|², where F and C are the features of the painting and of its photo in one layer,
    at half resolution, so that it compares the layout and not the individual strokes.

    Reference: Dumoulin et al., ICLR 2017, section 2.1; Johnson et al., "Perceptual losses", ECCV 2016.
    """

    CONTENT_SCALE = 0.5

    def __init__(self, table: StyleTable, content_layer: int | None = None) -> None:
        super().__init__()
        self.table = table
        self.layer = table.features.content_layer if content_layer is None else content_layer
        table.features.check_layers((self.layer,))
        self.scales = sorted({*table.layers, self.CONTENT_SCALE}, reverse=True)

    def forward(self, photo: Tensor, painting: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """(content losses, style losses), `[B]` each.

        Args:
            photo, painting: `[B, 3, H, W]`.
            index: `[B]`, the index of the target style of each painting.
        """
        table, features = self.table, self.table.features
        found: list[list[Tensor]] = []
        content = None
        for scale, level in pyramid(painting, self.scales):
            here = scale == self.CONTENT_SCALE
            style_layers = table.layers.get(scale, ())
            seen = features(level, (*style_layers, *((self.layer,) if here else ())))
            found += [statistics(seen[layer], table.kind) for layer in style_layers]
            if here:
                with torch.no_grad():
                    truth = features(pyramid(photo, (scale,))[0][1], (self.layer,))[self.layer]
                content = (seen[self.layer] - truth).square().sum((1, 2, 3)) / truth.square().sum((1, 2, 3))
        assert content is not None
        return content, table.compare(found, index)


def roughness(picture: Tensor) -> Tensor:
    """Mean squared difference between vertical and horizontal neighbours, `[B]`, of images `[B, C, H, W]`.

    Reference: Johnson et al., "Perceptual losses", ECCV 2016, section 3.2 (total variation, here squared).
    """
    return sum(picture.diff(dim=dim).square().mean((1, 2, 3)) for dim in (2, 3))  # type: ignore[return-value]
