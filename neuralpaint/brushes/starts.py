"""Where a search starts its strokes: what every brush does alike, and what each says for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import torch

Between: TypeAlias = "Callable[[float, float], torch.Tensor]"


class Spots(NamedTuple):
    """Where new strokes are laid: about how long, in units, one number or `[N]`; the middle of each, in units, and the
    angle along which it lies, in radians, counter-clockwise as seen, `[N]` each."""

    block: float | torch.Tensor
    x: torch.Tensor
    y: torch.Tensor
    angle: torch.Tensor


class Starts:
    """What a brush knows of starting a search; `Brush` is one."""

    if TYPE_CHECKING:
        placement: ClassVar[tuple[str, ...]]
        held: tuple[tuple[int, float], ...]

        @property
        def num_parameters(self) -> int: ...
        @property
        def x_positions(self) -> tuple[int, ...]: ...
        @property
        def y_positions(self) -> tuple[int, ...]: ...
        @property
        def sizes(self) -> tuple[int, ...]: ...
        @property
        def shape(self) -> slice: ...
        @property
        def colors(self) -> tuple[slice, ...]: ...
        @property
        def opacity(self) -> int: ...

    def lay(
        self,
        block: float | torch.Tensor,
        x: torch.Tensor,
        y: torch.Tensor,
        angle: torch.Tensor,
        color: torch.Tensor,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """New strokes about `block` units long, for a search to move.

        Args:
            block: one length for all, or `[N]`.
            x, y: `[N]`, units, where they lie.
            angle: `[N]`, radians, counter-clockwise as seen, along which they lie.
            color: `[3, N]`.

        Returns:
            `[N, P]`, on the CPU, where the arguments are.
        """
        import torch

        def between(low: float, high: float) -> torch.Tensor:
            return low + (high - low) * torch.rand(
                len(x), generator=generator, dtype=torch.float32, device=generator.device
            )

        strokes = torch.zeros(len(x), self.num_parameters, dtype=torch.float32, device=x.device)
        self._lay(strokes, Spots(block, x, y, angle), between)
        return self._filled(strokes, color.T, 0.9)

    def _lay(self, strokes: torch.Tensor, at: Spots, between: Between) -> None:
        """Sets the placement of new strokes; `between(low, high)` gives `[N]` random numbers."""
        raise NotImplementedError

    def stretched(self, strokes: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """Strokes `[N, P]` that are longer by a factor `[N, 1]` and as much narrower, about where they were. Those of a
        brush whose strokes have no length beside their width stay as they are."""
        changed = strokes.clone()
        if not self.sizes or len(self.x_positions) < 2:
            return changed
        for pair in (self.x_positions, self.y_positions):
            ends = strokes[:, list(pair)]
            middle = ends.mean(1, keepdim=True)
            changed[:, list(pair)] = middle + factor * (ends - middle)
        changed[:, list(self.sizes)] = strokes[:, list(self.sizes)] / factor
        return changed

    def start(self, x: torch.Tensor, y: torch.Tensor, color: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Strokes `[N, P]` as SNP §3.3 starts them: small, at any angle, at (x, y) `[N]`, of the colours `[N, 3]`."""
        import torch

        def between(low: float, high: float, count: int = 1) -> torch.Tensor:
            return low + (high - low) * torch.rand(
                len(x), count, generator=generator, dtype=torch.float32, device=generator.device
            )

        strokes = torch.zeros(len(x), self.num_parameters, dtype=torch.float32, device=x.device)
        strokes[:, list(self.x_positions)] = x[:, None]
        strokes[:, list(self.y_positions)] = y[:, None]
        strokes[:, list(self.sizes)] = between(0.1, 0.25, len(self.sizes))
        self._start(strokes, between)
        return self._filled(strokes, color, between(0.8, 0.98)[:, 0])

    def _start(self, strokes: torch.Tensor, between: Between) -> None:
        """Sets what of their placement is neither position nor size; `between` gives `[N, 1]` random numbers."""

    def _filled(self, strokes: torch.Tensor, color: torch.Tensor, opacity: float | torch.Tensor) -> torch.Tensor:
        """With colours, opacity and what an engine has besides; what is held at its value."""
        strokes[:, len(self.placement) : self.shape.stop] = 0.5
        for part in self.colors:
            strokes[:, part] = color
        strokes[:, self.opacity] = opacity
        for index, value in self.held:
            strokes[:, index] = value
        return strokes
