"""The input of a search, shared by all methods."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from functools import cached_property

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.guides.guide import NO_GUIDE, Guide
from neuralpaint.images.palette import Palette
from neuralpaint.images.resample import resize
from neuralpaint.images.streaming import shrink
from neuralpaint.renderers import ExactRenderer, Renderer
from neuralpaint.search.presets import Preset

_PROBES = 6  # the more, the better the estimate of `importance`
EDGE = 2.0  # pixels that an antialiased edge may extend beyond the outline of a stroke


@dataclass(frozen=True)
class Setting:
    """Everything about a problem except the photo; the same for every part of a canvas.

    Attributes:
        background: background colour, RGB in [0, 1].
        seed: of the random generator, which is on the CPU whatever the device.
        aspect: (height, width) of the canvas in units of its shorter side.
        device: where the search runs.
        palette: the only colours that strokes may have; None for any.
        opaque: whether a stroke is of one colour and hides what is under it. Needs a palette.
        guide: how much each place of the photo counts, and which way strokes run there.
        photo_pixels: pixels along the photo's shorter side, which a search need not exceed.
    """

    brush: Brush
    num_strokes: int
    preset: Preset
    background: tuple[float, float, float]
    renderer: Renderer
    seed: int
    aspect: tuple[float, float]
    device: torch.device
    palette: Palette | None = field(default=None, kw_only=True)
    opaque: bool = field(default=False, kw_only=True)
    guide: Guide = field(default=NO_GUIDE, kw_only=True)
    photo_pixels: int = field(default=1, kw_only=True)

    def pixels(self, size: int) -> tuple[int, int]:
        """(height, width) in pixels, `size` along the shorter side."""
        return max(1, round(self.aspect[0] * size)), max(1, round(self.aspect[1] * size))

    @property
    def setting(self) -> Setting:
        """These fields alone, without the photo."""
        return Setting(**{field.name: getattr(self, field.name) for field in fields(Setting)})

    @property
    def loaded_pixels(self) -> int:
        """Number of pixels of the photo if it is kept at full size, else 0."""
        return 0


def _random_bytes(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """uint8, drawn eight at a time: a number costs as much as drawing a pixel of a stroke."""
    count = math.prod(shape)
    drawn = torch.randint(-(2**63), 2**63 - 1, (math.ceil(count / 8),), generator=generator, device="cpu")
    return drawn.view(torch.uint8)[:count].view(shape)


def aspect_of(height: int, width: int) -> tuple[float, float]:
    """(height, width) in units of the shorter side."""
    shorter = min(height, width)
    return height / shorter, width / shorter


@dataclass(frozen=True)
class Problem(Setting):
    """A photo to paint, and how to paint it.

    Attributes:
        photo: `[3, H, W]` on the search's device.
    """

    photo: Tensor
    _views: dict[int, Tensor] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        photo: Tensor,
        brush: Brush,
        num_strokes: int,
        preset: Preset,
        background: tuple[float, float, float],
        renderer: Renderer,
        seed: int,
    ) -> Problem:
        """The problem of painting a whole photo."""
        height, width = photo.shape[1:]
        device, pixels = photo.device, min(height, width)
        aspect = aspect_of(height, width)
        return cls(brush, num_strokes, preset, background, renderer, seed, aspect, device, photo, photo_pixels=pixels)

    @property
    def loaded_pixels(self) -> int:
        return self.photo[0].numel()

    @property
    def origin(self) -> Tensor | None:
        """(x, y) of the top-left corner of the region drawn by `draw` and `loss`, in units; None for the whole
        canvas."""
        return None

    def view(self, size: int) -> Tensor:
        """The photo resized to `size` pixels along the shorter side. The last two results are cached."""
        if size not in self._views:
            while len(self._views) > 1:
                del self._views[next(iter(self._views))]
            self._views[size] = resize(self.photo, *self.pixels(size))
        return self._views[size]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the region drawn by `draw` and `loss`, in fractions of the canvas."""
        return (0.0, 0.0, 1.0, 1.0)

    def weight(self, height: int, width: int) -> Tensor | None:
        """How much each pixel of that region counts, `[1, 1, height, width]` of mean 1 over the canvas; None: all count
        the same."""
        return self.guide.weight(height, width, self.box, str(self.device))

    def blank(self, height: int, width: int, batch: int = 1) -> Tensor:
        """`[batch, 3, height, width]` filled with the background colour."""
        color = torch.tensor(self.background, dtype=torch.float32, device=self.device).view(1, 3, 1, 1)
        return color.expand(batch, 3, height, width).contiguous()

    def draw(self, strokes: Tensor, size: int, softness: float = 1.0) -> Tensor:
        """Draws strokes `[N, P]` on the background, `size` pixels along the shorter side: `[3, H, W]`."""
        canvas = self.blank(*self.pixels(size))
        scale = float(size)
        return self.renderer.render(
            canvas, strokes[None], self.brush, softness=softness, origin=self.origin, pixels_per_unit=scale
        )[0]

    @torch.no_grad()
    def importance(self, strokes: Tensor, size: int) -> Tensor:
        """`[N]`: how much Σwd² would rise without each of the strokes `[N, P]`, with the others as they are.

        The canvas C is affine in the opacity o of a stroke, so the rise is o²Σw(∂C/∂o)² − o·∂(Σwd²)/∂o. The first sum
        is estimated with random signs z, as the mean of (Σ√w·z·∂C/∂o)²: Bekas, Kokiopoulou & Saad, "An estimator for
        the diagonal of a matrix", 2007.
        """
        picture, target = self.draw(strokes, size), self.view(size)
        canvas, weight = self.blank(*picture.shape[1:]), self.weight(*picture.shape[1:])
        at, opacity = self.brush.opacity, strokes[:, self.brush.opacity]
        slope = self.loss(strokes, target, canvas, size, 1.0, weight, (0.0, 1.0))[1][:, at]
        generator, squares = torch.Generator("cpu").manual_seed(0), torch.zeros_like(slope)
        for probe in range(_PROBES):
            if probe % 8 == 0:
                bits = _random_bytes(picture.shape, generator).to(picture.device)
            # The gradient of Σwd² for d = z / 2√w.
            signs = (bits >> probe % 8 & 1).to(picture.dtype).sub_(0.5)
            shifted = picture - (signs if weight is None else signs * weight[0].rsqrt())
            squares += self.loss(strokes, shifted, canvas, size, 1.0, weight, (0.0, 1.0))[1][:, at].square()
        return opacity.square() * squares / _PROBES - opacity * slope

    @cached_property
    def _corner(self) -> Tensor:
        """`[1, 2]`: `origin`, or zeros, which are then not made anew for every step."""
        return torch.zeros(1, 2, dtype=torch.float32, device=self.device) if self.origin is None else self.origin

    @property
    def fused(self) -> bool:
        """Whether `loss` is a single kernel that never synchronizes with the device. False for any other renderer,
        including subclasses of `ExactRenderer`."""
        return type(self.renderer) is ExactRenderer

    def loss(
        self,
        strokes: Tensor,
        target: Tensor,
        canvas: Tensor,
        size: float,
        softness: float | Tensor,
        weight: Tensor | None,
        factors: tuple[float, float] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Σwd² and the gradient `[N, P]` of l1 · Σw|d| + l2 · Σwd², with l1 and l2 from `factors` or the preset.

        d is the strokes drawn on `canvas` `[1, 3, H, W]` minus `target` `[3, H, W]`, `size` pixels along the shorter
        side; w is `weight` `[1, 1, H, W]`, or 1. `softness` may be a tensor only if `fused`.
        """
        l1, l2 = (self.preset.l1, self.preset.l2) if factors is None else factors
        scale = float(size)
        if self.fused:
            _, square, gradient = ops.render_loss(
                canvas,
                strokes[None],
                self.brush,
                target[None],
                l1=l1,
                l2=l2,
                weight=weight,
                softness=softness,
                origin=self._corner,
                pixels_per_unit=scale,
            )
            return square[0], gradient[0]
        with torch.enable_grad():
            strokes = strokes.detach().requires_grad_()
            picture = self.renderer.render(
                canvas, strokes[None], self.brush, softness=float(softness), origin=self.origin, pixels_per_unit=scale
            )
            difference = picture[0] - target
            counted = 1.0 if weight is None else weight[0]
            square = (counted * difference.square()).sum()
            (gradient,) = torch.autograd.grad(l1 * (counted * difference.abs()).sum() + l2 * square, strokes)
        return square.detach(), gradient


@dataclass(frozen=True)
class LargeProblem(Problem):
    """A problem that stores its photo as uint8, no larger than the search needs.

    Attributes:
        photo: uint8 `[3, H, W]` on the CPU.
    """

    _reduced: dict[int, Tensor] = field(default_factory=dict, repr=False)

    @property
    def loaded_pixels(self) -> int:
        return 0

    def reduced(self, size: int) -> Tensor:
        """uint8 `[3, H, W]` on the CPU: the photo with `size` pixels along the shorter side. The last result is
        cached."""
        if size not in self._reduced:
            self._reduced.clear()
            height, width = self.pixels(size)
            if height <= self.photo.shape[1] and width <= self.photo.shape[2]:
                self._reduced[size] = shrink(self.photo, height, width)
            else:  # channel by channel, to save memory
                planes = [resize(plane[None].float(), height, width).round_().byte() for plane in self.photo]
                self._reduced[size] = torch.cat(planes)
        return self._reduced[size]

    def view(self, size: int) -> Tensor:
        if size not in self._views:
            self._views.clear()
            self._views[size] = self.reduced(size).to(self.device).float().div_(255)
        return self._views[size]


@dataclass(frozen=True)
class Part:
    """A rectangle of pixels of a canvas of `height` × `width` pixels, `size` along its shorter side."""

    size: int
    height: int
    width: int
    left: int
    top: int
    right: int
    bottom: int

    def grown(self, by: int) -> Part:
        """Grown by `by` pixels on every side, clipped to the canvas."""
        left, top = max(0, self.left - by), max(0, self.top - by)
        right, bottom = min(self.width, self.right + by), min(self.height, self.bottom + by)
        return Part(self.size, self.height, self.width, left, top, right, bottom)

    def touching(self, bounds: Tensor) -> Tensor:
        """`[N]` bool: which strokes with these bounds `[N, 4]` (units) are visible in this part."""
        x0, y0, x1, y1 = (bounds * self.size).unbind(1)
        low, high = self.left - 2 * EDGE, self.top - 2 * EDGE
        return (x1 >= low) & (x0 <= self.right + 2 * EDGE) & (y1 >= high) & (y0 <= self.bottom + 2 * EDGE)

    def holding(self, bounds: Tensor, margin: float) -> Tensor:
        """`[N]` bool: which strokes lie inside, at least `margin` pixels from its sides. Sides that are canvas borders
        do not count."""
        x0, y0, x1, y1 = (bounds * self.size).unbind(1)
        left = -math.inf if self.left == 0 else self.left + margin
        top = -math.inf if self.top == 0 else self.top + margin
        right = math.inf if self.right == self.width else self.right - margin
        bottom = math.inf if self.bottom == self.height else self.bottom - margin
        return (x0 >= left) & (x1 <= right) & (y0 >= top) & (y1 <= bottom)

    def owning(self, bounds: Tensor) -> Tensor:
        """`[N]` bool: which strokes have the centre of their bounds in this part. If parts tile the canvas, each
        stroke has exactly one owner."""
        middle = (bounds[:, :2] + bounds[:, 2:]) * (0.5 * self.size)
        last = torch.tensor([self.width, self.height], device=bounds.device)
        x, y = middle.clamp_min(0).minimum(last - 1).unbind(1)
        return (x >= self.left) & (x < self.right) & (y >= self.top) & (y < self.bottom)

    def crop(self, photo: Tensor) -> Tensor:
        """Crops `photo` `[3, height, width]` to this part."""
        return photo[:, self.top : self.bottom, self.left : self.right].clone()


@dataclass(frozen=True)
class PartProblem(Problem):
    """One part of a canvas as a problem: only its pixels, but strokes in the units of the whole canvas."""

    part: Part = field(kw_only=True)

    @cached_property
    def origin(self) -> Tensor:
        x, y = self.part.left / self.part.size, self.part.top / self.part.size
        return torch.tensor([[x, y]], dtype=torch.float32, device=self.device)

    @property
    def box(self) -> tuple[float, float, float, float]:
        part = self.part
        return part.left / part.width, part.top / part.height, part.right / part.width, part.bottom / part.height

    def pixels(self, size: int) -> tuple[int, int]:
        height, width = self.photo.shape[1:]
        return height, width

    def view(self, size: int) -> Tensor:
        return self.photo


def part_problem(setting: Setting, part: Part, crop: Tensor) -> PartProblem:
    """The problem of painting one part; `crop` is the photo there, `[3, h, w]`, uint8 or float."""
    photo = crop.to(setting.device)
    photo = photo if photo.is_floating_point() else photo.float().div_(255)
    return PartProblem(**vars(setting), photo=photo, part=part)
