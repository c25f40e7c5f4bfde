"""`sinkhorn` beside SNP, POT, geomloss and (on a GPU) flash-sinkhorn: 5 iterations, ε = 0.01, forward + backward."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.peers.context import Context
from benchmarks.peers.row import Row, versus
from benchmarks.peers.timing import here
from neuralpaint import ops

EPSILON, ITERATIONS = 0.01, 5
CASES = ((48, 4), (48, 25), (24, 25))  # pixels a side, images
CHUNK = 5  # images that SNP handles at a time: at 48², its matrices of 25 take some 10 GB
Cost = Callable[[Tensor, Tensor], Tensor]  # masses [B, h, w] twice -> the sum of their costs


def points(size: int, device: torch.device) -> Tensor:
    """`[n, 2]`: where the pixels stand."""
    line = torch.arange(size, device=device) / size
    return torch.cartesian_prod(line, line)


def pot(size: int, device: str, euclidean: bool, batched: bool) -> Cost:
    """POT. `sinkhorn_log`, for one image, updates the second potential first: hence its arguments the other way."""
    import ot

    place = points(size, torch.device(device))
    matrix = torch.cdist(place, place, compute_mode="donot_use_mm_for_euclid_dist")
    matrix = matrix if euclidean else matrix.square()

    def each(x: Tensor, y: Tensor) -> Tensor:
        total = x.new_zeros(())
        for a, b in zip(x.flatten(1), y.flatten(1), strict=True):
            plan = ot.bregman.sinkhorn_log(
                b / b.sum(), a / a.sum(), matrix, EPSILON, numItermax=ITERATIONS, stopThr=0, warn=False
            )
            total = total + (plan * matrix).sum()
        return total

    def together(x: Tensor, y: Tensor) -> Tensor:
        a, b = (m.flatten(1) / m.sum((1, 2))[:, None] for m in (x, y))
        kernel = (-matrix / EPSILON).expand(len(a), -1, -1)
        solved = ot.batch.bregman_log_projection_batch(kernel, a, b, max_iter=ITERATIONS, tol=0, grad="autodiff")
        return (solved["T"] * matrix).sum()

    return together if batched else each


def geomloss(size: int, device: str, euclidean: bool) -> Cost:
    """geomloss, "tensorized" (multiscale is for GPUs): five steps of its own schedule, which ends at the same ε.

    Its squared cost is |p − q|²/2 at ε = blur², hence the factors 2. It differentiates the last step only.
    """
    from geomloss import SamplesLoss

    p, diameter = (1, 2**0.5) if euclidean else (2, 2**0.5)
    blur = EPSILON if euclidean else (EPSILON / 2) ** 0.5
    # The schedule is diameter^p, then a step of scaling^p each, then blur^p: 2.5 steps' distance make five values.
    scaling = (blur / diameter) ** (1 / 2.5)
    loss = SamplesLoss(
        "sinkhorn", p=p, blur=blur, diameter=diameter, scaling=scaling, debias=False, backend="tensorized"
    )
    place = points(size, torch.device(device))

    def cost(x: Tensor, y: Tensor) -> Tensor:
        a, b = (m.flatten(1) / m.sum((1, 2))[:, None] for m in (x, y))
        places = place.expand(len(a), -1, -1).contiguous()
        return (1 if euclidean else 2) * loss(a, places, b, places).sum()

    return cost


def flash(size: int, device: str) -> Cost:
    """flash-sinkhorn, squared Euclidean, alternating updates at a fixed ε; it differentiates the last step only."""
    from flash_sinkhorn import SamplesLoss

    loss = SamplesLoss(
        "sinkhorn", backend="alternating", use_epsilon_scaling=False, eps=EPSILON, n_iters=ITERATIONS, normalize=True
    )
    place = points(size, torch.device(device))

    def cost(x: Tensor, y: Tensor) -> Tensor:
        total = x.new_zeros(())
        for a, b in zip(x.flatten(1), y.flatten(1), strict=True):
            total = total + loss(a, place, b, place)
        return total

    return cost


def ours(euclidean: bool) -> Cost:
    cost = "euclidean" if euclidean else "sqeuclidean"
    return lambda x, y: ops.sinkhorn(x, y, epsilon=EPSILON, iterations=ITERATIONS, cost=cost).sum()


def step(cost: Cost, masses: list[Tensor]) -> Callable[[], tuple[Tensor, ...]]:
    """Forward and backward; returns the cost and both gradients."""

    def run() -> tuple[Tensor, ...]:
        total = cost(*masses)
        return total.detach(), *torch.autograd.grad(total, masses)

    return run


def kept(
    run: Callable[[], tuple[Tensor, ...]], results: dict[str, tuple[Tensor, ...]], name: str
) -> Callable[[], None]:
    """`run`, which leaves its result in `results`."""

    def call() -> None:
        results[name] = run()

    return call


def rows(context: Context) -> Iterator[Row]:
    for size, batch in CASES[:1] if context.quick else CASES:
        yield from _rows(context, size, batch)


def _rows(context: Context, size: int, batch: int) -> Iterator[Row]:
    masses = [(context.tensor(batch, size, size, seed=seed) + 0.01).requires_grad_() for seed in (0, 1)]
    costs: dict[str, Cost] = {}
    for euclidean, suffix in ((False, ""), (True, ", Euclidean")):
        costs[f"neuralpaint{suffix}"] = ours(euclidean)
        costs[f"POT sinkhorn_log, image by image{suffix}"] = pot(size, context.device, euclidean, batched=False)
        if batch * size**4 < 30e6 or context.device != "cpu":  # a batch in one call: gigabytes of matrices
            costs[f"POT, a batch at once{suffix}"] = pot(size, context.device, euclidean, batched=True)
        costs[f"geomloss{suffix}"] = geomloss(size, context.device, euclidean)
    if context.device == "cuda":
        if importlib.util.find_spec("flash_sinkhorn"):
            costs["flash-sinkhorn"] = flash(size, context.device)
        else:
            yield Row(
                "sinkhorn", f"{batch}×{size}²", "flash-sinkhorn", error="not installed: pip install flash-sinkhorn"
            )
    results: dict[str, tuple[Tensor, ...]] = {}  # of one call each
    contestants = {name: here(kept(step(cost, masses), results, name)) for name, cost in costs.items()}

    snp = context.snp(context.threads)
    if snp is not None:
        path, output = snp.scratch / "masses.npy", snp.scratch / "sinkhorn.npz"
        np.save(path, np.stack([mass.detach().cpu().numpy() for mass in masses]))
        # Its layer shrinks images to 24² first; at 48² the function beneath it does the work asked for.
        entry = "SinkhornLoss" if size <= 24 else "sinkhorn_loss"
        chunk = batch if size <= 24 else min(batch, CHUNK)
        contestants["SNP"] = snp.timer("sinkhorn", masses=str(path), chunk=chunk, entry=entry, output=str(output))
    stats = context.race(contestants, budget=4)
    if snp is not None and not stats["SNP"].error:
        with np.load(output) as theirs:
            results["SNP"] = tuple(torch.from_numpy(np.asarray(theirs[k])) for k in ("cost", "grad_x", "grad_y"))
    agreement = {
        name: _difference(results["neuralpaint, Euclidean" if name.endswith("Euclidean") else "neuralpaint"], result)
        for name, result in results.items()
        if name.startswith(("SNP", "POT"))
    }

    large = size == 48 and context.device == "cpu"
    for suffix in ("", ", Euclidean"):
        case = f"{batch}×{size}²{suffix}, 5 iterations, forward + backward, {context.on(context.threads)}"
        others = {name: name.removesuffix(suffix) for name in stats if name.endswith(", Euclidean") == bool(suffix)}
        if snp is not None:
            others = {"SNP": "SNP" if not suffix else "SNP (squared Euclidean: it has no other)"} | others
        for name, shown in others.items():
            if name.startswith("neuralpaint"):
                continue
            target = None
            if large and (name == "SNP" or "sinkhorn_log" in name):
                target = 10.0 if suffix else 100.0 if name == "SNP" else 50.0
            facts = {"differs by": agreement[name]} if name in agreement and not (suffix and name == "SNP") else {}
            note = ""
            if name.startswith(("geomloss", "flash")):
                note = "another number: an annealed dual value, its last step alone differentiated"
                if name.startswith("flash"):
                    note = "the dual value, its last step alone differentiated"
            yield versus(
                "sinkhorn",
                case,
                stats,
                f"neuralpaint{suffix}",
                name,
                name=shown,
                target=target,
                count=batch,
                unit="images",
                facts=facts,
                note=note,
            )


def _difference(mine: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> str:
    """Largest differences as shares of the largest value."""
    parts = [float((a.cpu() - b.cpu()).abs().max() / a.abs().max()) for a, b in zip(mine, theirs, strict=True)]
    return f"{parts[0]:.0e} in the cost, {max(parts[1:]):.0e} in the gradient"
