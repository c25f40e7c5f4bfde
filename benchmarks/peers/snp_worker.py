"""The subprocess that SNP runs in: `snp_worker.py SNP_FOLDER THREADS [SCRIPT ARGUMENT…]`, in SNP's folder.

With a script, runs it as `python SCRIPT ARGUMENT…` would. Without, answers requests, a JSON object a line on stdin, a
JSON object a line on stdout: {"prepare": case, …} sets up work, {"time": calls} does it and tells the seconds per call.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def rasterize(renderer: str, size: int, strokes: str, output: str | None = None) -> Callable[[], Any]:
    """Draws each of the strokes (a .npy file) alone, as the data set for SNP's neural renderers does."""
    import numpy as np
    from renderer import Renderer  # SNP's

    engine = Renderer(renderer=renderer, CANVAS_WIDTH=size, train=True)
    vectors = np.load(strokes).tolist()  # Python's numbers: OpenCV 5 refuses NumPy's in a colour

    def draw() -> None:
        for vector in vectors:
            engine.foreground = engine.stroke_alpha_map = None
            engine.stroke_params = vector
            engine.draw_stroke()

    if output:
        maps = []
        for vector in vectors:
            engine.stroke_params = vector
            engine.draw_stroke()
            maps.append(engine.stroke_alpha_map[..., 0])
        np.save(output, np.stack(maps))
    return draw


def network(renderer: str, net: str, count: int) -> Callable[[], Any]:
    """SNP's neural renderer, weights random and frozen as in its search: forward, and backward to the strokes."""
    import torch

    model, width = _network(renderer, net)
    device = next(model.parameters()).device
    vectors = torch.rand(count, width, 1, 1, generator=torch.Generator().manual_seed(0)).to(device).requires_grad_()

    def step() -> None:
        foreground, alpha = model(vectors)
        torch.autograd.grad(foreground.sum() + alpha.sum(), vectors)
        _synchronize()

    return step


def checkpoint(renderer: str, net: str, path: str) -> Callable[[], Any]:
    """A checkpoint with random weights, for its demo to load."""
    import torch

    torch.save({"model_G_state_dict": _network(renderer, net)[0].state_dict()}, path)
    return lambda: None


def sinkhorn(masses: str, chunk: int, entry: str, output: str | None = None) -> Callable[[], Any]:
    """SNP's transport loss on masses [2, B, h, w] (a .npy file), forward and backward to both; sums the batch's cost.

    `chunk` images at a time: its n×n matrices of a large batch do not fit in memory. `entry` "SinkhornLoss" is its loss
    layer on three-channel images, which first shrinks them to 24²; "sinkhorn_loss" is the function below that.
    """
    import loss  # SNP's
    import numpy as np
    import pytorch_batch_sinkhorn as functions  # SNP's
    import torch

    layer = loss.SinkhornLoss(epsilon=0.01, niter=5, normalize=False)
    data = torch.from_numpy(np.load(masses)).to(loss.device)
    batch, height, width = data.shape[1:]
    leaves = [[part.clone().requires_grad_() for part in image.split(chunk)] for image in data]
    grids = layer._mesh_grids(chunk, height, width)

    def cost(x: Any, y: Any) -> Any:
        if entry == "SinkhornLoss":
            mean = layer(x[:, None].expand(-1, 3, -1, -1), y[:, None].expand(-1, 3, -1, -1))
        else:
            points = grids[: len(x)]
            mean = functions.sinkhorn_loss(points, points, 0.01, 5, x.flatten(1), y.flatten(1))
        return mean * len(x)

    def step() -> list[Any]:
        results = []
        for x, y in zip(*leaves, strict=True):
            total = cost(x, y)
            results.append((total.detach(), *torch.autograd.grad(total, (x, y))))
        _synchronize()
        if output and not Path(output).exists():  # of the first call, which may take minutes
            grads = [torch.cat([r[i] for r in results]).cpu().numpy() for i in (1, 2)]
            np.savez(output, cost=float(sum(r[0] for r in results)), grad_x=grads[0], grad_y=grads[1])
        return results

    if output:
        Path(output).unlink(missing_ok=True)
    return step


