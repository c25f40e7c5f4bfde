"""The transport loss moves strokes to targets that they do not overlap (SNP Fig. 5 and 12)."""

import math

import pytest
import torch

from neuralpaint import get_brush, ops
from neuralpaint.losses import TransportLoss

SIZE, STEPS, BATCH = 32, 160, 6


def strokes(name, at, generator):
    """`[B, P]`: one elongated stroke of random size and direction at each position `at` `[B, 2]`, colours not set."""
    brush = get_brush(name)
    drawn = torch.zeros(len(at), brush.num_parameters)

    def between(low, high):
        return low + (high - low) * torch.rand(len(at), generator=generator)

    if name == "tape":
        drawn[:, :2] = at
        drawn[:, 2], drawn[:, 3], drawn[:, 4] = between(0.5, 0.8), between(0.25, 0.4), between(0, 1)
    else:
        angle, half = between(0, 2 * math.pi), between(0.1, 0.16)
        way = torch.stack([angle.cos() * half, angle.sin() * half], 1)
        drawn[:, :2], drawn[:, 4:6] = at - way, at + way
        drawn[:, 2], drawn[:, 3] = between(0, 1), between(0, 1)
        drawn[:, 6] = drawn[:, 7] = between(0.25, 0.45)
    return drawn


def start_and_target(name, seed):
    """Opposite each other across the canvas, 0.57 units apart: too far to touch."""
    generator = torch.Generator().manual_seed(seed)
    angle = 2 * math.pi * torch.rand(BATCH, generator=generator)
    way = torch.stack([angle.cos(), angle.sin()], 1)
    return strokes(name, 0.5 + 0.3 * way, generator), strokes(name, 0.5 - 0.27 * way, generator)


def matte(stroke, name):
    shape = torch.cat([stroke[:, :-1], torch.ones(len(stroke), 1)], 1)
    return ops.rasterize(shape, name, SIZE, SIZE)[1] > 0.5


def overlap(stroke, target, name):
    """Intersection over union, `[B]`."""
    a, b = matte(stroke, name), matte(target, name)
    return (a & b).flatten(1).sum(1) / (a | b).flatten(1).sum(1)


def optimise(name, ground, color, mass, *, transport, free, seed):
    """Optimizes as the search does: RMSprop with rate 0.01, shapes clamped to [0.1, 0.9], ℓ1 weight 1. Returns the
    overlap and the remaining ℓ1 error (1 = that of the empty canvas)."""
    brush = get_brush(name)
    start, target = start_and_target(name, seed)
    (paint,) = brush.colors
    target[:, paint], target[:, brush.opacity] = torch.tensor(color), 1.0
    # Colour and opacity are either fixed at the target's, or start elsewhere and move like the other parameters.
    start[:, paint], start[:, brush.opacity] = (0.5, 0.9) if free else (torch.tensor(color), 1.0)
    assert overlap(start, target, name).max() == 0
    canvas = torch.full((BATCH, 3, SIZE, SIZE), ground)
    photo = ops.render(canvas, target[:, None], brush)
    stroke = start.clone().requires_grad_()
    optimizer = torch.optim.RMSprop([stroke], lr=0.01)
    distance = TransportLoss(mass=mass, reduction="none")
    for _ in range(STEPS):
        picture = ops.render(canvas, stroke[:, None], brush)
        pixel = (picture - photo).abs().flatten(1).mean(1)
        loss = pixel + transport * distance(picture, photo) if transport else pixel
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        with torch.no_grad():
            stroke[:, brush.shape].clamp_(0.1, 0.9)
            stroke.clamp_(0, 1)
            if not free:
                stroke[:, paint.start :] = start[:, paint.start :]
    return overlap(stroke.detach(), target, name), pixel.detach() / (canvas - photo).abs().flatten(1).mean(1)


LIGHT, DARK = (0.0, (0.9, 0.6, 0.2), "light"), (1.0, (0.1, 0.3, 0.6), "dark")
TASKS = pytest.mark.parametrize(
    "name, task, free",
    [("tape", LIGHT, True), ("tape", DARK, True), ("tape", DARK, False), ("marker", DARK, True)],
    ids=["light on black, all moves", "dark on white, all moves", "dark on white, only the shape moves", "a marker's"],
)


# One of six may go the other way: a stroke can stick across its target, and RMSprop, which makes even steps of rounding
# errors, can lead a pixel loss there by chance.


@TASKS
def test_transport_brings_a_distant_stroke_onto_its_target(name, task, free):
    found, error = optimise(name, *task, transport=0.1, free=free, seed=1)
    assert (found > 0.5).sum() >= BATCH - 1 and found.mean() > 0.65
    assert error.median() < 0.3


@TASKS
def test_a_pixel_loss_alone_does_not_find_it(name, task, free):
    """It only makes the stroke vanish: what is left of the error is that of the bare ground, or more."""
    found, error = optimise(name, *task, transport=0.0, free=free, seed=1)
    assert (found < 0.05).sum() >= BATCH - 1
    assert (error > 0.95).sum() >= BATCH - 1
