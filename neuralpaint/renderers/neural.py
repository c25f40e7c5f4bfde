"""`NeuralRenderer`: a trained network where a search expects a renderer."""

from __future__ import annotations

import copy
import hashlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neuralpaint.brushes import Brush
from neuralpaint.ops.checks import as_origin, check_render
from neuralpaint.renderers.blend import blend_tiles
from neuralpaint.renderers.networks.base import NetworkRenderer, channels_last
from neuralpaint.renderers.networks.coordinate import CoordinateRenderer
from neuralpaint.renderers.tiles import SIDE, Tiles, cull, from_tiles, in_chunks, to_tiles
from neuralpaint.utils.validation import check_positive


class NeuralRenderer:
    """Paints strokes through a trained network, as `neuralpaint.ops.render` does through the exact rasterizer.

    The network runs in its inference form: weights frozen, batch norms folded into the convolutions before them. A
    `CoordinateRenderer` is asked about the pixels near each stroke. A network that draws whole pictures draws each
    stroke in a view of its own: pixel by pixel where the stroke fits into the network's picture, enlarged where not.

    Args:
        network: a trained network; it is copied.
    """

    def __init__(self, network: NetworkRenderer) -> None:
        self.network = frozen(network)
        self.brush = network.brush

    def __repr__(self) -> str:
        return f"NeuralRenderer({self.network.network}, {self.brush.name})"

    @property
    def identity(self) -> str:
        """Which network it is, for a checkpoint of a search."""
        weights = b"".join(value.cpu().numpy().tobytes() for value in self.network.state_dict().values())
        return f"{self.network.network} {hashlib.sha256(weights).hexdigest()[:16]}"

    def check_brush(self, brush: Brush) -> None:
        """Raises ValueError unless the network was trained for this brush (or one of the same strokes)."""
        if not brush.same_strokes(self.brush):
            hint = ": name its engine (--engine)" if self.brush.engine and not brush.engine else ""
            raise ValueError(f"renderer was trained for brush {self.brush.name!r}, not for {brush.name!r}{hint}")

    def render(
        self,
        canvas: Tensor,
        strokes: Tensor,
        brush: Brush,
        *,
        softness: float = 1.0,
        origin: Tensor | None = None,
        pixels_per_unit: float | None = None,
    ) -> Tensor:
        """Arguments and result as of `neuralpaint.ops.render`.

        A network of whole pictures ignores `softness`.
        """
        brush, scale = check_render(canvas, strokes, brush, pixels_per_unit)
        softness = check_positive("softness", softness)
        self.check_brush(brush)
        batch, _, height, width = canvas.shape
        count = strokes.shape[1]
        if self.network_device != canvas.device:
            self.network.to(canvas.device)
        corner = as_origin(origin, canvas).repeat_interleave(count, 0)
        flat = strokes.flatten(0, 1)
        coordinate = isinstance(self.network, CoordinateRenderer)
        tiles = cull(self.network.geometry, flat, height, width, scale, corner, softness if coordinate else 1.0)
        draw = self._points if coordinate else self._views
        colors, alphas = draw(flat, tiles, scale, corner, softness)
        ground = to_tiles(F.pad(canvas, (0, -width % SIDE, 0, -height % SIDE)))
        place = (torch.div(tiles.stroke, max(1, count), rounding_mode="floor") * tiles.rows + tiles.row) * tiles.columns
        painted = blend_tiles(ground, place + tiles.column, colors, alphas.clamp(0, 1))
        return from_tiles(painted, batch, tiles.rows, tiles.columns)[..., :height, :width]

    @property
    def network_device(self) -> torch.device:
        return next(self.network.parameters()).device

    def _points(
        self, strokes: Tensor, tiles: Tiles, scale: float, corner: Tensor, softness: float
    ) -> tuple[Tensor, Tensor]:
        """Colours `[M, 3, 64]` and alphas `[M, 64]` from a network of pixels."""
        network = self.network
        assert isinstance(network, CoordinateRenderer)
        x, y = tiles.centers()

        def run(part: slice) -> tuple[Tensor, Tensor]:
            index = tiles.stroke[part]
            return network.points_of(strokes[index], x[part], y[part], scale, corner[index], softness, masked=False)

        return in_chunks(run, len(tiles), strokes)

    def _views(
        self, strokes: Tensor, tiles: Tiles, scale: float, corner: Tensor, softness: float
    ) -> tuple[Tensor, Tensor]:
        """The same from a network of pictures, each stroke in its view."""
        size, brush = self.network.size, self.brush
        with torch.no_grad():
            box = self.network.geometry.bounds(strokes, corner, scale)
            middle, side = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]).amax(1)
            zoom = (side / size).clamp(min=1)  # canvas pixels in one of the network's
            low = (middle - zoom[:, None] * size / 2).round()  # a whole pixel, so that nothing is resampled at zoom 1
        view = brush.transform(strokes, scale / (zoom * size), (corner * scale * -1 - low) / (zoom * size)[:, None])
        x, y = tiles.centers()

        def run(part: slice) -> tuple[Tensor, Tensor]:
            used, back = tiles.stroke[part].unique(return_inverse=True)
            foreground, alpha = self.network(view[used])
            picture = torch.cat([foreground, alpha], 1)[back]
            px = (x[part] - low[tiles.stroke[part], :1]) / zoom[tiles.stroke[part], None]
            py = (y[part] - low[tiles.stroke[part], 1:]) / zoom[tiles.stroke[part], None]
            grid = torch.stack([px, py], -1)[:, None] * (2 / size) - 1
            sampled = F.grid_sample(picture, grid, align_corners=False, padding_mode="zeros")[:, :, 0]
            return sampled[:, :3], sampled[:, 3]

        return in_chunks(run, len(tiles), strokes, chunk=256, keep=0)


def frozen(network: NetworkRenderer) -> NetworkRenderer:
    """A copy for inference: no weight has a gradient, norms are folded into the convolutions before them."""
    network = copy.deepcopy(network).eval().requires_grad_(False)
    fold_norms(network)
    if not isinstance(network, CoordinateRenderer):
        channels_last(network)
    return network


def fold_norms(module: nn.Module) -> None:
    """Folds every batch norm that directly follows a convolution in a `Sequential` into that convolution."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for child in module.children():
        fold_norms(child)
    if not isinstance(module, nn.Sequential):
        return
    layers = list(module.children())
    for k in range(len(layers) - 1):
        conv, norm = layers[k], layers[k + 1]
        if isinstance(conv, (nn.Conv2d, nn.ConvTranspose2d)) and isinstance(norm, nn.BatchNorm2d):
            module[k] = fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d))
            module[k + 1] = nn.Identity()
