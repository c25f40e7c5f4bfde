"""The work counted by the bench table: bytes, covered pixels, operations."""

import torch

from neuralpaint import ops
from neuralpaint.brushes import get_brush
from neuralpaint.roofline import work
from neuralpaint.roofline.limits import Limits


def rectangle(x, y, side, opacity=1.0):
    """An upright tape square, in units."""
    return [x, y, 2 * side, 2 * side, 0.0, 0.5, 0.5, 0.5, opacity]


def test_visible_pixels():
    """Opaque squares hide what is below them; for gradients, only from the second cover on."""
    canvas, tape = torch.zeros(1, 3, 16, 16), get_brush("tape")
    small, large = rectangle(0.5, 0.5, 0.25), rectangle(0.5, 0.5, 0.5)
    over = torch.tensor([[small, large]])
    assert work.visible_pixels(canvas, over, tape, False) == 64
    assert work.visible_pixels(canvas, over, tape, True) == 64 + 16
    assert work.visible_pixels(canvas, over.flip(1), tape, False) == 16 + 64 - 16
    sheer = torch.tensor([[small, rectangle(0.5, 0.5, 0.5, 0.5)]])
    assert work.visible_pixels(canvas, sheer, tape, False) == 64 + 16


def test_rasterize_bytes():
    maps = ops.rasterize(torch.tensor([rectangle(0.5, 0.5, 0.5)]), "tape", 16, 16)
    assert work.rasterize_work(*maps, False).written == 4 * 256 * 4
    both = work.rasterize_work(*maps, True)
    assert both.covered == 64 and both.moved == 4 * 256 * 4 + 4 * 64 * 4


def test_composite_bytes():
    """One stroke on one pixel: 3 + 4 in, 3 out; then 3 + 3 + 4 in and 3 + 4 out."""
    assert work.composite_work(1, 1, 1, 4, False).moved == 4 * 10
    assert work.composite_work(1, 1, 1, 4, True).moved == 4 * 27


def test_paths_cover_what_they_fill():
    """Two squares of a quarter of the canvas each, one of them half outside."""
    corners = torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]])
    sides = torch.stack([corners + part * (corners.roll(-1, 0) - corners) for part in (0, 1 / 3, 2 / 3, 1)], 1)
    points = torch.stack([sides, sides + torch.tensor([0.5, 0.0])])[None]
    canvas = torch.zeros(1, 3, 16, 16)
    forward, both = (work.paths_work(canvas, points, backward) for backward in (False, True))
    assert forward.covered == both.covered == 64 + 32
    assert forward.moved == 2 * canvas.nbytes and both.moved == 5 * canvas.nbytes
    assert forward.flops == 14 * 96 and both.flops == 56 * 96


def test_sinkhorn_operations_grow_as_they_should():
    def flops(size, euclidean, iterations=5):
        return work.sinkhorn_work(1, size, size, iterations, euclidean, True, torch.float64).flops

    assert flops(48, False) / flops(24, False) == 8 and flops(48, True) / flops(24, True) == 16
    assert flops(24, False, 10) < 2 * flops(24, False)


def test_limit_names_what_bounds():
    class Known(Limits):
        def fill(self, count):
            return count / 10

        def copy(self, count):
            return count / 20

        def exps(self, dtype=torch.float32):
            return 2.0

        def flops(self, dtype=torch.float32):
            return 4.0

    limits = Known(torch.device("cpu"))
    assert work.Work().limit(limits) is None
    assert work.Work(written=100).limit(limits) == ("fill", 10)
    assert work.Work(moved=100, flops=12).limit(limits) == ("copy", 5)
    assert work.Work(moved=100, flops=12, exps=6).limit(limits) == ("FMA + exp", 6)
    assert work.Work(exps=6).limit(limits) == ("exp", 3)
