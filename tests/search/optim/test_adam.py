"""The optimizers match torch's, without importing torch.optim."""

import pytest
import torch

from neuralpaint import ops
from neuralpaint.ops.projected_adam import BETAS
from neuralpaint.search.optim.adam import AdamRows, adam_schedule, adam_step_, rmsprop_step_

DOUBLE = torch.float64


def step_(adam: AdamRows, rows: torch.Tensor, gradient: torch.Tensor, rate: torch.Tensor) -> None:
    """A step of all rows, without limits."""
    far = torch.full_like(rows, torch.inf)
    ops.projected_adam_(
        rows, gradient, adam.mean, adam.square, adam.age, rate,
        scale=torch.ones_like(rows), low=-far, high=far, values=torch.empty_like(rows), points=torch.empty_like(rows),
    )  # fmt: skip


def gradients(steps: int, seed: int = 0) -> list[torch.Tensor]:
    """Gradients of many magnitudes, one of them always zero."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(-6, 4, 7, dtype=DOUBLE)
    drawn = [torch.randn(5, 7, generator=generator, dtype=DOUBLE) * scale for _ in range(steps)]
    for gradient in drawn:
        gradient[0, 0] = 0
    return drawn


@pytest.mark.parametrize("betas", [BETAS, (0.9, 0.999), (0.0, 0.5)])
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


def test_rows_come_and_go_without_a_change_to_others():
    """Each takes the steps that it would take alone, from when it is there."""
    drawn, rate = gradients(20), torch.tensor(0.02, dtype=DOUBLE)

    def alone(row, first, last):
        own = torch.ones(1, 7, dtype=DOUBLE)
        adam = AdamRows.new(own)
        for gradient in drawn[first:last]:
            step_(adam, own, gradient[row : row + 1], rate)
        return own[0]

    rows = torch.ones(3, 7, dtype=DOUBLE)
    adam = AdamRows.new(rows)
    for gradient in drawn[:8]:
        step_(adam, rows, gradient[:3], rate)
    assert torch.equal(rows[1], alone(1, 0, 8))
    kept = torch.tensor([0, 2])
    rows, adam = torch.cat([rows[kept], torch.ones(2, 7, dtype=DOUBLE)]), adam.select(kept).extended(2)
    for gradient in drawn[8:]:
        step_(adam, rows, gradient[[0, 2, 3, 4]], rate)
    expected = [alone(0, 0, 20), alone(2, 0, 20), alone(3, 8, 20), alone(4, 8, 20)]
    torch.testing.assert_close(rows, torch.stack(expected), rtol=1e-12, atol=1e-12)


def test_first_steps_of_a_row_are_small_and_later_ones_the_rate():
    own, steps = torch.zeros(1, 1, dtype=DOUBLE), []
    adam = AdamRows.new(own)
    for _ in range(100):
        before = own.clone()
        step_(adam, own, torch.full((1, 1), 3.0, dtype=DOUBLE), torch.tensor(0.01, dtype=DOUBLE))
        steps.append(float(before - own))
    assert steps[0] == pytest.approx(0.001) and steps[-1] == pytest.approx(0.01, rel=1e-3)
    assert steps == sorted(steps)


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
