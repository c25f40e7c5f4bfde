"""`restyle`: moves the strokes of a finished painting towards the style of an image."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from neuralpaint.brushes import Brush
from neuralpaint.images.io import ImageLike, load_image
from neuralpaint.images.resample import resize
from neuralpaint.losses.features import Features
from neuralpaint.losses.style import Mode, StyleLoss, check_mode, pixels
from neuralpaint.losses.transport import TransportLoss
from neuralpaint.painting.painting import Painting
from neuralpaint.renderers import Renderer, get_renderer
from neuralpaint.search.checkpoint import Checkpoint, fingerprint
from neuralpaint.search.optim.adam import adam_schedule, adam_step_
from neuralpaint.search.optim.limits import Ranges
from neuralpaint.search.runner import Progress, own_modes, progress_bar, run_search
from neuralpaint.search.state import take
from neuralpaint.utils.device import resolve_device
from neuralpaint.utils.profiling import span
from neuralpaint.utils.validation import check_weight, check_whole

WEIGHT, STEPS = 0.5, 200  # SNP §3.5
MAX_STEPS = 1_000_000
RATE = (0.02, 0.002)  # learning rate of the first and last step; lengths in units of the stroke's own length
_SHARE = 5.0  # factor of the style loss for a weight of 1
_TRANSPORT = 0.1  # SNP §4.1
_LIKE = 0.01  # lower bound when normalizing by the initial content loss
_SMALLEST_BLOCK = 1 / 64  # units
_ASPECT_TOLERANCE = 0.02


@own_modes
@span("restyle")
def restyle(
    painting: Painting,
    photo: ImageLike,
    style_image: ImageLike | StyleLoss,
    *,
    weight: float = WEIGHT,
    mode: Mode | None = None,
    steps: int = STEPS,
    features: str | Features = "auto",
    vgg: str | os.PathLike | None = None,
    device: str | torch.device = "auto",
    renderer: str | os.PathLike | Renderer = "exact",
    progress: bool = False,
    callback: Callable[[Progress], None] | None = None,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
) -> Painting:
    """Restyles a painting: moves its strokes towards the style of an image while it still resembles the photo.

    The loss is computed on the whole canvas, whichever search made the strokes. With x the original painting,

        loss = content / content(x) + 5 · weight · style / style(x),   content = ℓ1 + 0.1 · transport, both in grey

    Both fractions start at 1, so a weight has the same meaning for all photos and styles. The content loss compares
    brightness only, leaving the colours to the style.

    Args:
        painting: from any search or file.
        photo: the photo that was painted, with the painting's aspect: see `neuralpaint.images.io.load_image`.
        style_image: an image in the desired style, or a `StyleLoss` of one.
        weight: style weight β, ≥ 0.
        mode: "color" changes the colours and opacities but not the shapes; "color+texture" (the default) changes
            everything. A `StyleLoss` has its own mode.
        steps: gradient steps.
        features, vgg: feature network of the style loss: see `StyleLoss`. Not used if a `StyleLoss` is given.
        device: "auto" (a GPU if available), "cpu", "cuda" …; a `StyleLoss` must be on it.
        renderer: as in `neuralpaint.paint`.
        progress, callback, checkpoint, resume: as in `neuralpaint.paint`.

    Returns:
        The restyled painting on the CPU, with the same number and order of strokes. Its metadata entry "style" records
        how the style loss and the ℓ1 distance to the photo changed.

    Raises:
        ValueError: an argument is out of range, an image is unreadable, the aspects of photo and painting differ, the
            weights of the features are missing, or the checkpoint does not match; the message names the argument.
        TypeError: an argument has the wrong type.
        OSError: the checkpoint cannot be written.

    Reference: Zou et al., "Stylized Neural Painting", CVPR 2021, section 3.5.
    """
    weight, steps = check_weight("weight", weight), check_whole("steps", steps, 1, MAX_STEPS)
    if resume and checkpoint is None:
        raise ValueError("resume needs checkpoint, the folder to resume from")
    device = resolve_device(device)
    photo = load_image(photo, device, painting.background, name="photo")
    check_aspect(painting, photo)
    if len(painting) == 0:
        raise ValueError("painting has no strokes to move")
    if isinstance(style_image, StyleLoss):
        style = style_image
        if mode is not None and check_mode(mode) != style.mode:
            raise ValueError(f"mode is {mode!r}, but the StyleLoss has mode {style.mode!r}: omit mode")
    else:
        chosen = "color+texture" if mode is None else check_mode(mode)
        style = StyleLoss(style_image, mode=chosen, features=features, vgg=vgg, device=device)
    search = Restyle(
        painting.to(device), photo, style, get_renderer(renderer, painting.brush), weight=weight, steps=steps
    )
    store = None
    if checkpoint is not None:
        settings = {
            "photo": fingerprint(photo),
            "painting": fingerprint(painting.strokes),
            "style": fingerprint(style.picture),
            "features": style.identity,
            "weight": weight,
            "mode": style.mode,
            "steps": steps,
            "renderer": getattr(search.renderer, "identity", type(search.renderer).__name__),
            "device": device.type,
        }
        store = Checkpoint(checkpoint, settings)
    with progress_bar() if progress else nullcontext(None) as shown:
        run_search(search, store, [report for report in (shown, callback) if report is not None], resume)
    metadata = {**painting.metadata, "style": search.report()}
    return Painting(
        search.strokes.cpu(),
        painting.brush,
        painting.aspect,
        painting.background,
        painting.size,
        metadata,
        alpha=painting.alpha,
    )


class Restyle:
    """Restyling as a stepwise object: call `step()` until `finished`; `state_dict()` is the complete state.

    The first half of the steps skips the finest level of the style pyramid, which is most of the work.
    """

    def __init__(
        self,
        painting: Painting,
        photo: Tensor,
        style: StyleLoss,
        renderer: Renderer,
        *,
        weight: float,
        steps: int,
        rate: tuple[float, float] = RATE,
    ) -> None:
        self.brush, self.style, self.renderer, self.weight = painting.brush, style, renderer, weight
        self.step_count, self.steps_done = steps, 0
        device = painting.strokes.device
        height, width = pixels(*painting.aspect, style.size)
        self._scale = height / painting.aspect[0]  # pixels per unit
        self._photo = resize(photo, height, width)[None]
        background = torch.tensor(painting.background, dtype=torch.float32, device=device).view(1, 3, 1, 1)
        self._background = background.expand(1, 3, height, width).contiguous()
        self._transport = TransportLoss()

        self._start = painting.strokes
        self._ranges = own_ranges(self.brush, self._start, painting.aspect)
        self._moves = moving(self.brush, style.mode, device)
        self.strokes = self._limited(self._start)
        self._parameters = self.strokes / self._ranges.scale
        self._mean, self._square = torch.zeros_like(self._parameters), torch.zeros_like(self._parameters)
        first, last = rate
        rates = [last + (first - last) * (1 + math.cos(math.pi * k / steps)) / 2 for k in range(steps)]
        self._schedule = adam_schedule(rates).to(device, torch.float32)

        with torch.no_grad():
            canvas = self._draw(self.strokes)
            self._before = self._losses(canvas)
            self._style_before = {True: style(canvas, coarse=True), False: self._before[0]}
        self._changed = 1.0  # style loss relative to its initial value
        self.mean_square = self._error(canvas)

    @property
    def identity(self) -> dict[str, Any]:
        return {}

    @property
    def stage(self) -> str:
        return f"restyle · style loss {100 * float(self._changed) - 100:+.0f} %"

    @property
    def finished(self) -> bool:
        return self.steps_done >= self.step_count

    def work(self) -> tuple[float, float]:
        """(done, total), in steps."""
        return self.steps_done, self.step_count

    def step(self) -> None:
        """One gradient step on all strokes."""
        strokes = (self._parameters * self._ranges.scale).requires_grad_()
        canvas = self._draw(strokes)
        coarse = 2 * self.steps_done < self.step_count
        style, pixel, transport = self._losses(canvas, coarse)
        style = style / self._style_before[coarse].clamp_min(1e-6)
        content = pixel + _TRANSPORT * transport
        content = content / (self._before[1] + _TRANSPORT * self._before[2]).clamp_min(_LIKE)
        (gradient,) = torch.autograd.grad(content + _SHARE * self.weight * style, strokes)
        with torch.no_grad():
            self.mean_square, self._changed = self._error(canvas.detach()), style.detach()
            rate, correction = self._schedule[self.steps_done]
            gradient = gradient * self._ranges.scale * self._moves
            adam_step_(self._parameters, gradient, self._mean, self._square, rate, correction)
            self.strokes = self._limited(self._parameters * self._ranges.scale)
            torch.div(self.strokes, self._ranges.scale, out=self._parameters)
        self.steps_done += 1

    @torch.no_grad()
    def report(self) -> dict[str, Any]:
        """Metadata for the stroke file: the settings, and [before, after] of the style loss and ℓ1 in grey."""
        style, pixel, _ = self._losses(self._draw(self.strokes))
        return {
            "features": self.style.features.name,
            "mode": self.style.mode,
            "weight": self.weight,
            "steps": self.step_count,
            "style_loss": [float(self._before[0]), float(style)],
            "l1_grey": [float(self._before[1]), float(pixel)],
        }

    def _draw(self, strokes: Tensor) -> Tensor:
        return self.renderer.render(self._background, strokes[None], self.brush, pixels_per_unit=self._scale)

    def _losses(self, canvas: Tensor, coarse: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """(style, ℓ1, transport) losses."""
        grey, target = canvas.mean(1, keepdim=True), self._photo.mean(1, keepdim=True)
        return self.style(canvas, coarse=coarse), (grey - target).abs().mean(), self._transport(grey, target)

    def _error(self, canvas: Tensor) -> Tensor:
        return (canvas - self._photo).mean(1).square().mean()

    def _limited(self, strokes: Tensor) -> Tensor:
        """Clamps the strokes to their ranges; frozen parameters keep their exact values."""
        return torch.where(self._moves, self._ranges.apply(strokes), self._start)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that changes, on the CPU."""
        state = {
            "position": torch.tensor(self.steps_done, device="cpu"),
            "parameters": self._parameters,
            "adam.mean": self._mean,
            "adam.square": self._square,
            "strokes": self.strokes,
        }
        return {key: value.detach().cpu().clone() for key, value in state.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores a state from `state_dict()`. ValueError if it does not fit."""
        device = self.strokes.device
        done = int(take(state, "position", (), torch.int64))
        if not 0 <= done <= self.step_count:
            raise ValueError(f"position {done} is outside of the search")
        for name in ("strokes", "parameters", "adam.mean", "adam.square"):
            take(state, name, self.strokes.shape)
        self.steps_done = done
        self.strokes = state["strokes"].to(device)
        self._parameters = state["parameters"].to(device)
        self._mean, self._square = state["adam.mean"].to(device), state["adam.square"].to(device)


def moving(brush: Brush, mode: Mode, device: torch.device | str = "cpu") -> Tensor:
    """`[P]`, bool: which parameters a mode changes; never those that the brush holds fixed."""
    moves = torch.ones(brush.num_parameters, dtype=torch.bool, device=device)
    if mode == "color":
        moves[brush.shape] = False
    for index, _ in brush.held:
        moves[index] = False
    return moves


def own_ranges(brush: Brush, strokes: Tensor, aspect: tuple[float, float]) -> Ranges:
    """Parameter ranges for existing strokes: the block of a stroke is its longer extent, and ranges are widened to
    include its current values."""
    x0, y0, x1, y1 = brush.bounds(strokes).unbind(-1)
    ranges = Ranges(brush, torch.maximum(x1 - x0, y1 - y0).clamp(_SMALLEST_BLOCK, 1.0), aspect)
    lengths = list(brush.positions + brush.sizes)
    ranges.low[:, lengths] = torch.minimum(ranges.low, strokes)[:, lengths]
    ranges.high[:, lengths] = torch.maximum(ranges.high, strokes)[:, lengths]
    faint = strokes[:, brush.opacity].clamp(0, 1)
    ranges.low[:, brush.opacity] = torch.minimum(ranges.low[:, brush.opacity], faint)
    return ranges


def check_aspect(painting: Painting, photo: Tensor, name: str = "photo") -> None:
    """ValueError unless a photo `[3, H, W]` has the aspect of the painting, up to rounding."""
    height, width = photo.shape[1:]
    wanted = painting.aspect[1] / painting.aspect[0]
    rounding = 1 / min(height, width)
    if abs(math.log(width / height / wanted)) > _ASPECT_TOLERANCE + rounding:
        tall, wide = painting.pixels()
        raise ValueError(
            f"{name} is {width}x{height} pixels, but the painting is {wide}x{tall}: use the photo that was painted, or "
            "crop yours to that aspect"
        )
