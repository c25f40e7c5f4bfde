"""`projected_adam_`: a step of Adam on parameters that are held within limits, in one pass."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from neuralpaint import _extension  # noqa: F401  (registers the kernels)
from neuralpaint.brushes.turning import Turning
from neuralpaint.ops.checks import check_factor, check_width
from neuralpaint.ops.transforms import register_in_place
from neuralpaint.utils.validation import check_whole

BETAS = (0.9, 0.95)  # shorter memory than the usual 0.999, for searches of a few dozen steps
EPSILON = 1e-8


class Pull(NamedTuple):
    """A weak pull of strokes towards the directions of a field: adds Σ s·A·(1 − cos 2δ)/2 to what is minimised.

    A is a stroke's area in units², δ the angle between it and the field where its middle lies, s `strength` times the
    field's length there. Only the derivatives by the angle count: A and s are held fixed.

    Attributes:
        field: `[2, h, w]`, cosine and sine of twice the angle, counter-clockwise as seen, times any length; of the
            dtype and device of the strokes. It covers the canvas.
        across, down: width and height of the canvas in units.
        strength: at least 0.
        turning: what the columns of a stroke are.
    """

    field: Tensor
    across: float
    down: float
    strength: float
    turning: Turning


def projected_adam_(
    parameters: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    age: Tensor,
    rate: Tensor,
    *,
    scale: Tensor,
    low: Tensor,
    high: Tensor,
    values: Tensor,
    points: Tensor,
    moves: Tensor | None = None,
    extra: Tensor | None = None,
    extra_factor: float = 1.0,
    pull: Pull | None = None,
    wraps: int | None = None,
    divisor: float = 1.0,
    betas: tuple[float, float] = BETAS,
    epsilon: float = EPSILON,
) -> None:
    """One step of Adam on rows of parameters p, whose values x = scale · p stay between limits. In place.

    With g = gradient · scale / divisor, of a row that has taken t steps, this one included:

        mean ← β₁·mean + (1 − β₁)·g,  square ← β₂·square + (1 − β₂)·g²,
        x ← limited(scale · (p − rate · moves · mean / (√(square / (1 − β₂ᵗ)) + ε))),  p ← x / scale.

    The mean begins at zero, without a correction, so that the first steps of a row are small. On the CPU these are the
    bits of the same operations of torch one after the other (`neuralpaint.ops.reference.projected_adam_`).

    All tensors have the dtype and device of `parameters`; nothing waits for the device.

    Args:
        parameters: `[N, P]`, float32 or float64, contiguous; changed.
        gradient: `[N, P]`, by the values x.
        mean, square: `[N, P]`, contiguous, zeros before a row's first step; changed.
        age: `[N, 1]`, contiguous, the steps that each row has taken; 1 is added.
        rate: a scalar, the learning rate.
        scale: `[N, P]`, not zero.
        low, high: `[N, P]`, the limits of x.
        values: `[N, P]`, contiguous: x is written here.
        points: `[N, P]`, contiguous: scale · p is written here, which is x but for rounding. The next gradient is to be
            taken at it.
        moves: `[N, P]`, factors of the rate, 0 for what does not move; None: all 1.
        extra: `[M, P]` with M ≤ N, another gradient of the first rows: extra_factor · extra is added to `gradient`.
        extra_factor: at least 0.
        pull: adds its derivatives by the strokes, which are `points`, to the gradient.
        wraps: the column whose values wrap around from 1 to 0 instead of being limited.
        divisor: above 0; see g.
        betas: β₁ and β₂, from 0 to below 1.
        epsilon: ε > 0.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape, dtype or range; the message names it.
        NotImplementedError: a transform of torch.func around it, or a tensor that requires gradients.

    References:
        Kingma & Ba, "Adam", ICLR 2015, algorithm 1; projected onto a box after each step, as in Bertsekas, "On the
        Goldstein-Levitin-Polyak gradient projection method", 1976.
    """
    tensors = {
        "parameters": parameters,
        "gradient": gradient,
        "mean": mean,
        "square": square,
        "scale": scale,
        "low": low,
        "high": high,
        "values": values,
        "points": points,
    }
    _check(tensors | {"moves": parameters if moves is None else moves}, age, rate)
    if extra is not None:
        _check_like("extra", extra, parameters)
        if extra.ndim != 2 or len(extra) > len(parameters) or extra.shape[1] != parameters.shape[1]:
            raise ValueError(f"extra must be [M, P] with M <= N for {list(parameters.shape)}, got {list(extra.shape)}")
    columns = parameters.shape[1]
    column = -1 if wraps is None else check_whole("wraps", wraps, 0, max(columns - 1, 0))
    first, second = betas
    for name, beta in (("betas[0]", first), ("betas[1]", second)):
        if not 0 <= beta < 1:
            raise ValueError(f"{name} must be from 0 to below 1, got {beta!r}")
    _call(
        parameters,
        values,
        points,
        mean,
        square,
        age,
        gradient,
        rate,
        corrections(second, parameters.dtype, parameters.device),
        scale,
        low,
        high,
        parameters[:, :0] if moves is None else moves,
        column,
        first,
        second,
        check_width("epsilon", epsilon, parameters.dtype),
        check_width("divisor", divisor, parameters.dtype),
        parameters[:0] if extra is None else extra,
        check_factor("extra_factor", extra_factor, parameters.dtype),
        *_pull_arguments(pull, parameters),
    )


def _pull_arguments(pull: Pull | None, parameters: Tensor) -> tuple[Tensor, float, float, float, int, int, int, int]:
    """Those of the operator. Raises TypeError or ValueError if they are wrong."""
    if pull is None:
        return parameters[:0, :0].expand(2, 0, 0), 1.0, 1.0, 0.0, -1, 0, 0, 2
    field, across, down, strength, turning = pull
    _check_like("pull.field", field, parameters)
    if field.ndim != 3 or field.shape[0] != 2 or field.numel() == 0:
        raise ValueError(f"pull.field must be [2, h, w], not empty, got {list(field.shape)}")
    start, end, size, sizes, area = turning
    pair = int(start >= 0)
    last = max(start + pair, end + pair, size + sizes - 1, 1)
    if last >= parameters.shape[1] or min(start + 1, end, size) < 0 or sizes not in ((1, 2) if pair else (2,)):
        raise ValueError(f"pull.turning must name columns of parameters {list(parameters.shape)}, got {turning}")
    return (
        field,
        check_width("pull.across", across, parameters.dtype),
        check_width("pull.down", down, parameters.dtype),
        check_factor("pull.strength", strength * area, parameters.dtype),
        start,
        end,
        size,
        sizes,
    )


def _check_like(name: str, tensor: Tensor, parameters: Tensor) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(tensor).__name__}")
    if tensor.dtype != parameters.dtype:
        raise TypeError(f"{name} must have the dtype of parameters, {parameters.dtype}, got {tensor.dtype}")
    if tensor.device != parameters.device:
        raise ValueError(f"{name} must be on the device of parameters, {parameters.device}, got {tensor.device}")


@lru_cache(maxsize=16)
def corrections(beta: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`[K]`: 1 / √(1 − βᵗ) for t = 1 … K, beyond which it is 1."""
    steps, power = 1, beta
    while power > torch.finfo(dtype).eps / 4 and steps < 1 << 16:
        steps, power = steps + 1, power * beta
    ages = torch.arange(1, steps + 1, dtype=dtype, device="cpu")
    return (1 - beta**ages).rsqrt().to(device)


