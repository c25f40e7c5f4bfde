"""Measures what the paper claims of one network for many styles, and makes docs/images/style_* of it.

    python benchmarks/figures/style_claims.py mix --network light --content DIR --styles DIR
    python benchmarks/figures/style_claims.py alike --content DIR --styles DIR --updates 800 --work DIR
    python benchmarks/figures/style_claims.py add --content DIR --styles DIR --updates 800 --work DIR

mix: style losses along mixes of two styles (figure 7). alike: the losses of one network for all paintings of --styles
against those of a network for each of the first three, trained alike (section 3.2). add: a painting added to a network
of the others, or to --base, with an eighth of the updates, against a network for it alone from scratch (figure 6).
Trainings are kept in --work and go on where they were stopped. Losses are means over 32 held-out photos of --content.
NEURALPAINT_VGG19 names VGG-19's weights.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.losses.features import Features, get_features
from neuralpaint.reproduction.style_mixes import mix_losses
from neuralpaint.styles.mixing import sweep_mixes
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.styles.sheets import style_sheet
from neuralpaint.styles.stylize import stylize_tensor
from neuralpaint.training.styles.add import new_style
from neuralpaint.training.styles.dataset import load_styles, pictures_in
from neuralpaint.training.styles.objective import StyleObjective, StyleTable
from neuralpaint.training.styles.settings import PRESETS, StyleSettings
from neuralpaint.training.styles.trainer import StyleTrainer, held_out_losses, held_out_pieces, split

ROOT = Path(__file__).resolve().parents[2]
IMAGES, PHOTOS = ROOT / "docs" / "images", ROOT / "examples" / "photos"
SIZE, SINGLES, POINTS = 128, 3, 11


def settings(updates: int, **changes: object) -> StyleSettings:
    """The small preset for so many updates, an eighth of them the warm-up, but no more than 75."""
    warm_up = min(75, updates // 8)
    small = PRESETS["small"] | {"steps": updates, "warm_up": warm_up, "eval_every": 0, "picture_every": 0}
    return StyleSettings(**(small | changes))


def train(
    chosen: StyleSettings,
    paintings: dict[str, Tensor],
    photos: list[Path],
    features: Features,
    folder: Path,
    network: StyleNetwork | None = None,
) -> StyleTrainer:
    trainer = StyleTrainer(chosen, paintings, photos, features, folder, network=network, resume=True)
    last = [0]

    def tell(event: object) -> None:
        if event.step >= last[0] + 100 or event.step == event.steps:
            last[0] = event.step
            print(f"{folder.name}: {event.step}/{event.steps}, style {event.style:.3f}", flush=True)

    if trainer.step < chosen.steps:
        trainer.run(tell)
    return trainer


def losses(network: StyleNetwork, paintings: dict[str, Tensor], features: Features, photos: Tensor) -> dict:
    """(content, style) on the held-out photos, by the name of the painting."""
    found = {}
    for name, painting in paintings.items():
        objective = StyleObjective(StyleTable(features, [painting]))
        alone = StyleNetwork([name], network.architecture)
        state = {
            key: value[network.names.index(name)][None] if key.endswith(("gamma", "beta")) else value
            for key, value in network.state_dict().items()
        }
        alone.load_state_dict(state)
        found[name] = [float(value) for value in held_out_losses(alone, objective, photos)[:, 0]]
    return found


def alike(options: argparse.Namespace, features: Features) -> None:
    photos = pictures_in(options.content, "--content")
    paintings = load_styles(pictures_in(options.styles, "--styles"))
    held = held_out_pieces(split(photos)[1], SIZE)
    singles = dict(list(paintings.items())[:SINGLES])
    chosen = settings(options.updates)
    together = train(chosen, paintings, photos, features, options.work / "together").average
    result = {
        "updates": options.updates,
        "styles": len(paintings),
        "together": losses(together, singles, features, held),
    }
    result["alone"] = {}
    for name, painting in singles.items():
        alone = train(chosen, {name: painting}, photos, features, options.work / f"alone-{name}").average
        result["alone"] |= losses(alone, {name: painting}, features, held)
    print(f"{'style':28} content: alone, together      style: alone, together")
    for name in singles:
        (c1, s1), (cn, sn) = result["alone"][name], result["together"][name]
        print(f"{name:28} {c1:.3f} {cn:.3f} ({cn / c1 - 1:+.1%})        {s1:.3f} {sn:.3f} ({sn / s1 - 1:+.1%})")
    save("style_alike", result)


def add(options: argparse.Namespace, features: Features) -> None:
    photos = pictures_in(options.content, "--content")
    paintings = load_styles(pictures_in(options.styles, "--styles"))
    held = held_out_pieces(split(photos)[1], SIZE)
    name = options.name or list(paintings)[-1]
    painting = {name: paintings.pop(name)}
    if options.base:
        network = load_style_network(options.base)
    else:
        base = train(settings(options.updates), paintings, photos, features, options.work / "base").average
        network = StyleNetwork(base.names, base.architecture)
        network.load_state_dict(base.state_dict())
    start = new_style(network, name, painting[name], features, photos)
    result: dict = {"updates": options.updates, "base": options.base, "name": name, "from": start}
    result["start"] = losses(network, painting, features, held)[name]
    eighth = settings(options.updates // 8, warm_up=0, learning_rate=0.05, ema=0.9)
    added = train(eighth, painting, photos, features, options.work / "added", network).average
    result["added"] = losses(added, painting, features, held)[name]
    scratch = train(settings(options.updates), painting, photos, features, options.work / "scratch").average
    result["scratch"] = losses(scratch, painting, features, held)[name]
    short = settings(options.updates // 8)
    soon = train(short, painting, photos, features, options.work / "scratch-eighth").average
    result["scratch_eighth"] = losses(soon, painting, features, held)[name]
    eighth_updates = options.updates // 8
    shown = {
        f"added, {eighth_updates} updates": added,
        f"from scratch, {eighth_updates}": soon,
        f"from scratch, {options.updates}": scratch,
    }
    few = held_out_pieces([PHOTOS / "coffee.jpg", PHOTOS / "astronaut.jpg"], 256)
    pictures, captions = [], []
    for photo in few:
        pictures.append(to_pil(photo))
        captions.append("photo")
        for caption, trained in shown.items():
            pictures.append(to_pil(stylize_tensor(trained, photo[None], torch.eye(len(trained.names))[-1])[0]))
            captions.append(caption)
    sheet = style_sheet(pictures, 1 + len(shown), captions)
    sheet.save(IMAGES / "style_add.jpg", quality=85, optimize=True, progressive=True)
    for key in ("start", "added", "scratch_eighth", "scratch"):
        print(f"{key:16} content {result[key][0]:.3f}  style {result[key][1]:.3f}")
    save("style_add", result)


def mix(options: argparse.Namespace, features: Features) -> None:
    """Losses against both paintings along the line between two styles."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    network = load_style_network(options.network)
    files = [file for file in pictures_in(options.styles, "--styles")]
    pairs = [tuple(pair.split(",")) for pair in options.pairs]
    wanted = {name for pair in pairs for name in pair}
    paintings = {name: p for name, p in load_styles(files).items() if name in wanted}
    held = held_out_pieces(split(pictures_in(options.content, "--content"))[1], SIZE)
    result = {"network": options.network, "pairs": []}
    figure, axes = plt.subplots(1, len(pairs), figsize=(4 * len(pairs), 3.2), squeeze=False)
    for axis, pair in zip(axes[0], pairs, strict=True):
        table = StyleTable(features, [paintings[name] for name in pair])
        ends = torch.eye(len(network.names))[[network.names.index(name) for name in pair]]
        first, second = mix_losses(network, table, held, sweep_mixes(ends[0], ends[1], POINTS))
        rises = all(a <= b for a, b in zip(first, first[1:], strict=False))
        falls = all(a >= b for a, b in zip(second, second[1:], strict=False))
        result["pairs"].append(
            {"styles": pair, "losses": list(zip(first, second, strict=True)), "monotonic": [rises, falls]}
        )
        print(f"{pair[0]} → {pair[1]}: monotonic {rises} {falls}")
        share = torch.linspace(0, 1, POINTS)
        for values, name in ((first, pair[0]), (second, pair[1])):
            axis.plot(share, values, marker="o", markersize=3, label=f"against {name}")
        axis.set_xlabel(f"share of {pair[1]}")
        axis.set_ylabel("style loss")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=7, frameon=False)
    figure.tight_layout()
    figure.savefig(IMAGES / "style_mix.png", dpi=110)
    save("style_mix", result)


def save(name: str, result: dict) -> None:
    folder = ROOT / "docs" / "styles"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(folder / f"{name}.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claim", choices=("mix", "alike", "add"))
    parser.add_argument("--content", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--work", type=Path, default=Path("out/style_claims"))
    parser.add_argument("--network", default="light")
    parser.add_argument("--name", help="add: of the painting that is added, the last one by default")
    parser.add_argument("--base", help="add: a network that has been trained, instead of one of the other paintings")
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--pairs",
        nargs="+",
        default=[
            "van-gogh-starry-night,munch-scream",
            "hokusai-great-wave,kandinsky-composition-vii",
            "monet-water-lilies,mondrian-composition",
        ],
    )
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    {"mix": mix, "alike": alike, "add": add}[options.claim](options, get_features("vgg19"))


if __name__ == "__main__":
    main()
