"""Times on a GPU what the CUDA targets speak of: each op against the memory's bandwidth, strokes generated, a painting.

    python benchmarks/gpu_timings.py [--json FILE] [--once]

Bandwidths are of the bytes that an op must move, beside those of `fill_` and of a copy in the same run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import torch

import neuralpaint
from neuralpaint import ops
from neuralpaint.brushes import get_brush
from neuralpaint.roofline.timing import time_call


def photo(size: int = 512) -> torch.Tensor:
    """A made-up picture with smooth and sharp parts."""
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    waves = torch.stack([torch.sin(9 * x + 4 * y), torch.cos(7 * y - 3 * x), torch.sin(5 * x * y)]) / 2 + 0.5
    return torch.where((torch.hypot(x - 0.6, y - 0.4) < 0.2) | ((x * 8).long() % 4 == 0), 0.3 * waves, waves)


class Timings:
    def __init__(self, rounds: int) -> None:
        self.rounds, self.rows = rounds, []

    def add(self, name: str, function: Callable[[], object], moved: float = 0, limit: float = 0) -> float:
        taken = time_call(function, torch.device("cuda"), rounds=self.rounds).median
        rate = moved / taken / 1e9
        self.rows.append({"name": name, "ms": taken * 1e3, "GB/s": rate, "share": rate / limit if limit else None})
        share = f"{rate:8.0f} GB/s" if moved else ""
        share += f"  {rate / limit:4.0%}" if limit else ""
        print(f"{name:52} {taken * 1e3:10.3f} ms {share}", flush=True)
        return rate


def bandwidths(timings: Timings, small: bool) -> tuple[float, float]:
    """Of `fill_` and of a copy, GB/s."""
    field = torch.empty(1 << (26 if small else 30), device="cuda")
    first, second = field.chunk(2)
    size = field.numel() * 4
    return timings.add("fill_", lambda: field.fill_(1.0), size), timings.add("copy", lambda: first.copy_(second), size)


def measure(timings: Timings, small: bool) -> None:
    device, generator = "cuda", torch.Generator().manual_seed(0)
    fill, copy = bandwidths(timings, small)
    count = 1024 if small else 65536
    for name in ("oil", "watercolor", "marker", "tape"):
        strokes = get_brush(name).sample(count, generator).cuda()
        for dtype in (torch.float32, torch.float16, torch.uint8):
            moved = count * 4 * 128 * 128 * dtype.itemsize
            title = f"rasterize {name} {count} at 128² {dtype}".replace("torch.", "")
            timings.add(title, lambda s=strokes, n=name, d=dtype: ops.rasterize(s, n, 128, 128, dtype=d), moved, fill)

    canvas = torch.rand(25, 3, 128, 128, device=device, requires_grad=True)
    colours = torch.rand(25, 9, 3, 128, 128, device=device, requires_grad=True)
    alpha = torch.rand(25, 9, 1, 128, 128, device=device, requires_grad=True)
    plane = 25 * 128 * 128 * 4
    with torch.no_grad():
        timings.add(
            "composite 25×9×128² forward",
            lambda: ops.composite(canvas, colours, alpha),
            plane * (9 * 4 + 6),
            copy,
        )

    def both() -> object:
        out = ops.composite(canvas, colours, alpha)
        return torch.autograd.grad(out, (canvas, colours, alpha), out.detach())

    timings.add("composite 25×9×128² both", both, plane * (9 * 4 * 3 + 15), copy)

    for name in ("oil", "watercolor", "marker", "tape"):
        strokes = get_brush(name).sample(225, generator).view(25, 9, -1).cuda().requires_grad_()

        def render(s: torch.Tensor = strokes, n: str = name) -> object:
            out = ops.render(canvas, s, n)
            return torch.autograd.grad(out, (canvas, s), out.detach())

        timings.add(f"render {name} 25×9×128² both", render)
        many = get_brush(name).sample(500, generator)
        many[:, list(get_brush(name).sizes)] *= 0.25
        many, target = many[None].cuda(), torch.rand(1, 3, 275, 275, device=device)
        timings.add(f"render_loss {name} 500 at 275²", lambda s=many, n=name, t=target: ops.render_loss(t, s, n, t))

    for batch in (4, 25):
        masses = torch.rand(2, batch, 48, 48, device=device, requires_grad=True)
        for cost in ("sqeuclidean", "euclidean"):

            def transport(c: str = cost, m: torch.Tensor = masses) -> object:
                return torch.autograd.grad(ops.sinkhorn(m[0], m[1], cost=c).sum(), m)

            timings.add(f"sinkhorn {cost} batch {batch} 48² both", transport)


def paintings(timings: Timings, rounds: int) -> None:
    picture = photo().cuda()
    for preset in ("fast", "balanced"):
        times = []
        for _ in range(rounds):
            torch.cuda.synchronize()
            start = time.perf_counter()
            painting = neuralpaint.paint(picture, "oil", 500, preset, device="cuda")
            times.append(time.perf_counter() - start)
        psnr = painting.psnr(picture.cpu())
        timings.rows.append({"name": f"paint oil 500 {preset}", "s": times, "psnr": psnr})
        shown = ", ".join(f"{t:.3f}" for t in times)
        print(f"paint oil 500 {preset:38} {shown} s  {psnr:.2f} dB", flush=True)

    start, brush = time.perf_counter(), get_brush("oil")
    generator = torch.Generator("cuda").manual_seed(0)
    for _ in range(16):
        ops.rasterize(brush.sample(65536, generator), brush, 128, 128, dtype=torch.uint8)
    torch.cuda.synchronize()
    taken = time.perf_counter() - start
    timings.rows.append({"name": "generate 2^20 oil strokes at 128² uint8", "s": taken})
    print(f"{'generate 2^20 oil strokes at 128² uint8':52} {taken:10.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--once", action="store_true", help="each op once, on little data: for a profiler")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        parser.exit(2, "gpu_timings: needs an NVIDIA GPU and a torch with CUDA\n")
    timings = Timings(1 if arguments.once else 20)
    measure(timings, arguments.once)
    if not arguments.once:
        paintings(timings, 3)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"device": torch.cuda.get_device_name(), "torch": torch.__version__, "rows": timings.rows}, file)


if __name__ == "__main__":
    main()
