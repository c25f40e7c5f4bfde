"""What `torch.func` and `torch.autograd` do with an operator: reverse mode, vmap, clear errors for the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.forward_ad import unpack_dual

_LIBRARY = torch.library.Library("neuralpaint", "FRAGMENT")  # what is registered lives as long as this object


def refuse_unsupported(op: str, *arguments: Any) -> None:
    """Raises NotImplementedError for a tensor that carries a tangent, which the kernels would drop without a word, and
    for a distributed tensor."""
    if torch.compiler.is_compiling():
        return
    distributed = sys.modules.get("torch.distributed.tensor")  # where it is not imported, there are none
    if distributed is None and forward_ad._current_level < 0:  # nor are there tangents outside of all levels
        return
    for argument in arguments:
        if isinstance(argument, getattr(distributed, "DTensor", ())):
            raise NotImplementedError(
                f"{op}: distributed tensors are not taken: call it on each rank's own part, by "
                "torch.distributed.tensor.experimental.local_map or with tensor.to_local()"
            )
        if isinstance(argument, Tensor) and unpack_dual(argument).tangent is not None:
            raise NotImplementedError(
                f"{op}: derivatives in forward mode (jvp, jacfwd) are not implemented: use reverse mode (vjp, "
                "torch.autograd.grad)"
            )


def refuse_second_derivatives(op: str, by: str = "") -> NoReturn:
    """Raises NotImplementedError, which names the op and what has them."""
    raise NotImplementedError(
        f"{op}: second derivatives{by and f' by {by}'} are not implemented: neuralpaint.ops.reference.{op} has them, "
        "in plain torch"
    )


def _batching_rule(op: str, folded: Sequence[str], call: Callable[..., Any]) -> Callable[..., Any]:
    """The rule for vmap, registered and returned: the mapped dimension joins the batch."""
    names = [argument.name for argument in getattr(torch.ops.neuralpaint, op).default._schema.arguments]

    def rule(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Any, Any]:
        size = info.batch_size
        values = list(arguments)
        for index, (name, dim) in enumerate(zip(names, in_dims, strict=True)):
            if name in folded:
                values[index] = _fold(values[index], dim, size)
            elif dim is not None:
                raise NotImplementedError(f"{op}: vmap over {name} is not implemented: call it once for each {name}")
        results = call(*values)
        if isinstance(results, Tensor):
            return _unfold(results, size), 0
        return tuple(_unfold(result, size) for result in results), (0,) * len(results)

    torch.library.register_vmap(f"neuralpaint::{op}", rule)
    return rule


def _fold(tensor: Tensor, dim: int | None, size: int) -> Tensor:
    """`[size, B, ...]`, mapped dimension first, as `[size * B, ...]`."""
    stacked = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
    return stacked.reshape(size * stacked.shape[1], *stacked.shape[2:])


def _unfold(tensor: Tensor, size: int) -> Tensor:
    return tensor.reshape(size, tensor.shape[0] // size if size else 0, *tensor.shape[1:])


def register_derivatives(
    op: str,
    folded: Sequence[str],
    backward: Callable[..., Any] | None = None,
    setup_context: Callable[[Any, Any, Any], None] | None = None,
) -> Callable[..., Any]:
    """Registers the backward pass of `neuralpaint::op`, its rule for vmap, and that there is no forward mode.

    Args:
        op: name of the operator; each of its results has the batch as its first dimension.
        folded: names of the arguments that have it too. To map over another one raises NotImplementedError.
        backward: `backward(ctx, *grads)`, a gradient for each argument. None: the operator is itself a backward pass,
            and to go through it once more raises NotImplementedError. Of a backward pass it is made of operations that
            autograd knows, so that third derivatives and further ones follow.
        setup_context: `setup_context(ctx, inputs, output)`, which keeps what `backward` needs.

    Returns:
        The operator as a function that torch.func transforms too (`torch.func.grad`, `vjp`, `jacrev`, and vmap within
        and around them), where the operator alone has vmap only.
    """
    overload = getattr(torch.ops.neuralpaint, op).default

    keep = setup_context or (lambda ctx, inputs, output: None)

    def differentiate(ctx: Any, *grads: Tensor) -> Any:
        return refuse_second_derivatives(op.removesuffix("_backward")) if backward is None else backward(ctx, *grads)

    class Recorded(torch.autograd.Function):
        """What autograd records of a call."""

        @staticmethod
        def forward(ctx: Any, keyset: Any, *arguments: Any) -> Any:
            with torch._C._AutoDispatchBelowAutograd():
                output = overload.redispatch(keyset & torch._C._after_autograd_keyset, *arguments)
            keep(ctx, arguments, output)
            return output

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Any:
            found = differentiate(ctx, *grads)
            return (None, *found) if isinstance(found, tuple) else (None, found)

    class Transformed(torch.autograd.Function):
        """The same for torch.func, where a transform hands the call on to the one around it."""

        @staticmethod
        def forward(*arguments: Any) -> Any:
            return call(*arguments)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            keep(ctx, inputs, output)

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Any:
            return differentiate(ctx, *grads)

    def kernel(keyset: Any, *arguments: Any) -> Any:
        refuse_unsupported(op, *arguments)
        if torch.is_grad_enabled() and any(isinstance(value, Tensor) and value.requires_grad for value in arguments):
            if torch._C._are_functorch_transforms_active():
                raise NotImplementedError(
                    f"{op}: torch.func takes neuralpaint.ops.{op}, not torch.ops.neuralpaint.{op}"
                )
            return Recorded.apply(keyset, *arguments)
        with torch._C._AutoDispatchBelowAutograd():
            return overload.redispatch(keyset & torch._C._after_autograd_keyset, *arguments)

    def call(*arguments: Any) -> Any:
        if torch.compiler.is_compiling() or not torch._C._are_functorch_transforms_active():
            return overload(*arguments)
        refuse_unsupported(op, *arguments)
        return Transformed.apply(*arguments)

    Transformed.vmap = staticmethod(_batching_rule(op, folded, call))  # type: ignore[method-assign]

    _LIBRARY.impl(op, kernel, "Autograd", with_keyset=True)
    return call


def register_undifferentiable(op: str, folded: Sequence[str]) -> Callable[..., Any]:
    """The same for an operator without derivatives: none are recorded, and forward mode is refused."""
    overload = getattr(torch.ops.neuralpaint, op).default

    def kernel(keyset: Any, *arguments: Any) -> Any:
        refuse_unsupported(op, *arguments)
        with torch._C._AutoDispatchBelowAutograd():
            return overload.redispatch(keyset & torch._C._after_autograd_keyset, *arguments)

    _LIBRARY.impl(op, kernel, "Autograd", with_keyset=True)
    _batching_rule(op, folded, overload)
    return overload


def register_in_place(op: str) -> Callable[..., Any]:
    """The same for an operator that changes arguments: of tensors without gradients, and not under vmap."""
    overload = getattr(torch.ops.neuralpaint, op).default
    arguments = overload._schema.arguments
    changed = [i for i, one in enumerate(arguments) if one.alias_info is not None and one.alias_info.is_write]

    def kernel(keyset: Any, *values: Any) -> Any:
        refuse_unsupported(op, *values)
        if torch.is_grad_enabled():
            for one, value in zip(arguments, values, strict=True):
                if isinstance(value, Tensor) and value.requires_grad:
                    raise NotImplementedError(f"{op}: {one.name} requires gradients: call it under torch.no_grad()")
        with torch._C._AutoDispatchBelowAutograd():
            result = overload.redispatch(keyset & torch._C._after_autograd_keyset, *values)
        for i in changed:
            torch.autograd.graph.increment_version(values[i])
        return result

    def rule(info: Any, in_dims: tuple[int | None, ...], *values: Any) -> NoReturn:
        raise NotImplementedError(f"{op}: vmap is not implemented: call it once with all rows")

    _LIBRARY.impl(op, kernel, "Autograd", with_keyset=True)
    torch.library.register_vmap(f"neuralpaint::{op}", rule)
    return overload
