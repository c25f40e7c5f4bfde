"""The operators themselves, `torch.ops.neuralpaint.*`: numbers out of range raise one line and never reach a kernel."""

import math

import pytest
import torch

from neuralpaint import ops  # noqa: F401  (registers them)
from neuralpaint.brushes import get_brush

OPS = torch.ops.neuralpaint
TAPE, OIL = get_brush("tape"), get_brush("oil")
CANVAS = torch.full((1, 3, 8, 8), 0.25)
STROKES = torch.full((1, 2, 9), 0.5)
ORIGIN = torch.zeros(1, 2)
MASS = torch.full((1, 4, 4), 0.5)
PATHS = {"canvas": CANVAS, "points": torch.full((1, 3, 4, 2), 0.5), "fill": torch.full((1, 2, 4), 0.5),
         "stroke": torch.full((1, 2, 4), 0.5), "width": torch.full((1, 2), 0.5),
         "stops": torch.full((1, 3, 5), 0.5), "maps": torch.full((1, 2, 8), 0.5),
         "contours": torch.tensor([[0, 1, 1], [1, 2, 0]]),
         "styles": torch.tensor([[0, 1, 1, 0, -1], [1, 2, 2, 1, 0]]),
         "gradients": torch.tensor([[0, 0, 1], [1, 2, 2]]),
         "miter_limits": torch.tensor([4.0, 100.0], dtype=torch.float64)}  # fmt: skip
COST, POTENTIALS = OPS.sinkhorn(MASS, MASS, 0.1, 2, 0)
ROWS = torch.full((3, 4), 0.5)
CALLS = {
    "rasterize": {"strokes": STROKES[0], "kind": TAPE.kind, "texture": TAPE.texture, "height": 8, "width": 8,
                  "softness": 1.0, "dtype": torch.float32},
    "rasterize_backward": {"grad_foreground": torch.zeros(2, 3, 8, 8), "grad_alpha": torch.zeros(2, 1, 8, 8),
                           "strokes": STROKES[0], "kind": TAPE.kind, "texture": TAPE.texture, "softness": 1.0},
    "composite": {"canvas": CANVAS, "foreground": CANVAS[:, None], "alpha": CANVAS[:, None, :1]},
    "composite_backward": {"grad": CANVAS, "canvas": CANVAS, "foreground": CANVAS[:, None],
                           "alpha": CANVAS[:, None, :1]},
    "render": {"canvas": CANVAS, "strokes": STROKES, "kind": TAPE.kind, "texture": TAPE.texture, "origin": ORIGIN,
               "pixels_per_unit": 8.0, "softness": 1.0},
    "render_backward": {"grad": CANVAS, "canvas": CANVAS, "strokes": STROKES, "kind": TAPE.kind,
                        "texture": TAPE.texture, "origin": ORIGIN, "pixels_per_unit": 8.0, "softness": 1.0},
    "render_loss": {"target": CANVAS, "weight": CANVAS[:, :1], "canvas": CANVAS, "strokes": STROKES,
                    "kind": TAPE.kind, "texture": TAPE.texture, "origin": ORIGIN, "pixels_per_unit": 8.0,
                    "softness": torch.tensor(1.0), "l1": 0.5, "l2": 1.0},
    "render_paths": PATHS,
    "render_paths_backward": {"grad": CANVAS} | PATHS,
    "sinkhorn": {"mass_x": MASS, "mass_y": MASS, "epsilon": 0.1, "iterations": 2, "cost": 0},
    "sinkhorn_backward": {"grad": COST, "mass_x": MASS, "mass_y": MASS, "potentials": POTENTIALS, "epsilon": 0.1,
                          "iterations": 2, "cost": 0},
    "projected_adam_": {"parameters": ROWS.clone(), "values": ROWS.clone(), "points": ROWS.clone(),
                        "mean": ROWS.clone(), "square": ROWS.clone(), "age": torch.zeros(3, 1), "gradient": ROWS,
                        "rate": torch.tensor(0.1), "corrections": torch.ones(2), "scale": ROWS, "low": -ROWS,
                        "high": ROWS, "moves": ROWS, "wraps": 2, "first": 0.9, "second": 0.95, "epsilon": 1e-8,
                        "divisor": 2.0, "extra": ROWS[:2], "extra_factor": 0.5, "field": torch.ones(2, 3, 4),
                        "across": 1.5, "down": 1.0, "strength": 0.1, "start": -1, "end": 0, "size": 0, "sizes": 2},
}  # fmt: skip
WIDTHS = [0.0, -1.0, math.nan, math.inf, -math.inf, 1e-60, 1e60, 1e308]
BAD = {
    "kind": [-1, 14, 15, 16, 1 << 31, 1 << 32, (1 << 32) + TAPE.kind, 2**63 - 1, -(2**63)],
    "height": [0, -1, 65537, 1 << 32, (1 << 32) + 8, 2**63 - 1],
    "width": [0, -8, 65537, 1 << 32, (1 << 32) + 8, -(2**63)],
    "softness": WIDTHS,
    "pixels_per_unit": WIDTHS,
    "epsilon": WIDTHS,
    "l1": [-1.0, math.nan, math.inf, 1e60],
    "l2": [-1.0, math.nan, math.inf, 1e308],
    "iterations": [0, -1, 1 << 31, 1 << 32, (1 << 32) + 2, 2**62, 2**63 - 1],
    "cost": [-1, 2, 1 << 32, (1 << 32) + 1],
    "wraps": [-2, 4, 1 << 32, 2**63 - 1, -(2**63)],
    "first": [-0.1, 1.0, math.nan, math.inf],
    "second": [-0.1, 1.0, math.nan, math.inf],
    "divisor": WIDTHS,
}
TABLE = [
    (op, name, value)
    for op, call in CALLS.items()
    for name in call
    for value in BAD.get(name, [])
    if not isinstance(call[name], torch.Tensor)
]


