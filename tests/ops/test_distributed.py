"""The ops in DistributedDataParallel, and on distributed tensors. One process: a group of its own."""

import pytest
import torch
from torch import distributed

from neuralpaint import ops

pytestmark = pytest.mark.skipif(not distributed.is_available(), reason="torch without torch.distributed")


@pytest.fixture(scope="module", autouse=True)
def group():
    assert not distributed.is_initialized()
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def drawn(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(len(shape)))


CANVAS, STROKES, MASS = drawn(2, 3, 8, 8), drawn(2, 4, 9), drawn(2, 4, 5)


def expected_gradient():
    strokes = STROKES.clone().requires_grad_()
    ops.render(CANVAS, strokes, "tape").square().sum().backward()
    return strokes.grad


def test_data_parallel():
    class Painter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.strokes = torch.nn.Parameter(STROKES.clone())

        def forward(self, canvas):
            return ops.render(canvas, self.strokes, "tape")

    module = torch.nn.parallel.DistributedDataParallel(Painter())
    module(CANVAS).square().sum().backward()
    assert torch.equal(module.module.strokes.grad, expected_gradient())


def test_distributed_tensors():
    """They are refused, with what to do instead, and that works."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor
    from torch.distributed.tensor.experimental import local_map

    mesh, parts = init_device_mesh("cpu", (1,)), [Shard(0)]
    canvas, strokes, mass = (distribute_tensor(tensor, mesh, parts) for tensor in (CANVAS, STROKES, MASS))
    calls = {
        "render": lambda: ops.render(CANVAS, strokes, "tape"),
        "render_loss": lambda: ops.render_loss(canvas, STROKES, "tape", CANVAS),
        "rasterize": lambda: ops.rasterize(strokes[0], "tape", 8, 8),
        "composite": lambda: ops.composite(canvas, CANVAS[:, None], CANVAS[:, None, :1]),
        "sinkhorn": lambda: ops.sinkhorn(mass, mass),
    }
    for op, call in calls.items():
        with pytest.raises(NotImplementedError, match=f"^{op}: distributed tensors .*local_map or .*to_local"):
            call()
    render = local_map(
        lambda canvas, strokes: ops.render(canvas, strokes, "tape"),
        out_placements=(parts,),
        in_placements=(parts, parts),
        device_mesh=mesh,
    )
    leaf = strokes.requires_grad_()
    render(canvas, leaf).square().sum().backward()
    assert torch.equal(leaf.grad.to_local(), expected_gradient())
    assert torch.equal(ops.render(canvas.to_local(), strokes.to_local(), "tape"), ops.render(CANVAS, STROKES, "tape"))
