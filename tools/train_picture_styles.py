"""Trains the network that takes the style of any picture: `python -m tools.train_picture_styles --help`.

Three stages, each resumable, each with its own number of updates:

1. The encoder learns the principal components of VGG-19's relu1_1, relu2_1 and relu3_1 over pieces of photos and
   paintings. Their targets are computed once.
2. A decoder for each level learns to restore the pieces: squared differences of pixels, and of features encoded anew.
3. The decoders of levels 2 and 3 go on with features that were mapped to the statistics of another piece, so that what
   they paint has these statistics when encoded anew.

Convolutions follow Muon (Jordan et al. 2024), which needs about half of Adam's updates here; biases follow Adam.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from neuralpaint.losses.features import VGG19Features
from neuralpaint.styles.pictures.gaussian import Gaussian, affine_map
from neuralpaint.styles.pictures.network import CHANNELS, STRIDES, PictureStyleNetwork
from neuralpaint.styles.pictures.pretrained import save_picture_network
from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.torch_files import read_torch

PIECE, PART, BATCH = 128, 64, 8  # pixels of a stored piece, pixels of what an update sees of it, pieces an update
ANALYSED = 400  # pieces whose features' principal components are the encoder's targets
VGG_LAYERS = (1, 3, 5)
MARGINS = (4, 3, 2)  # features at the border of a part, which see its padding
CHECKPOINT_SECONDS = 60.0
FACTOR = 16.0  # of pixels' squared differences: the network works on pixels times four


class Muon:
    """Momentum that is made orthogonal by Newton-Schulz iterations, for convolutions; Adam for biases."""

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float, adam_rate: float) -> None:
        parameters = list(parameters)
        self.filters = [p for p in parameters if p.ndim == 4]
        self.momenta = [torch.zeros_like(p) for p in self.filters]
        self.rate, self.adam_rate = rate, adam_rate
        self.adam = torch.optim.Adam([p for p in parameters if p.ndim < 4], adam_rate)

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """One update, of `factor` times the learning rates; gradients are dropped."""
        for filters, momentum in zip(self.filters, self.momenta, strict=True):
            if filters.grad is None:
                continue
            momentum.lerp_(filters.grad, 0.1)
            change = _orthogonal(filters.grad.lerp(momentum, 0.9).flatten(1)).view_as(filters)
            filters.add_(change, alpha=-self.rate * factor * max(1.0, len(filters) / filters[0].numel()) ** 0.5)
            filters.grad = None
        self.adam.param_groups[0]["lr"] = self.adam_rate * factor
        self.adam.step()
        self.adam.zero_grad()

    def state_dict(self) -> dict:
        return {"momenta": self.momenta, "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.momenta = [old.copy_(new) for old, new in zip(self.momenta, state["momenta"], strict=True)]
        self.adam.load_state_dict(state["adam"])


def _orthogonal(matrix: Tensor) -> Tensor:
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if tall else x


def cut_pieces(folders: list[Path], count: int, seed: int) -> Tensor:
    """`[count, 3, PIECE, PIECE]`: random pieces of the pictures of folders in turn, at a random reduction."""
    rng = np.random.default_rng(seed)
    files = [sorted(f for f in folder.iterdir() if f.suffix.lower() in (".jpg", ".png")) for folder in folders]
    pieces = []
    for k in range(count):
        of = files[k % len(files)]
        image = Image.open(of[rng.integers(len(of))]).convert("RGB")
        factor = max(PIECE / min(image.size), rng.choice([1.0, 0.5]))
        image = image.resize([max(PIECE, round(side * factor)) for side in image.size], Image.Resampling.LANCZOS)
        left, top = (int(rng.integers(side - PIECE + 1)) for side in image.size)
        piece = np.asarray(image.crop((left, top, left + PIECE, top + PIECE)))
        pieces.append(torch.from_numpy(piece.copy()).permute(2, 0, 1).float() / 255)
    return torch.stack(pieces)


@torch.no_grad()
def make_targets(pieces: Tensor, vgg: VGG19Features) -> tuple[list[Tensor], list[Tensor]]:
    """(principal components of VGG-19's features by level, float16; their variances), divided by one number a level."""
    for convolution in vgg.convolutions:
        convolution.padding_mode = "reflect"  # as in our networks; zeros would be a frame around the picture
    some = [[f[k] for k in VGG_LAYERS] for f in (vgg(x, VGG_LAYERS) for x in pieces[:ANALYSED].split(BATCH))]
    bases, means, spreads = [], [], []
    for level, channels in enumerate(CHANNELS):
        rows = torch.cat([f[level].permute(0, 2, 3, 1).flatten(0, 2)[::4] for f in some])
        mean = rows.mean(0)
        covariance = (rows - mean).T @ (rows - mean) / len(rows)
        values, vectors = torch.linalg.eigh(covariance.double())
        values, vectors = values.flip(0)[:channels].clamp_min(0), vectors.flip(1)[:, :channels]
        scale = (values.sum() / channels).sqrt()
        bases.append((vectors / scale).float())
        means.append(mean[:, None, None])
        spreads.append((values / scale.square()).float())
        print(f"level {level + 1}: {channels} components explain {float(values.sum() / covariance.trace()):.3f}")
    del some
    found: list[list[Tensor]] = [[] for _ in CHANNELS]
    for x in pieces.split(BATCH):
        features = vgg(x, VGG_LAYERS)
        for kept, k, mean, basis in zip(found, VGG_LAYERS, means, bases, strict=True):
            kept.append(torch.einsum("bchw,ck->bkhw", features[k] - mean, basis).half())
    return [torch.cat(kept) for kept in found], spreads


class Stage:
    """A resumable loop of updates with a learning rate that falls to 0."""

    def __init__(
        self, name: str, network: PictureStyleNetwork, optimizers: list[Muon], steps: int, folder: Path
    ) -> None:
        self.name, self.network, self.optimizers, self.steps = name, network, optimizers, steps
        self.path, self.step = folder / f"{name}.pt", 0

    def run(self, update: Callable[[int, torch.Generator], dict[str, float]]) -> None:
        """Calls `update`, which fills the gradients and returns what is printed, until all steps are done."""
        if self.path.is_file():
            state = read_torch(self.path)
            self.network.load_state_dict(state["network"])
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
            self.step = state["step"]
        saved = started = time.monotonic()
        means: dict[str, float] = {}
        while self.step < self.steps:
            generator = torch.Generator().manual_seed(self.step)
            for name, value in update(self.step, generator).items():
                means[name] = 0.95 * means.get(name, value) + 0.05 * value
            factor = min(1.0, (self.step + 1) / 10) * (1 - self.step / self.steps)
            for optimizer in self.optimizers:
                optimizer.step(factor)
            self.step += 1
            if self.step % 50 == 0:
                shown = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
                print(f"{self.name} {self.step}/{self.steps}, {time.monotonic() - started:.0f} s: {shown}", flush=True)
            if self.step == self.steps or time.monotonic() - saved > CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()

    def _save(self) -> None:
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        with atomic_write(self.path) as file:
            torch.save({"network": self.network.state_dict(), "optimizers": optimizers, "step": self.step}, file)


def part(generator: torch.Generator, count: int) -> tuple[Tensor, int, int]:
    """(which pieces, the top and the left of the part that an update sees)."""
    chosen = torch.randint(count, (BATCH,), generator=generator)
    top, left = (4 * int(x) for x in torch.randint((PIECE - PART) // 4 + 1, (2,), generator=generator))
    return chosen, top, left


def train_encoder(network: PictureStyleNetwork, pieces: Tensor, vgg: VGG19Features, steps: int, folder: Path) -> None:
    targets, spreads = make_targets(pieces, vgg)
    nn.init.normal_(network.encoder.first.bias, 0, 0.5)
    stage = Stage("encoder", network, [Muon(network.encoder.parameters(), 0.03, 3e-3)], steps, folder)

    def update(_: int, generator: torch.Generator) -> dict[str, float]:
        chosen, top, left = part(generator, len(pieces))
        found = network.encoder(_last(pieces[chosen, :, top : top + PART, left : left + PART]))
        errors = []
        for x, all_targets, spread, stride, m in zip(found, targets, spreads, STRIDES, MARGINS, strict=True):
            y = all_targets[chosen, :, top // stride : (top + PART) // stride, left // stride : (left + PART) // stride]
            squares = (x - y.float())[:, :, m:-m, m:-m].square().mean((0, 2, 3))
            roots = spread.clamp_min(1e-4).sqrt()  # between all components alike and all by their variance
            errors.append((squares / roots).sum() / roots.sum())
        torch.stack(errors).sum().backward()
        return {f"level {k}": float(error.detach()) for k, error in enumerate(errors, 1)}

    stage.run(update)


def train_decoders(network: PictureStyleNetwork, pieces: Tensor, steps: int, folder: Path) -> None:
    network.encoder.requires_grad_(False)
    for decoder in network.decoders:
        decoder.layers[-1].weight.data.mul_(0.3)
    stage = Stage("decoders", network, [Muon(d.parameters(), 0.02, 2e-3) for d in network.decoders], steps, folder)

    def update(step: int, generator: torch.Generator) -> dict[str, float]:
        chosen, top, left = part(generator, len(pieces))
        x = _last(pieces[chosen, :, top : top + PART, left : left + PART])
        with torch.no_grad():
            features = network.encoder(x)
        shown = {}
        for level in (3, 2) if step % 2 else (3, 1):
            found = network.decode(features[level - 1], level)
            pixels = FACTOR * (found - x).square().mean()
            again = network.encoder(found, level)
            (pixels + 0.15 * sum((a - b).square().mean() for a, b in zip(again, features, strict=False))).backward()
            shown[f"level {level} dB"] = -10 * float((pixels.detach() / FACTOR).log10())
        return shown

    stage.run(update)


def train_styles(network: PictureStyleNetwork, pieces: Tensor, steps: int, folder: Path) -> None:
    network.encoder.requires_grad_(False)
    optimizers = [Muon(network.decoders[k].parameters(), 0.006, 5e-4) for k in (1, 2)]
    stage = Stage("styles", network, optimizers, steps, folder)

    def update(step: int, generator: torch.Generator) -> dict[str, float]:
        chosen, top, left = part(generator, len(pieces))
        x = _last(pieces[chosen, :, top : top + PART, left : left + PART])
        level = 3 if step % 3 else 2
        with torch.no_grad():
            features = network.encoder(x)
            style = network.encoder(pieces[torch.randint(len(pieces), (BATCH,), generator=generator)])
            mapped = torch.cat(
                [_mapped(f[None], s[None]) for f, s in zip(features[level - 1], style[level - 1], strict=True)]
            )
        plain, found = network.decode(torch.cat([features[level - 1], mapped]), level).chunk(2)
        again = network.encoder(found, level)
        content = (again[-1] - mapped).square().mean()
        look = torch.stack([statistics_distance(a, s) for a, s in zip(again, style, strict=False)]).mean()
        (content + 0.5 * look + FACTOR * (plain - x).square().mean()).backward()
        return {f"level {level} content": float(content.detach()), f"level {level} style": float(look.detach())}

    stage.run(update)


def statistics_distance(features: Tensor, style: Tensor) -> Tensor:
    """Squared differences of means and covariances, relative to the style's; `[B, C, h, w]` and `[B, C, H, W]`."""
    (mean, covariance), (wanted_mean, wanted) = (_moments(x) for x in (features, style))
    spread = wanted.diagonal(dim1=1, dim2=2).sum(1) + 1e-3
    means = (mean - wanted_mean).square().sum(1) / spread
    return (
        (means + (covariance - wanted).square().sum((1, 2)) / (wanted.square().sum((1, 2)) + 1e-3)).clamp_max(4).mean()
    )


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    rows = features.flatten(2)
    mean = rows.mean(2)
    rows = rows - mean[:, :, None]
    return mean, rows @ rows.transpose(1, 2) / rows.shape[2]


def _mapped(features: Tensor, style: Tensor) -> Tensor:
    """Features `[1, C, h, w]` with the statistics of others."""
    pair = [Gaussian(mean[0].double(), covariance[0].double()) for mean, covariance in map(_moments, (features, style))]
    matrix, shift = affine_map(*pair)
    return nn.functional.conv2d(features, matrix[:, :, None, None].float(), shift.float())


def _last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, nargs="+", required=True, help="folders of photos and of paintings")
    parser.add_argument("--vgg", type=Path, help="VGG-19 weights")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=1600)
    parser.add_argument("--updates", type=int, nargs=3, default=(16000, 16000, 8000), help="of each stage")
    options = parser.parse_args()
    torch.manual_seed(0)
    working = options.out / "training"
    working.mkdir(parents=True, exist_ok=True)
    network = PictureStyleNetwork()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)
    network = network.to(memory_format=torch.channels_last)
    pieces = cut_pieces(options.pictures, options.pieces, 0)
    train_encoder(network, pieces, VGG19Features(options.vgg), options.updates[0], working)
    train_decoders(network, pieces, options.updates[1], working)
    train_styles(network, pieces, options.updates[2], working)
    facts = {"pieces": options.pieces, "updates": list(options.updates), "batch": f"{BATCH} of {PART}²"}
    save_picture_network(network, options.out, dtype=torch.float16, training=facts)


if __name__ == "__main__":
    main()