@pytest.mark.parametrize("op", CALLS)
def test_the_calls_are_good_ones(op):
    getattr(OPS, op)(**CALLS[op])


@pytest.mark.parametrize(("op", "name", "value"), TABLE)
def test_numbers_out_of_range_are_refused(op, name, value):
    match = "potentials must" if op == "sinkhorn_backward" and name == "iterations" and value > 0 else name
    with pytest.raises(RuntimeError, match=match) as found:
        getattr(OPS, op)(**CALLS[op] | {name: value})
    assert "must be" in str(found.value) or "too many" in str(found.value)


@pytest.mark.parametrize("op", CALLS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.int32, torch.bool, torch.complex64])
def test_other_types_are_refused(op, dtype):
    """A tensor of another type, each in turn."""
    for name, value in CALLS[op].items():
        if isinstance(value, torch.Tensor) and name != "texture":
            if name.startswith("grad_") and dtype == torch.float16:
                continue  # rasterize may have given half precision
            with pytest.raises(RuntimeError):
                getattr(OPS, op)(**CALLS[op] | {name: value.to(dtype)})


@pytest.mark.parametrize("op", CALLS)
@pytest.mark.parametrize("shape", [(), (0,), (1, 2), (1, 3, 0, 8), (1, 3, 8, 8, 1), (0, 0, 0)])
def test_other_shapes_are_refused(op, shape):
    for name, value in CALLS[op].items():
        if isinstance(value, torch.Tensor) and name not in ("texture",) and value.shape != shape:
            with pytest.raises(RuntimeError, match="must"):
                getattr(OPS, op)(**CALLS[op] | {name: torch.zeros(shape)})


def test_sides_that_fit_no_int_are_refused_where_a_batch_of_none_needs_no_memory():
    side = 1 << 33
    with pytest.raises(RuntimeError, match="sides of at most"):
        OPS.render(
            torch.zeros(0, 3, 1, side), torch.zeros(0, 2, 9), TAPE.kind, TAPE.texture, torch.zeros(0, 2), 8.0, 1.0
        )
    with pytest.raises(RuntimeError, match="sides of at most"):
        OPS.composite(torch.zeros(0, 3, side, 1), torch.zeros(0, 1, 3, side, 1), torch.zeros(0, 1, 1, side, 1))
    with pytest.raises(RuntimeError, match="too many pixels"):
        OPS.sinkhorn(torch.zeros(0, side, 1), torch.zeros(0, side, 1), 0.1, 2, 0)


def test_textures_that_fit_no_lookup_are_refused():
    strokes = torch.full((1, 12), 0.5)
    good = OIL.texture
    floats, turned, odd = good.float(), good.transpose(0, 3), torch.zeros(2, 6, 8, 2).int()
    for texture in (good[:1], good[:, :-1].contiguous(), floats, turned, odd, odd[:, :0], odd[:0].flatten()):
        with pytest.raises(RuntimeError, match="texture"):
            OPS.rasterize(strokes, OIL.kind, texture, 8, 8, 1.0, torch.float32)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contours", [[0, 1, 1], [0, 1, 1]]),  # segments are left over
        ("contours", [[0, 1, 1], [1, 3, 1]]),
        ("contours", [[0, 4, 1], [1, -1, 1]]),
        ("contours", [[1, 1, 1], [0, 2, 1]]),  # not in order
        ("contours", [[0, 1, 1], [2, 2, 1]]),
        ("contours", [[-1, 1, 1], [1, 2, 1]]),
        ("contours", [[0, 2**62, 1], [1, 2**62, 1]]),
        ("styles", [[2, 0, 0, -1, -1], [0, 0, 0, -1, -1]]),
        ("styles", [[0, 3, 0, -1, -1], [0, 0, 0, -1, -1]]),
        ("styles", [[0, 0, 0, -1, -1], [0, 0, -1, -1, -1]]),
        ("styles", [[0, 0, 0, 2, -1], [0, 0, 0, -1, -1]]),
        ("styles", [[0, 0, 0, -1, -1], [0, 0, 0, -1, -2]]),
        ("gradients", [[0, 0, 1], [2, 0, 2]]),
        ("gradients", [[0, 0, 1], [0, 3, 2]]),
        ("gradients", [[0, 0, 0], [0, 0, 3]]),
        ("gradients", [[0, 0, 1], [0, 0, 2**62]]),
        ("gradients", [[0, 0, 1], [0, 0, 1]]),  # a stop is left over
    ],
)
def test_layouts_that_fit_no_points_are_refused(name, value):
    with pytest.raises(RuntimeError, match=f"{name} must"):
        OPS.render_paths(**PATHS | {name: torch.tensor(value)})


@pytest.mark.parametrize("limit", [0.0, 0.99, -4.0, 101.0, math.nan, math.inf])
def test_miter_limits_out_of_range_are_refused(limit):
    with pytest.raises(RuntimeError, match="miter_limits must be from 1 to 100"):
        OPS.render_paths(**PATHS | {"miter_limits": torch.tensor([4.0, limit], dtype=torch.float64)})


@pytest.mark.parametrize("limits", [torch.ones(2), torch.ones(3).double(), torch.ones(4).double()[::2]])
def test_miter_limits_of_another_kind_are_refused(limits):
    with pytest.raises(RuntimeError, match="miter_limits must be a contiguous float64 tensor"):
        OPS.render_paths(**PATHS | {"miter_limits": limits})
