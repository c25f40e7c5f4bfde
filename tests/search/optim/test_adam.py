"""The optimizers match torch's, without importing torch.optim."""

import pytest
import torch

from neuralpaint.search.optim.adam import ADAM_BETAS, adam_schedule, adam_step_, rmsprop_step_

DOUBLE = torch.float64


def gradients(steps: int, seed: int = 0) -> list[torch.Tensor]:
    """Gradients of many magnitudes, one of them always zero."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(-6, 4, 7, dtype=DOUBLE)
    drawn = [torch.randn(5, 7, generator=generator, dtype=DOUBLE) * scale for _ in range(steps)]
    for gradient in drawn:
        gradient[0, 0] = 0
    return drawn


@pytest.mark.parametrize("betas", [ADAM_BETAS, (0.9, 0.999), (0.0, 0.5)])
def test_adam_is_torchs_adam(betas):
    rates = [0.02 * 0.9**step for step in range(30)]
    ours, theirs = torch.ones(5, 7, dtype=DOUBLE), torch.ones(5, 7, dtype=DOUBLE).requires_grad_()
    mean, square = torch.zeros(2, 5, 7, dtype=DOUBLE)
    optimizer = torch.optim.Adam([theirs], betas=betas)
    for rate, row, gradient in zip(rates, adam_schedule(rates, betas), gradients(30), strict=True):
        adam_step_(ours, gradient, mean, square, *row, betas)
        optimizer.param_groups[0]["lr"], theirs.grad = rate, gradient
        optimizer.step()
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-12, atol=1e-12)


def test_rmsprop_is_torchs_rmsprop():
    ours, theirs = torch.ones(5, 7, dtype=DOUBLE), torch.ones(5, 7, dtype=DOUBLE).requires_grad_()
    square, optimizer = torch.zeros(5, 7, dtype=DOUBLE), torch.optim.RMSprop([theirs], lr=0.01)
    for gradient in gradients(30):
        rmsprop_step_(ours, gradient, square, 0.01)
        theirs.grad = gradient
        optimizer.step()
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-12, atol=1e-12)


def test_a_part_can_take_steps_alone():
    """Searches pass views of their parameters: elements outside the view must not change."""
    whole, square = torch.ones(3, 4), torch.zeros(3, 4)
    rmsprop_step_(whole[:, :2], torch.ones(3, 2), square[:, :2], 0.1)
    assert (whole[:, :2] < 1).all() and (whole[:, 2:] == 1).all() and (square[:, 2:] == 0).all()


def test_painting_does_not_import_the_compiler(fork_server):
    """Importing it would take longer than painting."""
    code = """
import sys, torch
from neuralpaint import paint
from tests.search.photos import METHODS, disc_photo
for preset in METHODS:
    paint(disc_photo(16, 16), "tape", 3, preset)
print("torch._dynamo" in sys.modules, "torch.optim.adam" in sys.modules)
"""
    done = fork_server.run(code)
    assert done.out.split()[:1] == ["False"], done.err
