"""The frames of a time-lapse: a painting as it comes about, stroke by stroke, each from its start to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.images.io import to_bytes
from neuralpaint.painting.boxes import Box, area, empty, fewer, part, union
from neuralpaint.painting.exporters.settings import VideoSettings
from neuralpaint.painting.growing import GrowingStroke

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

_STROKE = 0.4  # seconds that a stroke takes at least, if not too many others are being drawn meanwhile
_AT_ONCE = 8  # strokes that are drawn at the same time, at most
_AREA = 0.2  # of their boxes together, in canvases, at most: it bounds the work for a frame
_EXPONENT = 0.8  # "ease": the time for a stroke goes with its size to this power
_EDGE = 2  # pixels that a stroke may extend beyond its bounds


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        pixels: uint8 `[H, W, 3]`. The next frame is drawn into the same memory.
        box: (x0, y0, x1, y1), outside of which it is as the frame before; None if nothing has changed.
    """

    pixels: np.ndarray
    box: Box | None


def time_lapse(
    painting: Painting,
    settings: VideoSettings | None = None,
    *,
    even: bool = False,
    callback: Callable[[int, int], None] | None = None,
) -> Iterator[Frame]:
    """Draws the frames of a time-lapse one after another: from the bare canvas to the painting, which the last one
    shows exactly as `Painting.render` does. They are deterministic.

    A stroke grows from its start to its end: its paint is multiplied by a soft edge that moves along it, so that its
    texture stays as it is. Strokes overlap in time, so that each can be seen growing however many there are; they are
    blended in the order of the painting. For each frame only the regions of strokes being drawn are drawn again.

    Args:
        painting: `painting.size` is the size of the frames.
        settings: `hold` is left to the caller.
        even: extend an odd side by one pixel, as video formats need.
        callback: called with the number of frames drawn so far and of all frames.

    Raises:
        ValueError: an engine draws the strokes.
    """
    settings = VideoSettings() if settings is None else settings
    if painting.brush.engine:
        raise ValueError(f"brush {painting.brush.name!r} is drawn by an engine, which draws no time-lapse")
    frames = _frames(painting, settings, even)
    return frames if callback is None else _counted(frames, frame_count(settings), callback)


@torch.no_grad()
def _frames(painting: Painting, settings: VideoSettings, even: bool) -> Iterator[Frame]:
    count = frame_count(settings)
    canvas = _Canvas(painting, settings, even)
    height, width, _ = canvas.pixels.shape
    for number in range(count - 1):
        box = canvas.advance(number / (count - 1) * settings.seconds)
        yield Frame(canvas.pixels, (0, 0, width, height) if number == 0 else box)
    canvas.advance(settings.seconds)
    height, width = painting.pixels()
    top = 0
    for band in painting.bands():  # the painting as it is rendered elsewhere, to the last bit
        canvas.pixels[top : top + len(band), :width] = band
        top += len(band)
    yield Frame(canvas.pixels, (0, 0, canvas.pixels.shape[1], canvas.pixels.shape[0]))


def _counted(frames: Iterator[Frame], total: int, callback: Callable[[int, int], None]) -> Iterator[Frame]:
    for done, frame in enumerate(frames, 1):
        callback(done, total)
        yield frame


def frame_count(settings: VideoSettings) -> int:
    """The number of frames that `time_lapse` draws, 1 or more."""
    return max(1, round(settings.seconds * settings.fps))


def schedule(painting: Painting, settings: VideoSettings) -> tuple[np.ndarray, np.ndarray]:
    """When strokes are drawn: float64 `[N]` seconds at which they start, and at which they end."""
    bounds = painting.brush.bounds(painting.strokes).double().cpu().numpy()
    sides = np.maximum(bounds[:, 2:] - bounds[:, :2], 1e-4)
    sizes = np.hypot(sides[:, 0], sides[:, 1])
    weights = sizes**_EXPONENT if settings.speed == "ease" else np.ones(len(sizes))
    n = len(weights)
    if n == 0:
        return np.zeros(0), np.zeros(0)
    starts = np.concatenate([[0.0], np.cumsum(weights)]) / weights.sum() * settings.seconds
    areas = np.concatenate([[0.0], np.cumsum(np.minimum(sides, painting.aspect[::-1]).prod(1))])
    # A stroke goes on while later ones start, up to what may be drawn at once.
    last = np.searchsorted(areas, areas[:-1] + _AREA * np.prod(painting.aspect), side="right") - 1
    last = np.clip(np.minimum(last, np.arange(n) + _AT_ONCE), np.arange(1, n + 1), n)
    ends = np.minimum(starts[:-1] + np.minimum(_STROKE, settings.seconds / 4), starts[last])
    return starts[:-1], np.maximum(ends, starts[1:])


