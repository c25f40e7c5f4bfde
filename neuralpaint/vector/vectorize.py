"""Photos as vector graphics: closed paths added where the error is largest, and moved by gradient descent.

To add paths layer by layer is the idea of LIVE (Ma et al., "Towards Layer-wise Image Vectorization", CVPR 2022).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from neuralpaint.images.resample import area_pool, box_blur
from neuralpaint.ops import PathLayout, render_paths
from neuralpaint.utils.validation import MAX_PATHS, MAX_SEED, check_whole
from neuralpaint.vector.image import VectorImage

_FIRST = 8  # paths of the first round
_LEAST_OPACITY = 0.02


@dataclass(frozen=True)
class VectorizeSettings:
    """How a photo is vectorized.

    Attributes:
        paths: number of paths, at most.
        segments: curves of each path, from 2 to 64.
        size: shorter side at which paths are fitted, in pixels; never more than the photo's.
        steps: gradient steps after each round of new paths; the last round has three times as many.
        seed: of the places of new paths.
    """

    paths: int = 512
    segments: int = 4
    size: int = 256
    steps: int = 60
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("paths", self.paths, 1, MAX_PATHS)
        check_whole("segments", self.segments, 2, 64)
        check_whole("size", self.size, 16, 8192, "pixels")
        check_whole("steps", self.steps, 1, 100_000)
        check_whole("seed", self.seed, 0, MAX_SEED)


@dataclass(frozen=True)
class VectorizeProgress:
    """Where a run is.

    Attributes:
        step, steps: gradient steps done, and of the whole run.
        done, work: the same in units of paths moved once, which are what takes time.
        paths: paths so far.
        psnr: of the picture at the size at which it is fitted, in dB.
    """

    step: int
    steps: int
    done: float
    work: float
    paths: int
    psnr: float


def vectorize(
    photo: Tensor,
    settings: VectorizeSettings | None = None,
    progress: Callable[[VectorizeProgress], None] | None = None,
) -> VectorImage:
    """Finds closed, filled paths that together look like a photo.

    Paths are added in rounds, each about as many as there are already, as discs where the error is largest and as wide
    as there is room for. After each round Adam moves all points, colours and opacities towards the least squared error;
    paths that hardly matter are dropped, and replaced in the next round. The same arguments give the same picture.

    Args:
        photo: `[3, H, W]`, RGB in [0, 1].
        settings: see there.
        progress: called now and then; what it raises ends the run.

    Returns:
        The picture, in the units of the photo's pixels.

    Raises:
        TypeError, ValueError: `photo` is not as described.
    """
    settings = settings or VectorizeSettings()
    if not isinstance(photo, Tensor) or not photo.is_floating_point():
        raise TypeError("photo must be a tensor of floats")
    if photo.ndim != 3 or photo.shape[0] != 3 or 0 in photo.shape:
        raise ValueError(f"photo must be [3, H, W], got {list(photo.shape)}")
    height, width = photo.shape[1:]
    scale = min(1.0, settings.size / min(height, width))
    sides = max(1, round(height * scale)), max(1, round(width * scale))
    target = area_pool(photo[None].float().cpu(), sides)
    fit = _Fit(target, settings, progress)
    with torch.enable_grad():
        fit.run()
    found = fit.image()
    found.points.mul_(torch.tensor([width / sides[1], height / sides[0]]))
    return VectorImage(float(width), float(height), found.background, found.points, found.layout, found.fill)


class _Fit:
    """The paths of a run: knots and control points `[P, 3 S, 2]` in pixels, colours and opacities `[P, 4]`."""

    def __init__(
        self, target: Tensor, settings: VectorizeSettings, progress: Callable[[VectorizeProgress], None] | None
    ) -> None:
        self.target, self.settings, self.progress = target, settings, progress
        self.height, self.width = target.shape[2:]
        color = target.mean((0, 2, 3))
        self.canvas = color[None, :, None, None].expand_as(target).contiguous()
        self.background = (float(color[0]), float(color[1]), float(color[2]))
        self.knots = torch.zeros(0, 3 * settings.segments, 2)
        self.paint = torch.zeros(0, 4)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.made: PathLayout | None = None
        self.rounds = _rounds(settings.paths)
        self.step, self.steps = 0, (len(self.rounds) + 2) * settings.steps
        # A step takes as long as drawing a few dozen paths, and longer for each that there is.
        self.done, self.work = 0.0, settings.steps * float(sum(50 + n for n in [*self.rounds, *self.rounds[-1:] * 2]))
        starts = torch.arange(0, 3 * settings.segments, 3)[:, None] + torch.arange(4)
        self.index = starts % (3 * settings.segments)

    def run(self) -> None:
        for k, total in enumerate(self.rounds):
            self.add(total - len(self.knots))
            last = k == len(self.rounds) - 1
            self.descend(self.settings.steps * (3 if last else 1))
            if not last:
                self.prune()

    def draw(self, knots: Tensor, paint: Tensor) -> Tensor:
        points = knots[:, self.index].flatten(0, 1)[None]
        return render_paths(self.canvas, points, self.layout(len(knots)), fill=paint[None], pixels_per_unit=1.0)

    def layout(self, count: int) -> PathLayout:
        if self.made is None or self.made.num_paths != count:
            self.made = PathLayout.of([self.settings.segments] * count)
        return self.made

    def picture(self) -> Tensor:
        with torch.no_grad():
            return self.draw(self.knots, self.paint)

    # ---- where paths begin -------------------------------------------------------------------------------------------

    def add(self, count: int) -> None:
        """New discs, each where the blurred error is largest once those before it have covered theirs."""
        if count <= 0:
            return
        error = (self.picture() - self.target).square().sum(1, keepdim=True)
        room = math.sqrt(self.height * self.width / (math.pi * (len(self.knots) + count)))
        radius = max(1.5, 0.9 * room)
        blurred = box_blur(error, max(1, round(radius / 2)))[0, 0]
        noise = torch.rand(blurred.shape, generator=self.generator)
        blurred = blurred * (1 + 0.01 * noise)  # so that equal errors are not taken in rows
        y, x = torch.arange(self.height) + 0.5, torch.arange(self.width) + 0.5
        colors = box_blur(self.target, max(1, round(radius / 3)))[0]
        places = []
        for _ in range(count):
            at = int(blurred.argmax())
            row, column = divmod(at, self.width)
            places.append((column + 0.5, row + 0.5))
            top, bottom = max(0, int(row - 3 * radius)), min(self.height, int(row + 3 * radius) + 2)
            left, right = max(0, int(column - 3 * radius)), min(self.width, int(column + 3 * radius) + 2)
            far = (y[top:bottom, None] - row - 0.5) ** 2 + (x[None, left:right] - column - 0.5) ** 2
            blurred[top:bottom, left:right] *= 1 - torch.exp(-far / (2 * radius**2))
        centers = torch.tensor(places)
        rgb = colors[:, centers[:, 1].long(), centers[:, 0].long()].T
        paint = torch.cat([rgb, torch.full((count, 1), 0.9)], 1)
        knots = centers[:, None] + radius * self.disc()
        self.knots, self.paint = torch.cat([self.knots, knots]), torch.cat([self.paint, paint])

    def disc(self) -> Tensor:
        """Knots and control points of a circle of radius 1."""
        count = self.settings.segments
        angles = 2 * math.pi * torch.arange(count) / count
        reach = 4 / 3 * math.tan(math.pi / (2 * count))
        knots = torch.stack([torch.cos(angles), torch.sin(angles)], 1)
        ahead = torch.stack([-knots[:, 1], knots[:, 0]], 1)
        after, before = knots + reach * ahead, knots - reach * ahead
        return torch.stack([knots, after, before.roll(-1, 0)], 1).reshape(3 * count, 2)

    # ---- how they move -----------------------------------------------------------------------------------------------

    def descend(self, steps: int) -> None:
        knots, paint = self.knots.clone().requires_grad_(), self.paint.clone().requires_grad_()
        rates = (1.0, 0.03)
        optimizer = torch.optim.Adam(
            [{"params": [knots], "lr": rates[0]}, {"params": [paint], "lr": rates[1]}], betas=(0.9, 0.99)
        )
        for k in range(steps):
            decay = 0.5 * (1 + math.cos(math.pi * k / steps)) * 0.95 + 0.05
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * decay
            loss = (self.draw(knots, paint) - self.target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                paint.clamp_(0, 1)
            self.step += 1
            self.done += 50 + len(knots)
            if self.progress is not None and (self.step % 10 == 0 or self.step == self.steps):
                psnr = -10 * math.log10(max(float(loss.detach()), 1e-10))
                self.progress(VectorizeProgress(self.step, self.steps, self.done, self.work, len(knots), psnr))
        self.knots, self.paint = knots.detach(), paint.detach()

    def prune(self) -> None:
        """Drops paths without which the picture is as good, tried one by one among those that promise least."""
        paint = self.paint.clone().requires_grad_()
        loss = (self.draw(self.knots, paint) - self.target).square().mean()
        loss.backward()
        assert paint.grad is not None
        promise = -paint.grad[:, 3] * paint.detach()[:, 3]
        kept = self.paint[:, 3] > _LEAST_OPACITY
        best = float(loss.detach())
        typical = max(0.0, float((self.canvas - self.target).square().mean()) - best) / max(1, len(self.knots))
        for path in promise.argsort()[: len(self.knots) // 8].tolist():
            if not kept[path]:
                continue
            kept[path] = False
            with torch.no_grad():
                without = float((self.draw(self.knots[kept], self.paint[kept]) - self.target).square().mean())
            if without - best > 0.02 * typical:
                kept[path] = True
            else:
                best = without
        self.knots, self.paint = self.knots[kept], self.paint[kept]

    def image(self) -> VectorImage:
        """In pixels of the size at which it was fitted."""
        seen = self.paint[:, 3] > _LEAST_OPACITY
        points = self.knots[seen][:, self.index].reshape(-1, 4, 2).clone()
        layout = self.layout(int(seen.sum()))
        return VectorImage(self.width, self.height, self.background, points, layout, self.paint[seen])


def _rounds(paths: int) -> list[int]:
    """How many paths there are after each round."""
    totals = [min(paths, _FIRST)]
    while totals[-1] < paths:
        totals.append(min(paths, 2 * totals[-1]))
    return totals
