"""Random calls of the operators: a good call of random size, of which some arguments are then made hostile."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush, get_brush

BRUSHES = ("oil", "watercolor", "marker", "tape", "round", "flat")
DTYPES = (torch.float16, torch.bfloat16, torch.int32, torch.int64, torch.bool, torch.uint8, torch.complex64)
NOT_TENSORS = (None, "text", 1.5, [1.0, 2.0], object())
WIDTHS = (0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, 5e-324, 1e-45, 1e-38, 1e-6, 1e6, 1e19, 1e38, 1e39, 1e308)
SIDES = (0, -1, 65537, 2**31 - 1, 2**31, 2**32, 2**32 + 8, 2**62, 2**63 - 1, -(2**63), True, 1.5, "8")
COLUMNS = ("wraps", "start", "end", "size", "sizes")
SCALARS: dict[str, tuple[Any, ...]] = {
    "softness": (*WIDTHS, 2, True, "1", None),
    "pixels_per_unit": (*WIDTHS, 8, "8"),
    "layout": (None, 3, "4", ops.PathLayout.of([]), ops.PathLayout.of([1, 2])),
    "epsilon": (*WIDTHS, 1, "1"),
    "l1": (*WIDTHS, 0, "1"),
    "l2": (*WIDTHS, 1, None),
    "height": SIDES,
    "width": SIDES,
    "iterations": (0, -1, 2**31, 2**32 + 1, 2**40, 2**62, 2**63 - 1, 1.5, "2"),
    "kind": (*range(-2, 18), 2**31, 2**32, 2**32 + 3, 2**63 - 1, -(2**63), 1.5),
    "cost": (-1, 0, 1, 2, 2**32, 2**32 + 1, "sqeuclidean", "euclidean", "taxi", None),
    "brush": ("tape", "oil", "none", "", None, 3, torch.zeros(2)),
    "dtype": (*DTYPES, torch.float32, torch.float64, None, "float32"),
    "divisor": (*WIDTHS, "1"),
    "extra_factor": (*WIDTHS, 1, None),
    **{name: (-2, -1, 0, 1, 11, 14, 2**31, 2**62, 2**63 - 1, -(2**63), 1.5) for name in COLUMNS},
    "origin": ((0.0, 0.0), (1e30, -1e38), (math.nan, 0.0), (10**400, 0), (1.0,), "ab", [[0.5, 0.5]]),
}
MAGNITUDES = (0.0, 1e-45, 5e-324, 1e-30, 1e3, 1e10, 1e19, 1e30, 3e38, 1e300, math.nan, math.inf, -math.inf)


@dataclass
class Case:
    """A call, and what is known of it."""

    name: str  # of the op
    direct: bool  # torch.ops.neuralpaint.NAME rather than neuralpaint.ops.NAME
    arguments: dict[str, Any]
    changes: list[str] = field(default_factory=list)  # what was made hostile

    @property
    def function(self) -> Callable[..., Any]:
        return getattr(torch.ops.neuralpaint if self.direct else ops, self.name)

    def tensors(self) -> list[Tensor]:
        return [value for value in self.arguments.values() if isinstance(value, Tensor)]

    def __str__(self) -> str:
        def shown(value: Any) -> str:
            if isinstance(value, Tensor):
                return (
                    f"{value.dtype}{list(value.shape)} strides {value.stride() if value.layout == torch.strided else 0}"
                )
            return repr(value)[:60]

        call = ", ".join(f"{name}={shown(value)}" for name, value in self.arguments.items())
        where = "torch.ops.neuralpaint" if self.direct else "ops"
        return f"{where}.{self.name}({call}) changed: {'; '.join(self.changes) or 'nothing'}"


class Maker:
    """The cases of a seed, each from its own number alone."""

    def __init__(self, seed: int, number: int) -> None:
        self.random = random.Random(f"{seed}:{number}")
        self.generator = torch.Generator().manual_seed(self.random.randrange(2**62))
        self.dtype = self.random.choice((torch.float32, torch.float32, torch.float64))

    def tensor(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator, dtype=self.dtype)

    def make(self) -> Case:
        case = self.good_call()
        for _ in range(self.random.choice((0, 0, 1, 1, 1, 2, 3))):
            self.change(case)
        return case

    def good_call(self) -> Case:
        pick = self.random
        direct = pick.random() < 0.5
        names = ["composite", "rasterize", "render", "render_loss", "render_paths", "sinkhorn", "projected_adam_"]
        whole = ("render_loss", "projected_adam_")  # without a backward pass
        name = pick.choice(names + [f"{name}_backward" for name in names if direct and name not in whole])
        batch, count = pick.choice((0, 1, 1, 2, 3)), pick.choice((0, 1, 2, 5))
        height, width = pick.choice(((1, 1), (1, 70), (33, 2), (8, 8), (17, 31), (40, 9)))
        brush = get_brush(pick.choice(BRUSHES))
        canvas, strokes = self.tensor(batch, 3, height, width), self.tensor(batch, count, brush.num_parameters)
        base = name.removesuffix("_backward")
        arguments: dict[str, Any]
        if base == "composite":
            arguments = {"canvas": canvas, "foreground": self.tensor(batch, count, 3, height, width)}
            arguments["alpha"] = self.tensor(batch, count, 1, height, width)
        elif base == "sinkhorn":
            arguments = {
                "mass_x": 0.01 + canvas[:, 0],
                "mass_y": 0.01 + canvas[:, 1],
                "epsilon": 10 ** pick.uniform(-4, 1),
            }
            arguments |= {"iterations": pick.choice((1, 2, 3)), "cost": pick.choice((0, 1))}
        elif base == "render_paths":
            arguments = self.paths(canvas, count, direct)
        elif base == "projected_adam_":
            arguments = self.adam(count, brush, direct)
        elif base == "rasterize":
            arguments = {"strokes": self.tensor(count, brush.num_parameters), "height": height, "width": width}
            arguments |= {"softness": 10 ** pick.uniform(-2, 1), "dtype": self.dtype}
        else:
            arguments = {"canvas": canvas, "strokes": strokes, "origin": self.tensor(batch, 2) * 0.2}
            arguments |= {"pixels_per_unit": 10 ** pick.uniform(0, 2), "softness": 10 ** pick.uniform(-2, 1)}
        if base in ("rasterize", "render", "render_loss"):
            arguments |= {"kind": brush.kind, "texture": brush.texture} if direct else {"brush": brush.name}
        if base == "render_loss":
            arguments |= {"target": self.tensor(*canvas.shape), "l1": pick.random(), "l2": pick.random()}
            if direct:
                arguments["softness"] = torch.tensor(arguments["softness"], dtype=self.dtype)
            if direct or pick.random() < 0.5:
                arguments["weight"] = self.tensor(batch, pick.choice((0, 1)) if direct else 1, height, width).abs()
        if not direct and base == "sinkhorn":
            arguments["cost"] = ("sqeuclidean", "euclidean")[arguments["cost"]]
        if name != base:
            arguments = self.backward_arguments(base, arguments, count, height, width)
        return Case(name, direct, arguments)

    def adam(self, count: int, brush: Brush, direct: bool) -> dict[str, Any]:
        pick, columns, turning = self.random, brush.num_parameters, brush.turning
        changed = ("parameters", "values", "points", "mean", "square", "gradient", "scale", "low", "high")
        rows: dict[str, Any] = {name: self.tensor(count, columns) for name in changed}
        rows |= {"scale": 0.1 + rows["scale"], "high": 1 + rows["high"], "age": self.tensor(count, 1).round() * 9}
        rows |= {"rate": self.tensor(1)[0], "divisor": 10 ** pick.uniform(-2, 4), "epsilon": 10 ** pick.uniform(-8, -2)}
        rows |= {"extra": self.tensor(pick.randint(0, count), columns), "extra_factor": pick.random()}
        field, across, strength = self.tensor(2, 3, 5) - 0.5, pick.uniform(0.5, 2), pick.uniform(0, 100)
        if not direct:
            rows["pull"] = ops.Pull(field, across, 1.0, strength, turning)
            return rows | {"wraps": pick.choice((None, 0, columns - 1)), "moves": pick.choice((None, rows["scale"]))}
        rows |= {"corrections": 1 + self.tensor(4), "moves": self.tensor(count, pick.choice((0, columns)))}
        rows |= {"field": field, "across": across, "down": 1.0, "strength": strength, "first": 0.9, "second": 0.95}
        return (
            rows
            | {"wraps": pick.choice((-1, columns - 1)), "start": turning.start, "end": turning.end}
            | {
                "size": turning.size,
                "sizes": turning.sizes,
            }
        )

    def paths(self, canvas: Tensor, count: int, direct: bool) -> dict[str, Any]:
        pick, batch = self.random, canvas.shape[0]
        lengths = [pick.choice((1, 2, 4)) for _ in range(count)]
        layout = ops.PathLayout.of(
            lengths,
            closed=pick.random() < 0.5,
            fill_rule=pick.choice(("nonzero", "evenodd")),
            cap=pick.choice(("butt", "round", "square")),
            join=pick.choice(("miter", "round", "bevel")),
            miter_limit=pick.uniform(1, 100),
            gradients=[(pick.choice(("linear", "radial")), pick.choice(("pad", "reflect", "repeat")), 3)] * 2,
            fill_gradient=[pick.choice((-1, 0, 1)) for _ in range(count)],
            stroke_gradient=[pick.choice((-1, 0, 1)) for _ in range(count)],
            groups=[] if direct or not count else [(pick.randrange(count), count)],
        )
        paint = {"fill": self.tensor(batch, count, 4), "stroke": self.tensor(batch, count, 4)}
        paint["width"] = self.tensor(batch, count) * 0.2
        points = {"canvas": canvas, "points": self.tensor(batch, sum(lengths), 4, 2)}
        points["stops"], maps = self.tensor(batch, 6, 5), self.tensor(batch, 2, 8)
        if direct:
            points["maps"] = maps
            points["points"] = points["points"] * min(canvas.shape[2:])
            return (
                points
                | paint
                | {
                    "contours": layout.contours,
                    "styles": layout.styles,
                    "gradients": layout.gradients,
                    "miter_limits": layout.miter_limits,
                }
            )
        if count:
            paint["group_opacity"] = self.tensor(batch, 1)
        return points | paint | {"gradient_maps": maps, "layout": layout, "pixels_per_unit": 10 ** pick.uniform(0, 2)}

    def backward_arguments(
        self, base: str, arguments: dict[str, Any], count: int, height: int, width: int
    ) -> dict[str, Any]:
        if base == "rasterize":
            grads = {"grad_foreground": self.tensor(count, 3, height, width)}
            grads["grad_alpha"] = self.tensor(count, 1, height, width)
            return grads | {k: v for k, v in arguments.items() if k not in ("height", "width", "dtype")}
        if base == "sinkhorn":
            cost, potentials = torch.ops.neuralpaint.sinkhorn(**arguments)
            return {"grad": torch.rand_like(cost), "potentials": potentials} | arguments
        return {"grad": self.tensor(*arguments["canvas"].shape)} | arguments

    # ---- hostile changes -----------------------------------------------------------------------------------------

    def change(self, case: Case) -> None:
        name = self.random.choice(list(case.arguments))
        value = case.arguments[name]
        if not isinstance(value, Tensor) or self.random.random() < 0.03:
            value = self.random.choice(SCALARS.get(name, NOT_TENSORS))
            case.changes.append(f"{name} = {value!r}"[:80])
        else:
            kinds = (self.values, self.values, self.values, self.shape, self.shape, self.layout, self.layout, self.kind)
            value, change = self.random.choice(kinds)(value)
            case.changes.append(f"{name}: {change}")
        case.arguments[name] = value

    def values(self, tensor: Tensor) -> tuple[Tensor, str]:
        if not tensor.is_floating_point() or tensor.is_meta or tensor.layout != torch.strided:
            return tensor, "no change"
        size = self.random.choice(MAGNITUDES) * self.random.choice((1, 1, -1))
        some = torch.rand(tensor.shape, generator=self.generator) < self.random.choice((0.05, 0.3, 1.1))
        return torch.where(
            some, torch.tensor(size, dtype=torch.float64).to(tensor.dtype), tensor.detach()
        ), f"values {size}"

    def shape(self, tensor: Tensor) -> tuple[Tensor, str]:
        if tensor.layout != torch.strided:
            return tensor, "no change"
        shape = list(tensor.shape)
        way = self.random.choice(("drop", "add", "zero", "more", "huge", "swap"))
        if way == "add" or not shape:
            shape.insert(self.random.randint(0, len(shape)), self.random.choice((0, 1, 2)))
        else:
            at = self.random.randrange(len(shape))
            if way == "drop":
                del shape[at]
            elif way == "swap":
                shape = shape[::-1]
            else:
                shape[at] = {"zero": 0, "more": shape[at] + 1, "huge": 2**33}[way]
        if math.prod(shape) > 10**5:
            return tensor.new_zeros(1).expand(shape) if math.prod(shape) < 2**62 and 0 in shape else tensor, way
        return torch.zeros(shape, dtype=tensor.dtype, device=tensor.device), f"shape {shape}"

    def layout(self, tensor: Tensor) -> tuple[Tensor, str]:
        if tensor.layout != torch.strided or tensor.is_meta:
            return tensor, "no change"
        way = self.random.choice(("transposed", "expanded", "strided", "negated", "offset", "gradient"))
        if way == "transposed" and tensor.ndim > 1:
            return tensor.transpose(0, -1).contiguous().transpose(0, -1), way
        if way == "expanded" and tensor.ndim and tensor.numel():
            return tensor[:1].expand(tensor.shape), way
        if way == "strided":
            return torch.stack([tensor] * 7, -1)[..., 3], way
        if way == "negated" and tensor.is_floating_point():
            return torch._neg_view(tensor), way
        if way == "offset" and tensor.is_floating_point():
            return torch.cat([tensor.new_zeros(1), tensor.flatten()])[1:].view(tensor.shape), way
        return tensor.detach().clone().requires_grad_(tensor.is_floating_point()), "gradient"

    def kind(self, tensor: Tensor) -> tuple[Any, str]:
        way = self.random.choice(("dtype", "dtype", "meta", "sparse", "other"))
        if way == "other":
            return self.random.choice(NOT_TENSORS), "no tensor"
        if way == "meta":
            return tensor.to("meta"), way
        if way == "sparse" and tensor.ndim and not tensor.is_meta and tensor.layout == torch.strided:
            return tensor.detach().to_sparse(), way
        if tensor.is_meta or tensor.layout != torch.strided:
            return tensor, "no change"
        dtype = self.random.choice((*DTYPES, torch.float32, torch.float64))
        return torch.nan_to_num(tensor.detach(), 0, 0, 0).to(dtype), f"{dtype}"