class _Canvas:
    """The canvas at a time: the strokes that are done, and over them those being drawn."""

    def __init__(self, painting: Painting, settings: VideoSettings, even: bool) -> None:
        self._brush, self._strokes, self._scale = painting.brush, painting.strokes, float(painting.size)
        self._starts, self._ends = schedule(painting, settings)
        height, width = painting.pixels()
        if even:
            height, width = height + height % 2, width + width % 2
        color = torch.tensor(painting.background, dtype=torch.float32, device=self._strokes.device)
        self._done = color.view(3, 1, 1).expand(3, height, width).contiguous()
        self._shown = self._done.clone()
        self.pixels = to_bytes(self._shown)
        self._bytes = torch.from_numpy(self.pixels)
        self._boxes = self._find_boxes(height, width)
        self._next = 0  # the first stroke that is not done
        self._growing: dict[int, GrowingStroke] = {}

    def _find_boxes(self, height: int, width: int) -> list[Box]:
        """The part of the canvas that each stroke may touch; may be empty."""
        bounds = self._brush.bounds(self._strokes) * self._scale
        if self._brush.geometry.known:  # closer for turned boxes
            zero = self._strokes.new_zeros(len(self._strokes), 2)
            closer = self._brush.geometry.bounds(self._strokes, zero, self._scale)
            bounds[:, :2] = torch.maximum(bounds[:, :2], closer[:, :2])
            bounds[:, 2:] = torch.minimum(bounds[:, 2:], closer[:, 2:])
        limits = torch.tensor([width, height, width, height], device=bounds.device)
        low, high = (bounds[:, :2] - _EDGE).floor(), (bounds[:, 2:] + _EDGE).ceil()
        boxes = torch.minimum(torch.cat([low, high], 1).clamp(min=0), limits).int().tolist()
        return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes]

    def advance(self, time: float) -> Box | None:
        """Draws the canvas at a time, later than before. Returns the box that has changed."""
        first = self._next
        while self._next < len(self._ends) and self._ends[self._next] <= time:
            self._next += 1
        changed = self._finish(first, self._next)
        started = int(np.searchsorted(self._starts, time, side="left"))
        for k in range(self._next, started):
            if empty(self._boxes[k]):
                continue
            if k not in self._growing:
                stroke = self._strokes[k : k + 1]
                self._growing[k] = GrowingStroke(stroke, self._brush, self._boxes[k], self._scale)
            share = (time - self._starts[k]) / (self._ends[k] - self._starts[k])
            changed.append(self._growing[k].advance(share))
        boxes = [box for box in changed if box is not None]
        if not boxes:
            return None
        for box in fewer(boxes):
            part(self._shown, box).copy_(part(self._done, box))
            for growing in self._growing.values():  # in the order of the painting
                growing.draw_(self._shown, box)
            self._show(box)
        return union(boxes)

    def _finish(self, first: int, last: int) -> list[Box | None]:
        """Draws strokes onto the canvas of those that are done. Returns boxes outside of which that is not seen."""
        changed: list[Box | None] = []
        for k in range(first, last):  # those that were growing are the first ones
            growing = self._growing.pop(k, None)
            if growing is None and not empty(self._boxes[k]):
                break
            if growing is not None:
                changed.append(growing.advance(1.0))
                growing.draw_(self._done, growing.box)
            first = k + 1
        for start, end, box in self._runs(first, last):
            part(self._done, box).copy_(self._drawn(part(self._done, box), start, end, box))
            changed.append(box)
        return changed

    def _runs(self, first: int, last: int) -> Iterator[tuple[int, int, Box]]:
        """Runs of strokes that are drawn together, (first, last, box): many small ones cost a call each otherwise."""
        strokes = [k for k in range(first, last) if not empty(self._boxes[k])]
        boxes = [self._boxes[k] for k in strokes]
        if len(boxes) > 1 and area(union(boxes)) < 4 * sum(map(area, boxes)):
            yield strokes[0], strokes[-1] + 1, union(boxes)
        else:
            yield from ((k, k + 1, box) for k, box in zip(strokes, boxes, strict=True))

    def _drawn(self, under: Tensor, first: int, last: int, box: Box) -> Tensor:
        """The part of a canvas `[3, h, w]` in a box, with strokes drawn over it."""
        origin = self._strokes.new_tensor([[box[0] / self._scale, box[1] / self._scale]])
        strokes = self._strokes[first:last][None]
        return ops.render(under[None].contiguous(), strokes, self._brush, origin=origin, pixels_per_unit=self._scale)[0]

    def _show(self, box: Box) -> None:
        """Brings `pixels` up to date in a box."""
        x0, y0, x1, y1 = box
        # As `to_bytes` rounds, in fewer passes over memory.
        scaled = (part(self._shown, box) * 255.0).add_(0.5).clamp_(0.0, 255.0)
        self._bytes[y0:y1, x0:x1].copy_(scaled.permute(1, 2, 0))