def style(renderer: str, net: str, grid: int, per_block: int, weights: str, pictures: str) -> Callable[[], Any]:
    """A step of its style transfer, as `optimize_x` of its demo_nst.py takes it, on random strokes; its network's
    weights are random.

    `weights` (.safetensors) are VGG's convolutions up to conv3_1 in torchvision's layout; its loss takes the Gram
    matrices of the 2nd, 4th and 5th. `pictures` (.npz) holds photo and style, `[H, W, 3]`.
    """
    from types import SimpleNamespace

    import cv2
    import loss  # SNP's
    import numpy as np
    import painter  # SNP's
    import torch
    import utils  # SNP's
    from renderer import Renderer  # SNP's
    from safetensors.torch import load_file

    device = painter.device
    loss.torchvision.models.vgg16 = lambda pretrained: _vgg(load_file(weights))
    transfer = painter.NeuralStyleTransfer.__new__(painter.NeuralStyleTransfer)  # its __init__ reads files
    transfer.args = SimpleNamespace(beta_L1=1.0, beta_sty=0.5)
    transfer.rderr = Renderer(renderer=renderer, CANVAS_WIDTH=512, canvas_color="black")
    transfer.net_G = painter.define_G(rdrr=transfer.rderr, netG=net).to(device).eval()
    transfer._pxl_loss, transfer._style_loss = loss.PixelLoss(p=1), loss.VGGStyleLoss(transfer_mode=1, resize=True)
    del transfer._style_loss.blocks[3]  # deeper than the weights
    transfer.m_grid, transfer.anchor_id = grid, per_block - 1
    with np.load(pictures) as file:
        side = grid * transfer.net_G.out_size
        photo = cv2.resize(file["photo"], (side, side), cv2.INTER_AREA)
        transfer.img_batch = utils.img2patches(photo, grid, transfer.net_G.out_size).to(device)
        transfer.style_img = torch.tensor(file["style"]).permute(2, 0, 1)[None].to(device)
    generator = torch.Generator().manual_seed(0)
    widths = (transfer.rderr.d_shape, transfer.rderr.d_color, transfer.rderr.d_alpha)
    leaves = [
        torch.rand(grid * grid, per_block, width, generator=generator).to(device).requires_grad_() for width in widths
    ]
    transfer.x_ctt, transfer.x_color, transfer.x_alpha = leaves
    optimizer = torch.optim.RMSprop(leaves, lr=0.002)
    margins = (0.1, 0.0, 0.0)

    def clamp() -> None:
        for leaf, margin in zip(leaves, margins, strict=True):
            leaf.data = torch.clamp(leaf.data, margin, 1 - margin)

    def step() -> None:
        optimizer.zero_grad()
        clamp()
        size = transfer.net_G.out_size
        transfer.G_pred_canvas = torch.zeros(grid * grid, 3, size, size).to(device)
        transfer._forward_pass()
        transfer._backward_x_sty()
        optimizer.step()
        clamp()
        _synchronize()

    return step


def _vgg(state: dict[str, Any]) -> Any:
    """VGG's first layers, as torchvision has them in `features`, up to conv3_1."""
    from torch import nn

    layers: list[Any] = []
    before = 3
    for width in (64, 64, "pool", 128, 128, "pool", 256):
        if width == "pool":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            before = width
    network = nn.ModuleDict({"features": nn.Sequential(*layers)})
    network.load_state_dict(state)
    return network


CASES = {"rasterize": rasterize, "network": network, "checkpoint": checkpoint, "sinkhorn": sinkhorn, "style": style}


def _network(renderer: str, net: str) -> tuple[Any, int]:
    from networks import define_G, device  # SNP's
    from renderer import Renderer  # SNP's

    engine = Renderer(renderer=renderer)
    model = define_G(rdrr=engine, netG=net).to(device).eval().requires_grad_(False)
    return model, engine.d


def _synchronize() -> None:
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def answer(requests: Any, answers: Any) -> None:
    work: Callable[[], Any] | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if "prepare" in request:
                work = None  # frees what the last case held
                work = CASES[request.pop("prepare")](**request)
                reply: dict[str, Any] = {}
            else:
                assert work is not None
                start = time.perf_counter()
                for _ in range(request["time"]):
                    work()
                reply = {"seconds": (time.perf_counter() - start) / request["time"]}
        except Exception as error:  # whatever SNP may raise goes into the row
            reply = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


def main() -> None:
    folder, threads, *script = sys.argv[1:]
    count = int(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    import snp_shims

    absent = snp_shims.install()
    sys.path[0] = folder  # as `python SCRIPT` in SNP's folder has it; ours are not on the path from here on
    import cv2
    import torch

    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    if script:
        sys.argv = script
        runpy.run_path(script[0], run_name="__main__")
        return
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # SNP prints
    answers.write(json.dumps({"opencv": cv2.__version__, "torch": torch.__version__, "shims": absent}) + "\n")
    answers.flush()
    answer(sys.stdin, answers)


if __name__ == "__main__":
    main()
