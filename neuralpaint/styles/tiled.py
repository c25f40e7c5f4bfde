"""A style network over a photo that is too large to go through it at once.

Layer by layer, each in tiles that overlap by what the filters see beyond them. The normalisation needs mean and
deviation over the whole picture, and these are known when the layer's last tile is done; so what is kept between two
layers is the convolution's output, and the next layer normalises what it reads. The result is that of the whole picture
at once, without seams, for the same arithmetic. Maps that do not fit the memory lie in a temporary file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.styles.network import MULTIPLE, StyleNetwork, StyleStep

_TILE = 256  # pixels along each side of what a layer works on at a time


@dataclass
class _Map:
    """`[C, H, W]` as it is kept, and what is still to be done with it when it is read."""

    data: Tensor
    finish: Callable[[Tensor], Tensor] = lambda piece: piece

    def read(self, top: int, bottom: int, left: int, right: int, mode: str) -> Tensor:
        """`[1, C, h, w]`: rows and columns from `top` and `left` up to `bottom` and `right`, which may lie outside."""
        _, height, width = self.data.shape
        pads = (max(0, -left), max(0, right - width), max(0, -top), max(0, bottom - height))
        piece = self.data[:, max(0, top) : min(bottom, height), max(0, left) : min(right, width)]
        piece = self.finish(piece[None])
        return F.pad(piece, pads, mode=mode) if any(pads) else piece


class _Room:
    """Where maps are kept: in memory up to a limit, in files beyond it."""

    def __init__(self, memory: int, device: torch.device) -> None:
        self.memory, self.device = memory, device
        self._folder: tempfile.TemporaryDirectory | None = None
        self._taken: list[tuple[Tensor, int, Path | None]] = []

    def new(self, channels: int, height: int, width: int) -> _Map:
        size = 4 * channels * height * width
        if sum(taken for _, taken, path in self._taken if path is None) + size <= self.memory:
            data, path = torch.empty(channels, height, width, device=self.device), None
        else:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="neuralpaint-")
            free = shutil.disk_usage(self._folder.name).free
            if size > free:
                raise OSError(
                    f"stylising a picture of this size needs {size / 2**30:.1f} GiB more in {tempfile.gettempdir()}, "
                    f"{free / 2**30:.1f} are free: set TMPDIR to a larger disk, or raise --memory"
                )
            path = Path(self._folder.name) / f"map-{len(list(Path(self._folder.name).iterdir()))}"
            data = torch.from_file(str(path), shared=True, size=size // 4, dtype=torch.float32)
            data = data.view(channels, height, width)
        self._taken.append((data, size, path))
        return _Map(data)

    def free(self, old: _Map) -> None:
        """What `new` gave is not needed any more."""
        for k, (data, _, path) in enumerate(self._taken):
            if data is old.data:
                del self._taken[k]
                if path is not None:
                    path.unlink()
                    path.touch()  # so that the next one gets another name
                return

    def close(self) -> None:
        self._taken.clear()
        if self._folder is not None:
            self._folder.cleanup()


@torch.inference_mode()
def stylize_tiled(
    network: StyleNetwork,
    photo: Tensor,
    mix: Tensor,
    *,
    memory: int = 1 << 30,
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """What `network(photo, mix)` gives, to rounding, in little memory.

    Args:
        photo: `[1, 3, H, W]`, on the network's device.
        mix: `[1, N]`.
        memory: bytes of maps to keep in memory; what is beyond goes to the temporary folder. The photo, the result and
            the tile at work come on top.
        progress: called with the share that is done.

    Returns:
        `[1, 3, H, W]`.

    Raises:
        ValueError: a shape does not fit.
        OSError: the temporary folder is full.
    """
    network.check(photo, mix)
    height, width = photo.shape[2:]
    # Reflected to a multiple of four pixels, as `StyleNetwork.forward` does.
    photo = F.pad(photo, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="reflect")
    room = _Room(memory if photo.device.type == "cpu" else 1 << 62, photo.device)
    run = _Run(network, mix, room, progress)
    try:
        down, blocks, up = network.layers()
        found = _Map(photo[0])
        for step in down:
            found = run.step(step, found)
        found = run.settle(found)
        for block in blocks:
            inner = run.step(block.first, found, release=False)
            found = run.add(found, run.step(block.second, inner))
        for step in up:
            found = run.step(step, found)
        return run.settle(found).data[None, :, :height, :width].clone()  # what lies in a file goes with it
    finally:
        room.close()


class _Run:
    """One picture on its way through the layers."""

    def __init__(
        self, network: StyleNetwork, mix: Tensor, room: _Room, progress: Callable[[float], None] | None
    ) -> None:
        self.mix, self.room, self.progress = mix, room, progress
        self._cost = _cost(network)
        self._done = 0.0

    def step(self, step: StyleStep, found: _Map, *, release: bool = True) -> _Map:
        """The next map: its convolution is done, its normalisation is left to the reader. `found` is released."""
        spec = step.step
        _, height, width = found.data.shape
        scale_up, scale_down = spec.upsample, spec.stride
        result = self.room.new(spec.outputs, height * scale_up // scale_down, width * scale_up // scale_down)
        moments = _Moments(spec.outputs)
        tiles = list(_tiles(height // scale_down, width // scale_down))
        reach = 1 if scale_up == 2 else spec.kernel // 2
        mode = "replicate" if scale_up == 2 else "reflect"
        for top, bottom, left, right in tiles:
            rows = (top * scale_down - reach, (bottom - 1) * scale_down + reach + 1)
            columns = (left * scale_down - reach, (right - 1) * scale_down + reach + 1)
            out = step.convolve(found.read(*rows, *columns, mode))[0]
            moments.add(out)
            result.data[:, top * scale_up : bottom * scale_up, left * scale_up : right * scale_up] = out
            self._tell(self._cost[id(step)] / len(tiles))
        result.finish = _finish(step, moments, self.mix)
        if release:
            self.room.free(found)
        return result

    def settle(self, found: _Map) -> _Map:
        """Does what is left to do with a map, in its place."""
        for top, bottom, left, right in _tiles(*found.data.shape[1:]):
            piece = found.data[:, top:bottom, left:right]
            piece.copy_(found.finish(piece[None])[0])
        return _Map(found.data)

    def add(self, found: _Map, more: _Map) -> _Map:
        """Adds a map, which is released, to one that is settled."""
        for top, bottom, left, right in _tiles(*found.data.shape[1:]):
            found.data[:, top:bottom, left:right] += more.finish(more.data[None, :, top:bottom, left:right])[0]
        self.room.free(more)
        return found

    def _tell(self, work: float) -> None:
        self._done += work
        if self.progress is not None:
            self.progress(min(1.0, self._done / sum(self._cost.values())))


class _Moments:
    """Mean and variance of each channel over all tiles.

    Tiles are joined in float64 by their own means and variances (Chan et al. 1979): a difference of sums of squares
    would lose the digits that the variance is made of.
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.mean = torch.zeros(channels, dtype=torch.float64)
        self.squares = torch.zeros(channels, dtype=torch.float64)  # sum of squared deviations from the mean

    def add(self, tile: Tensor) -> None:
        variance, mean = (
            part.to("cpu", torch.float64) for part in torch.var_mean(tile.flatten(1), dim=1, correction=0)
        )
        count = tile[0].numel()
        total = self.count + count
        apart = mean - self.mean
        self.squares += variance * count + apart.square() * (self.count * count / total)
        self.mean += apart * (count / total)
        self.count = total

    @property
    def variance(self) -> Tensor:
        return self.squares / self.count


def _finish(step: StyleStep, moments: _Moments, mix: Tensor) -> Callable[[Tensor], Tensor]:
    """Normalisation and activation of a step, as a multiplication, a sum and the activation."""
    gamma, beta = (part.to("cpu", torch.float64)[0] for part in step.norm.affine(mix))
    scale = gamma / (moments.variance + step.norm.eps).sqrt()
    shift = beta - scale * moments.mean
    factors = [part.to(mix.device, torch.float32)[:, None, None] for part in (scale, shift)]
    return lambda piece: step.activate(torch.addcmul(factors[1], piece, factors[0]))


def _tiles(height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    """(top, bottom, left, right) of each tile."""
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            yield top, min(top + _TILE, height), left, min(left + _TILE, width)


def _cost(network: StyleNetwork) -> dict[int, float]:
    """Multiply-adds of each step a pixel of the photo."""
    scale, found = 1.0, {}
    for module in network.modules():
        if isinstance(module, StyleStep):
            step = module.step
            scale *= (step.upsample / step.stride) ** 2
            found[id(module)] = scale * step.inputs * step.outputs * step.kernel**2
    return found
