"""What all ops refuse, and in which words: numbers out of range, forward mode; and what autocast hands them."""

import math

import pytest
import torch

from neuralpaint import ops
from neuralpaint.brushes import get_brush
from neuralpaint.losses import TransportLoss

CANVAS = torch.full((1, 3, 8, 8), 0.25)
STROKES = torch.full((1, 2, 9), 0.5)
MASS = torch.full((1, 4, 4), 0.5)

CALLS = {
    "composite": lambda canvas=CANVAS, **rest: ops.composite(
        canvas, rest.get("foreground", CANVAS[:, None]), rest.get("alpha", CANVAS[:, None, :1])
    ),
    "rasterize": lambda strokes=STROKES, **rest: ops.rasterize(strokes[0], "tape", **{"height": 8, "width": 8, **rest}),
    "render": lambda canvas=CANVAS, strokes=STROKES, **rest: ops.render(canvas, strokes, "tape", **rest),
    "render_loss": lambda canvas=CANVAS, strokes=STROKES, target=CANVAS, **rest: ops.render_loss(
        canvas, strokes, "tape", target, **rest
    ),
    "sinkhorn": lambda mass_x=MASS, mass_y=MASS, **rest: ops.sinkhorn(mass_x, mass_y, **rest),
}
TENSORS = [
    ("composite", "canvas"),
    ("composite", "foreground"),
    ("composite", "alpha"),
    ("rasterize", "strokes"),
    ("render", "canvas"),
    ("render", "strokes"),
    ("render_loss", "canvas"),
    ("render_loss", "strokes"),
    ("render_loss", "target"),
    ("sinkhorn", "mass_x"),
    ("sinkhorn", "mass_y"),
]
VALUES = {
    "canvas": CANVAS,
    "target": CANVAS,
    "foreground": CANVAS[:, None],
    "alpha": CANVAS[:, None, :1],
    "strokes": STROKES,
    "mass_x": MASS,
    "mass_y": MASS,
}

# ---- numbers ---------------------------------------------------------------------------------------------------------

BAD = {
    "softness": [0, 0.0, -1.0, math.nan, math.inf, 10**400, -(10**400), 10**5000, 1e-60, 1e60],
    "pixels_per_unit": [0, -1.0, math.nan, math.inf, 10**400, 1e-60, 1e60],
    "origin": [(10**400, 0), ("a", "b"), (math.nan, 0.0), (0.0,), object()],
    "l1": [-1, math.nan, math.inf, 10**400],
    "l2": [-1, math.nan, math.inf, 10**400, -(10**400)],
    "height": [0, -1, 2**62, 10**400, 10**5000],
    "width": [0, -1, 2**62, 10**400, 10**5000],
    "epsilon": [0, -1.0, math.nan, math.inf, 10**400],
    "iterations": [0, -1, 2**31, 2**62, 2**63, 10**400, 10**5000],
}
TAKES = {
    "rasterize": ["softness", "height", "width"],
    "render": ["softness", "pixels_per_unit", "origin"],
    "render_loss": ["softness", "pixels_per_unit", "origin", "l1", "l2"],
    "sinkhorn": ["epsilon", "iterations"],
}
TABLE = [(op, name, value) for op, names in TAKES.items() for name in names for value in BAD[name]]


def label(value):
    return f"10**{len(hex(value))}" if isinstance(value, int) and value.bit_length() > 1000 else None


@pytest.mark.parametrize(("op", "name", "value"), TABLE, ids=label)
def test_numbers_out_of_range_are_named(op, name, value):
    with pytest.raises(ValueError, match=f"^{name} must be ") as found:
        CALLS[op](**{name: value})
    assert "\n" not in str(found.value) and len(str(found.value)) < 200


@pytest.mark.parametrize("value", BAD["iterations"], ids=label)
def test_iterations_of_the_loss_are_named(value):
    with pytest.raises(ValueError, match="^iterations must be "):
        TransportLoss(iterations=value)


@pytest.mark.parametrize("softness", [-1.0, math.nan, 0.0])
def test_backward_passes_refuse_a_softness_too(softness):
    brush = get_brush("tape")
    strokes = STROKES.clone().requires_grad_()
    with pytest.raises((ValueError, RuntimeError), match="softness"):
        picture = torch.ops.neuralpaint.render(
            CANVAS, strokes, brush.kind, brush.texture, torch.zeros(1, 2), 8.0, softness
        )
        picture.sum().backward()
    with pytest.raises((ValueError, RuntimeError), match="softness"):
        drawn, _ = torch.ops.neuralpaint.rasterize(strokes[0], brush.kind, brush.texture, 8, 8, softness, torch.float32)
        drawn.sum().backward()


# ---- forward mode ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("op", "name"), TENSORS)
@pytest.mark.parametrize("way", ["jvp", "jacfwd", "dual"])
def test_forward_mode_is_refused(op, name, way):
    value = VALUES[name]

    def function(tensor):
        found = CALLS[op](**{name: tensor})
        return found[-1] if isinstance(found, tuple) else found

    with pytest.raises(NotImplementedError, match=f"^{op}: .*forward mode"):
        if way == "jvp":
            torch.func.jvp(function, (value,), (torch.ones_like(value),))
        elif way == "jacfwd":
            torch.func.jacfwd(function)(value)
        else:
            with torch.autograd.forward_ad.dual_level():
                function(torch.autograd.forward_ad.make_dual(value, torch.ones_like(value)))


def test_constants_are_welcome_in_forward_mode():
    drawn, moved = torch.func.jvp(lambda gain: gain * CALLS["render"](), (torch.tensor(2.0),), (torch.tensor(1.0),))
    torch.testing.assert_close(drawn, 2 * moved)


# ---- autocast --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("op", "name"), TENSORS)
def test_half_precision_under_autocast(op, name, dtype):
    leaf = VALUES[name].to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype):
        found = CALLS[op](**{name: leaf})
    found = found if isinstance(found, tuple) else (found,)
    expected = CALLS[op](**{name: leaf.detach().float()})
    expected = expected if isinstance(expected, tuple) else (expected,)
    for ours, wanted in zip(found, expected, strict=True):
        assert ours.dtype == torch.float32 and torch.equal(ours, wanted)
    if op != "render_loss":
        sum(part.sum() for part in found).backward()
        assert leaf.grad is not None and leaf.grad.dtype == dtype and leaf.grad.isfinite().all()


@pytest.mark.parametrize(("op", "name"), TENSORS)
def test_half_precision_without_autocast_is_refused(op, name):
    with pytest.raises((TypeError, ValueError), match="float32"):
        CALLS[op](**{name: VALUES[name].bfloat16()})


@pytest.mark.parametrize(("op", "name"), TENSORS)
def test_half_precision_on_the_meta_device_is_refused_too(op, name):
    with pytest.raises((TypeError, ValueError)):
        CALLS[op](**{name: VALUES[name].bfloat16().to("meta")})