def _check(tensors: dict[str, Tensor], age: Tensor, rate: Tensor) -> None:
    parameters = tensors["parameters"]
    changed = ("parameters", "mean", "square", "values", "points", "age")
    for name, tensor in (*tensors.items(), ("age", age), ("rate", rate)):
        _check_like(name, tensor, parameters)
        if name in changed and (not tensor.is_contiguous() or tensor.is_neg()):
            raise ValueError(f"{name} must be contiguous, and no negated view: it is changed in place")
    if parameters.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"parameters must be float32 or float64, got {parameters.dtype}")
    if parameters.ndim != 2:
        raise ValueError(f"parameters must be [N, P], got {list(parameters.shape)}")
    for name, tensor in tensors.items():
        if tensor.shape != parameters.shape:
            expected = list(parameters.shape)
            raise ValueError(f"{name} must have the shape of parameters, {expected}, got {list(tensor.shape)}")
    if age.shape != (len(parameters), 1):
        raise ValueError(f"age must be [N, 1] with N = {len(parameters)}, got {list(age.shape)}")
    if rate.ndim != 0:
        raise ValueError(f"rate must be a scalar tensor, got {list(rate.shape)}")


@torch.library.register_fake("neuralpaint::projected_adam_")
def _projected_adam_fake(*arguments: object) -> None:
    return None


_call = register_in_place("projected_adam_")
