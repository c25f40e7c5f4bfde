"""`render_paths`: filled and stroked paths of cubic Bézier segments, drawn onto a canvas."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neuralpaint import _extension  # noqa: F401  (registers the kernels)
from neuralpaint.brushes.texture import as_fake
from neuralpaint.ops.checks import as_single, check_finite, check_width, has_values
from neuralpaint.ops.path_layout import PathLayout
from neuralpaint.ops.transforms import refuse_unsupported, register_derivatives
from neuralpaint.utils.profiling import span
from neuralpaint.utils.validation import shown


@span("render_paths")
def render_paths(
    canvas: Tensor,
    points: Tensor,
    layout: PathLayout | None = None,
    *,
    fill: Tensor | None = None,
    stroke: Tensor | None = None,
    width: Tensor | None = None,
    stops: Tensor | None = None,
    gradient_maps: Tensor | None = None,
    group_opacity: Tensor | None = None,
    pixels_per_unit: float | None = None,
) -> Tensor:
    """Draws paths over a canvas, back to front: h ← a·c + (1 − a)·h, a = opacity · coverage, starting from the canvas.

    Differentiable by all tensors: the gradients are those of what is drawn, antialiased
    edges included. Coverage is the exact share of a pixel's square that lies within the outline (a box filter), where
    curves are cut into lines that stay within 0.03 pixels of them and enclose the same area. It is found as font
    rasterizers do: the signed areas to the right of all lines are added up, A, and the fill rule is applied to the sum,
    pixel by pixel: min(|A|, 1) for "nonzero", |A| folded into [0, 1] at every whole number for "evenodd". This is exact
    but for pixels in which lines of a path that overlaps itself cross. A path's fill is drawn before its stroke.
    Strokes are drawn as the outline of their polyline: parallel sides, caps and joins, and what overlaps is united.

    Gradients are those of SVG, taken at pixels' centres. A map takes (x, y) to (u, v) = (m0 x + m1 y + m2,
    m3 x + m4 y + m5). The parameter of a linear gradient is u; that of a radial one is how far (u, v) is on the way
    from the focus (m6, m7), which must lie within the unit circle, to that circle. `linear_map` and `radial_map` make
    such maps. Between stops, RGB and opacity are mixed linearly. A stop whose offset is below one before it counts as
    at that one.

    A group of opacity o turns the canvas below it, h, into (1 - o) h + o h', where h' is h with the group's paths drawn
    over it. That is what drawing the group on a transparent layer gives. Each group costs two passes over the canvas.

    At an edge exactly on a pixel's border the derivative is one-sided. Segments that do not begin where the one before
    them ends are joined by a straight line. Of corners at which points coincide, strokes have the gradient of the
    points together. Coordinates beyond ±10⁹ pixels are taken to be there.

    On a CPU or a CUDA device; the same arguments give the same bits. A CUDA graph cannot capture it: how many lines the
    curves make is read back before they are drawn.

    Args:
        canvas: `[B, 3, H, W]`, float32 or float64; RGB, as a rule in [0, 1].
        points: `[B, S, 4, 2]`, the control points (x, y) of S segments, in units of the canvas's shorter side from its
            top left corner, with a layout; or `[B, P, S, 4, 2]`, P closed paths of S segments each, without one.
        layout: how the segments make up paths.
        fill: `[B, P, 4]`, RGB and opacity of each path's inside; None: nothing is filled.
        stroke: `[B, P, 4]`, RGB and opacity of each path's stroke; None: nothing is stroked.
        width: `[B, P]`, widths of the strokes in the units of points, at least 0; given with `stroke` only.
        stops: `[B, K, 5]`, offset, RGB and opacity of the stops of all gradients of the layout, one gradient after the
            other. Where a path has a gradient, its opacity in `fill` or `stroke` multiplies that of the stops, and its
            RGB is not used.
        gradient_maps: `[B, G, 8]`, the map from the units of points and the focus, of each gradient of the layout.
        group_opacity: `[B, N]`, opacities of the layout's groups.
        pixels_per_unit: pixels in a unit; None: the canvas's shorter side. 1: points are in pixels.

    Returns:
        The canvas `[B, 3, H, W]` after the last path.

    Raises:
        TypeError: an argument is no tensor, or not of the canvas's dtype, float32 or float64 (under autocast, half
            precision becomes float32).
        ValueError: an argument does not fit the others in shape or device, or is not finite.
        RuntimeError: the paths would need too much memory.
    """
    given = {"canvas": canvas, "points": points, "fill": fill, "stroke": stroke, "width": width, "stops": stops}
    given |= {"gradient_maps": gradient_maps, "group_opacity": group_opacity}
    tensors: dict[str, Tensor] = {
        name: as_single(tensor) for name, tensor in given.items() if tensor is not None or name in ("canvas", "points")
    }
    refuse_unsupported("render_paths", *tensors.values())
    _check_tensors(tensors)
    canvas, points = tensors["canvas"], tensors["points"]
    points, layout = _with_layout(points, layout)
    _check_paint(tensors, layout)
    if (stroke is None) != (width is None):
        raise ValueError("width must be given with stroke, and only with it")
    side = float(min(canvas.shape[2:]))
    scale = check_width("pixels_per_unit", side if pixels_per_unit is None else pixels_per_unit, canvas.dtype)
    batch = canvas.shape[0]
    scene = {
        "points": points * scale,
        "fill": tensors.get("fill", canvas.new_empty(batch, 0, 4)),
        "stroke": tensors.get("stroke", canvas.new_empty(batch, 0, 4)),
        "width": tensors["width"] * scale if "width" in tensors else canvas.new_empty(batch, 0),
        "stops": tensors.get("stops", canvas.new_empty(batch, 0, 5)),
        "maps": canvas.new_empty(batch, 0, 8),
    }
    if "gradient_maps" in tensors:
        scene["maps"] = tensors["gradient_maps"] * canvas.new_tensor([1 / scale, 1 / scale, 1] * 2 + [1, 1])
    if "group_opacity" not in tensors:
        return _draw(canvas, scene, [layout.contours, layout.styles, layout.gradients, layout.miter_limits])
    return _draw_groups(canvas, scene, layout, tensors["group_opacity"])


def _draw(canvas: Tensor, scene: dict[str, Tensor], layout: list[Tensor]) -> Tensor:
    if not torch.compiler.is_compiling():
        layout = [as_fake(numbers) for numbers in layout]
    return _call(canvas, *scene.values(), *layout)


def _draw_groups(canvas: Tensor, scene: dict[str, Tensor], layout: PathLayout, opacity: Tensor) -> Tensor:
    below: list[Tensor] = []
    for step in layout.steps:
        if step.kind == "open":
            below.append(canvas)
        elif step.kind == "close":
            canvas = torch.lerp(below.pop(), canvas, opacity[:, step.group, None, None, None])
        elif step.contours is not None and step.styles is not None:
            own = [step.contours, step.styles, layout.gradients, layout.miter_limits[slice(*step.paths)].clone()]
            part = scene | {"points": scene["points"][:, slice(*step.segments)]}
            part |= {name: scene[name][:, slice(*step.paths)] for name in ("fill", "stroke", "width")}
            canvas = _draw(canvas, part, own)
    return canvas


def _check_tensors(tensors: dict[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(tensor).__name__}")
    canvas = tensors["canvas"]
    if canvas.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"canvas must be float32 or float64, got {canvas.dtype}")
    if canvas.ndim != 4 or canvas.shape[1] != 3:
        raise ValueError(f"canvas must be [B, 3, H, W], got {list(canvas.shape)}")
    if min(canvas.shape[2:]) < 1 or max(canvas.shape[2:]) > 65536:
        raise ValueError(f"canvas must have sides from 1 to 65536, got {list(canvas.shape)}")
    if canvas.device.type not in ("cpu", "cuda", "meta"):
        raise ValueError(f"canvas is on {canvas.device}, but paths are drawn on a CPU or a CUDA device")
    for name, tensor in tensors.items():
        if tensor.dtype != canvas.dtype:
            raise TypeError(f"{name} must have the canvas's dtype {canvas.dtype}, got {tensor.dtype}")
        if tensor.device != canvas.device:
            raise ValueError(f"{name} must be on the canvas's device {canvas.device}, got {tensor.device}")
        if tensor.ndim == 0 or tensor.shape[0] != canvas.shape[0]:
            raise ValueError(f"{name} must have the canvas's batch size {canvas.shape[0]}, got {list(tensor.shape)}")
        if name != "canvas":
            check_finite(name, tensor)


def _with_layout(points: Tensor, layout: PathLayout | None) -> tuple[Tensor, PathLayout]:
    """Points as `[B, S, 4, 2]`."""
    if layout is None:
        if points.ndim != 5 or points.shape[3:] != (4, 2) or points.shape[2] < 1:
            raise ValueError(f"points must be [B, P, S, 4, 2] without a layout, got {list(points.shape)}")
        layout = PathLayout.of([points.shape[2]] * points.shape[1])
        return points.flatten(1, 2), layout
    if not isinstance(layout, PathLayout):
        raise TypeError(f"layout must be a PathLayout, got {type(layout).__name__}")
    if points.ndim != 4 or points.shape[1:] != (layout.num_segments, 4, 2):
        raise ValueError(
            f"points must be [B, S, 4, 2] with S = {layout.num_segments} of the layout, got {list(points.shape)}"
        )
    return points, layout


def _check_paint(tensors: dict[str, Tensor], layout: PathLayout) -> None:
    paths, gradients, groups = layout.num_paths, layout.gradients.shape[0], len(layout.groups)
    own = {"stops": (gradients, "gradients"), "gradient_maps": (gradients, "gradients")}
    for name, (count, things) in (own | {"group_opacity": (groups, "groups")}).items():
        if (name in tensors) != (count > 0):
            raise ValueError(f"{name} must be given if the layout has {things}, and only then; it has {count}")
    shapes = {"stops": "[B, K, 5]", "gradient_maps": "[B, G, 8]", "group_opacity": "[B, N]"}
    counts = {"stops": (layout.num_stops, 5), "gradient_maps": (gradients, 8), "group_opacity": (groups,)}
    for name, wanted in shapes.items():
        if name in tensors and tensors[name].shape[1:] != counts[name]:
            raise ValueError(
                f"{name} must be {wanted} with {wanted[4]} = {counts[name][0]} of the layout, "
                f"got {list(tensors[name].shape)}"
            )
    for name, shape in (("fill", (paths, 4)), ("stroke", (paths, 4)), ("width", (paths,))):
        if name in tensors and tensors[name].shape[1:] != shape:
            wanted = "[B, P, 4]" if len(shape) == 2 else "[B, P]"
            raise ValueError(f"{name} must be {wanted} with P = {paths} paths, got {list(tensors[name].shape)}")
    if "width" in tensors and has_values(tensors["width"]) and bool((tensors["width"] < 0).any()):
        raise ValueError(f"width must be at least 0, got {shown(float(tensors['width'].min()))}")


@torch.library.register_fake("neuralpaint::render_paths")
def _render_paths_fake(
    canvas: Tensor,
    points: Tensor,
    fill: Tensor,
    stroke: Tensor,
    width: Tensor,
    stops: Tensor,
    maps: Tensor,
    contours: Tensor,
    styles: Tensor,
    gradients: Tensor,
    miter_limits: Tensor,
) -> Tensor:
    return canvas.new_empty(canvas.shape)


@torch.library.register_fake("neuralpaint::render_paths_backward")
def _render_paths_backward_fake(
    grad: Tensor,
    canvas: Tensor,
    points: Tensor,
    fill: Tensor,
    stroke: Tensor,
    width: Tensor,
    stops: Tensor,
    maps: Tensor,
    contours: Tensor,
    styles: Tensor,
    gradients: Tensor,
    miter_limits: Tensor,
) -> tuple[Tensor, ...]:
    return tuple(tensor.new_empty(tensor.shape) for tensor in (canvas, points, fill, stroke, width, stops, maps))


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


@span("render_paths backward")
def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    return (*_call_backward(grad, *ctx.saved_tensors), None, None, None, None)


_FOLDED = ("canvas", "points", "fill", "stroke", "width", "stops", "maps")
_call_backward = register_derivatives("render_paths_backward", ("grad", *_FOLDED))
_call = register_derivatives("render_paths", _FOLDED, _backward, _setup_context)
