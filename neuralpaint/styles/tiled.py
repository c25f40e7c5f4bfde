"""Applies a style network to a photo that is too large for a single forward pass.

The photo is processed layer by layer, each layer in tiles that overlap by the reach of its filters. Normalisation needs
the mean and deviation over the whole image, which are known only after the last tile of a layer. So the convolution
outputs are stored between layers, and the next layer normalises them when it reads them. The result equals that of a
single pass, without seams, at the same cost. Feature maps that do not fit in memory are stored in temporary files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.styles.network import MULTIPLE, StyleNetwork, StyleStep

_TILE = 256  # tile size, in pixels


@dataclass
class _Map:
    """A stored feature map `[C, H, W]`, and the function to apply when it is read."""

    data: Tensor
    finish: Callable[[Tensor], Tensor] = lambda piece: piece

    def read(self, top: int, bottom: int, left: int, right: int, mode: str) -> Tensor:
        """`[1, C, h, w]`: rows `top` to `bottom` and columns `left` to `right`; padded where these lie outside."""
        _, height, width = self.data.shape
        pads = (max(0, -left), max(0, right - width), max(0, -top), max(0, bottom - height))
        piece = self.data[:, max(0, top) : min(bottom, height), max(0, left) : min(right, width)]
        piece = self.finish(piece[None])
        return F.pad(piece, pads, mode=mode) if any(pads) else piece


class _Storage:
    """Allocates feature maps, in memory up to a limit and in files beyond it."""

    def __init__(self, memory: int, device: torch.device) -> None:
        self.memory, self.device = memory, device
        self._taken: list[tuple[Tensor, int]] = []  # in memory, with their bytes

    def new(self, channels: int, height: int, width: int) -> _Map:
        size = 4 * channels * height * width
        if sum(taken for _, taken in self._taken) + size > self.memory:
            return _Map(_in_file(size).view(channels, height, width))
        data = torch.empty(channels, height, width, dtype=torch.float32, device=self.device)
        self._taken.append((data, size))
        return _Map(data)

    def free(self, old: _Map) -> None:
        """Releases a map from `new`."""
        self._taken = [taken for taken in self._taken if taken[0] is not old.data]

    def close(self) -> None:
        self._taken.clear()


def _in_file(size: int) -> Tensor:
    """float32 `[size / 4]` in a file of the temporary folder, whose space is free when the tensor is."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if size > free:
        raise OSError(
            f"stylizing an image of this size needs {size / 2**30:.1f} GiB more in {tempfile.gettempdir()}, "
            f"but {free / 2**30:.1f} GiB are free: set TMPDIR to a larger disk, or raise --memory"
        )
    descriptor, path = tempfile.mkstemp(prefix="neuralpaint-")
    try:
        os.close(descriptor)
        return torch.from_file(path, shared=True, size=size // 4, dtype=torch.float32)
    finally:
        os.unlink(path)  # it stays while it is mapped: nothing is left, however the process ends


@torch.inference_mode()
def stylize_tiled(
    network: StyleNetwork,
    photo: Tensor,
    mix: Tensor,
    *,
    memory: int = 1 << 30,
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """Computes `network(photo, mix)`, up to rounding, in little memory.

    Args:
        photo: `[1, 3, H, W]`, on the network's device.
        mix: `[1, N]`.
        memory: memory limit for feature maps in bytes; the rest go to the temporary folder. The photo, the result and
            the current tile are not included.
        progress: called with the fraction done.

    Returns:
        `[1, 3, H, W]`.

    Raises:
        ValueError: the shapes do not match.
        OSError: the temporary folder is full.
    """
    network.check(photo, mix)
    height, width = photo.shape[2:]
    # Reflection-padded to a multiple of four pixels, as in `StyleNetwork.forward`.
    photo = F.pad(photo, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="reflect")
    storage = _Storage(memory if photo.device.type == "cpu" else 1 << 62, photo.device)
    run = _Run(network, mix, storage, progress)
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
        return run.settle(found).data[None, :, :height, :width].clone()  # so that the file is freed
    finally:
        storage.close()


class _Run:
    """The pass of one image through the layers."""

    def __init__(
        self, network: StyleNetwork, mix: Tensor, storage: _Storage, progress: Callable[[float], None] | None
    ) -> None:
        self.mix, self.storage, self.progress = mix, storage, progress
        self._cost = _cost(network)
        self._done = 0.0

    def step(self, step: StyleStep, found: _Map, *, release: bool = True) -> _Map:
        """The next map: convolved; normalisation is applied when it is read. Releases `found` unless told not to."""
        spec = step.step
        _, height, width = found.data.shape
        scale_up, scale_down = spec.upsample, spec.stride
        result = self.storage.new(spec.outputs, height * scale_up // scale_down, width * scale_up // scale_down)
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
            self._report(self._cost[id(step)] / len(tiles))
        result.finish = _finish(step, moments, self.mix)
        if release:
            self.storage.free(found)
        return result

    def settle(self, found: _Map) -> _Map:
        """Applies the pending function of a map in place."""
        for top, bottom, left, right in _tiles(*found.data.shape[1:]):
            piece = found.data[:, top:bottom, left:right]
            piece.copy_(found.finish(piece[None])[0])
        return _Map(found.data)

    def add(self, found: _Map, more: _Map) -> _Map:
        """Adds a map, which is then released, to a settled one."""
        for top, bottom, left, right in _tiles(*found.data.shape[1:]):
            found.data[:, top:bottom, left:right] += more.finish(more.data[None, :, top:bottom, left:right])[0]
        self.storage.free(more)
        return found

    def _report(self, work: float) -> None:
        self._done += work
        if self.progress is not None:
            self.progress(min(1.0, self._done / sum(self._cost.values())))


class _Moments:
    """Mean and variance of each channel over all tiles.

    The means and variances of tiles are merged in float64 (Chan et al. 1979), which avoids the cancellation of
    E[x²] − E[x]².
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.mean = torch.zeros(channels, dtype=torch.float64, device="cpu")
        self.squares = torch.zeros(
            channels, dtype=torch.float64, device="cpu"
        )  # sum of squared deviations from the mean

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
    """The normalisation and activation of a step, as scale, shift and activation."""
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
    """Multiply-adds of each step per photo pixel."""
    scale, found = 1.0, {}
    for module in network.modules():
        if isinstance(module, StyleStep):
            step = module.step
            scale *= (step.upsample / step.stride) ** 2
            found[id(module)] = scale * step.inputs * step.outputs * step.kernel**2
    return found
