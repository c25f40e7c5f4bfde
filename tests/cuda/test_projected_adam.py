"""`projected_adam_` on a GPU against the CPU."""

from __future__ import annotations

import pytest
import torch

from neuralpaint import ops
from tests.ops.test_projected_adam import DTYPES, STATE, gradients, problem

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows, columns", [(0, 12), (1, 1), (7, 9), (333, 15), (3, 300)])
def test_the_same_as_on_the_cpu(dtype: torch.dtype, rows: int, columns: int) -> None:
    state, limits = problem(rows, columns, dtype)
    ours = {name: tensor.cuda() for name, tensor in state.items()}
    own_limits = {name: tensor.cuda() for name, tensor in limits.items()}
    for gradient in gradients(rows, columns, dtype, 10):
        rate = torch.tensor(0.05, dtype=dtype)
        ops.projected_adam_(gradient=gradient, rate=rate, **state, **limits, wraps=0)
        ops.projected_adam_(gradient=gradient.cuda(), rate=rate.cuda(), **ours, **own_limits, wraps=0)
    for name in STATE:
        torch.testing.assert_close(ours[name].cpu(), state[name], msg=lambda text, name=name: f"{name}: {text}")
