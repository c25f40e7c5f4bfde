"""All that neuralpaint reads from files, each with small good files to damage."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from neuralpaint.brushes import TexturedBrush, get_brush
from neuralpaint.brushes.described import described_brush
from neuralpaint.brushes.engine import engine_brush
from neuralpaint.data.shards import StrokeSet, read_shard
from neuralpaint.data.webdataset import check_tar, read_sums
from neuralpaint.data.writer import write_set
from neuralpaint.images.io import load_grey, load_image
from neuralpaint.images.streaming import open_photo
from neuralpaint.losses.features import VGG19Features
from neuralpaint.painting.painting import Painting
from neuralpaint.pipelines.summary import Row, Summary, read_summary
from neuralpaint.renderers.exact import ExactRenderer
from neuralpaint.renderers.networks.registry import build_network
from neuralpaint.renderers.pretrained import load_network, save_network
from neuralpaint.search.blocks import BlockSearch
from neuralpaint.search.checkpoint import Checkpoint
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.presets import Preset
from neuralpaint.search.problem import Problem
from neuralpaint.styles.architecture import Architecture
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.styles.pretrained import load_style_network, save_style_network
from neuralpaint.training.renderers.settings import TrainingSettings
from neuralpaint.training.renderers.source import BrushSource
from neuralpaint.training.renderers.trainer import Trainer
from neuralpaint.vector import read_svg
from tools.fuzz.pictures import pictures

BOX = ("xc", "yc", "w", "h", "theta", "r", "g", "b", "a")


@dataclass(frozen=True)
class Loader:
    """How one kind of file is made and read.

    Attributes:
        make: writes good files, each set of them into a folder of its own within the given one.
        load: reads the files of such a folder; returns what was in them.
        checked: whether whatever loads must be what was written, because the files have a checksum.
        share: of all files tried, relative to the other kinds.
    """

    name: str
    make: Callable[[Path], None]
    load: Callable[[Path], Any]
    checked: bool = False
    share: int = 4


def only(folder: Path) -> Path:
    """The file of a folder that has one."""
    (path,) = folder.iterdir()
    return path


def random(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


# ---- stroke files ----------------------------------------------------------------------------------------------------


def make_paintings(folder: Path) -> None:
    texture = (255 * random(8, 16)).to(torch.uint8).numpy()
    brushes = [
        get_brush("tape"),
        engine_brush("mine", "box", BOX, ((4, 0.5),)),
        TexturedBrush("own", alpha=texture, ridge=texture),
    ]
    for brush in brushes:
        painting = Painting(
            random(4, brush.num_parameters), brush, (1.0, 1.5), "linen", 40, {"photo": "a.jpg", "psnr": 20.5}
        )
        painting.save(new(folder, brush.name) / "p.safetensors")


def make_older_paintings(folder: Path) -> None:
    make_paintings(folder)
    for path in folder.glob("*/*"):
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["painting"])
        del facts["sha256"]
        save_file(load_file(path), path, {"painting": json.dumps(facts)})


def load_painting(folder: Path) -> Any:
    found = Painting.load(only(folder))
    found.pixels()
    if not found.brush.engine and len(found) < 100:
        found.render_tensor(8)  # what is accepted can be drawn
    return [
        found.strokes,
        found.brush.name,
        found.brush.fingerprint,
        found.aspect,
        found.background,
        found.size,
        dict(found.metadata),
    ]


def make_snp(folder: Path) -> None:
    for name, save in (("plain", np.savez), ("small", np.savez_compressed)):
        parts = {"x_ctt": random(4, 2, 5), "x_color": random(4, 2, 6), "x_alpha": random(4, 2, 1)}
        save(new(folder, name) / "s.npz", **{key: value.numpy() for key, value in parts.items()})


def load_snp(folder: Path) -> Any:
    found = Painting.from_snp(only(folder))
    found.render_tensor(8)
    return found.strokes


def make_descriptions(folder: Path) -> None:
    for name, held in (("a", []), ("b", [[4, 0.5]])):
        (new(folder, name) / "brush.json").write_text(json.dumps({"kind": 16, "parameters": BOX, "held": held}))


def load_description(folder: Path) -> Any:
    try:
        value = json.loads(only(folder).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError("no JSON, which those who call this have checked") from error
    brush = described_brush("mine", value)
    return [brush.parameters, brush.held, brush.kind]


# ---- searches and training -------------------------------------------------------------------------------------------


def searches() -> list[tuple[str, Any]]:
    joint = Preset("small joint", stages=2, rounds=2, steps=3, reseeds=1, refine=3, block_pixels=16)
    blocks = Preset(
        "small", method="blocks", stages=2, steps=2, block_pixels=16, learning_rate=0.01, l1=1, l2=0, transport=0
    )
    found = []
    for preset, kind in ((joint, JointSearch), (blocks, BlockSearch)):
        problem = Problem.of(random(3, 20, 24), get_brush("tape"), 9, preset, (1.0, 1.0, 1.0), ExactRenderer(), 0)
        found.append((preset.method, kind(problem)))
    return found


def make_searches(folder: Path) -> None:
    for name, search in searches():
        for _ in range(4):
            search.step()
        Checkpoint(new(folder, name), {"preset": name, "seed": 0}).write(search.state_dict())


def make_older_searches(folder: Path) -> None:
    make_searches(folder)
    for path in folder.glob("*/*"):
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["neuralpaint"])
        del facts["sha256"]
        save_file(load_file(path), path, {"neuralpaint": json.dumps(facts)})


def load_search(folder: Path) -> Any:
    """Also continues it: the state fits the search."""
    last: ValueError | None = None
    for name, search in searches():
        checkpoint = Checkpoint(folder, {"preset": name, "seed": 0})
        try:
            state = checkpoint.read()
        except ValueError as error:
            last = error
            continue
        with checkpoint.reading():
            search.load_state_dict(state)
        before = search.state_dict()
        while not search.finished:
            search.step()
        if len(search.strokes) != 9 and name == "joint":
            raise AssertionError(f"{len(search.strokes)} strokes, not 9")
        return before
    assert last is not None
    raise last


_SETTINGS = TrainingSettings(
    network="coordinate", brush="tape", size=16, steps=3, batch=2, eval_every=1, picture_every=0
)


def trainer(folder: Path) -> Trainer:
    return Trainer(
        _SETTINGS, BrushSource("tape", 16, 0), folder, network=build_network("coordinate", "tape", 16, hidden=4)
    )


def make_trainings(folder: Path) -> None:
    made = trainer(new(folder, "training"))
    made.working = made.folder
    made._prepare()
    made._step()
    made._save()


def make_older_trainings(folder: Path) -> None:
    make_trainings(folder)
    path = only(only(folder))
    state = torch.load(path, weights_only=True)
    del state["sha256"]
    torch.save(state, path)


_TRAINERS: list[Trainer] = []


def load_training(folder: Path) -> Any:
    if not _TRAINERS:
        _TRAINERS.append(trainer(folder))
    made = _TRAINERS[0]
    made.working = folder
    made._load()
    return [
        made.step,
        made.seconds,
        made.curve,
        made.network.state_dict(),
        made.average.state_dict(),
        made.optimizer.state_dict(),
    ]


# ---- sets of strokes -------------------------------------------------------------------------------------------------


def make_vectors(folder: Path) -> None:
    write_set(folder / "vector", StrokeSet(get_brush("tape"), 7, shard_size=4))
    texture = (255 * random(8, 16)).to(torch.uint8).numpy()
    write_set(folder / "own", StrokeSet(TexturedBrush("own", alpha=texture, ridge=texture), 3))


def load_vectors(folder: Path) -> Any:
    plan = StrokeSet.load(folder)
    plan.check_whole(folder)
    return [plan.facts(), *(read_shard(folder, plan, number) for number in range(plan.shards))]


def make_tars(folder: Path) -> None:
    for name in ("sums", "none"):
        write_set(folder / name, StrokeSet(get_brush("tape"), 3, layout="webdataset", size=8, shard_size=2), workers=0)
    (folder / "none" / "SHA256SUMS").unlink()


def load_tars(folder: Path) -> Any:
    """As `--resume` does. What it keeps is the same as if it were written now."""
    plan, sums = StrokeSet.load(folder), read_sums(folder)
    for number in range(plan.shards):
        check_tar(folder, plan, number, sums.get(plan.name(number)))
    return plan.facts()


# ---- networks --------------------------------------------------------------------------------------------------------


def make_renderers(folder: Path) -> None:
    for kind, options in (("coordinate", {"hidden": 4}), ("dual-pathway", {})):
        if kind == "coordinate":
            save_network(build_network(kind, "tape", 16, **options), folder / kind, training={"steps": 3, "psnr": 20.5})
    save_network(build_network("coordinate", "oil", 16, hidden=4), folder / "half", dtype=torch.float16)


def load_renderer(folder: Path) -> Any:
    found = load_network(folder)
    return [found.network, found.size, found.brush.fingerprint, found.options(), found.trained, found.state_dict()]


def older(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """The same, without the checksum of the configuration."""

    def made(folder: Path) -> None:
        make(folder)
        for path in folder.glob("*/config.json"):
            config = json.loads(path.read_text())
            del config["config_sha256"]
            path.write_text(json.dumps(config))

    return made


def make_styles(folder: Path) -> None:
    network = StyleNetwork(["a", "b"], Architecture("light", (4, 4, 4), 1, 3))
    save_style_network(network, folder / "styles", training={"steps": 3})


def load_styles(folder: Path) -> Any:
    found = load_style_network(folder)
    return [found.names, dataclasses.asdict(found.architecture), found.training_facts, found.state_dict()]


def make_weights(folder: Path) -> None:
    state = {"features.0.weight": random(64, 3, 3, 3), "features.0.bias": random(64), "more": random(2).half()}
    torch.save(state, new(folder, "zip") / "weights.pth")
    torch.save(state, new(folder, "legacy") / "weights.pth", _use_new_zipfile_serialization=False)
    save_file(state, new(folder, "safetensors") / "weights.safetensors")


def load_weights(folder: Path) -> Any:
    return VGG19Features(only(folder)).state_dict()


# ---- pictures and tables ---------------------------------------------------------------------------------------------


def make_pictures(folder: Path) -> None:
    for name, data in pictures():
        (new(folder, name) / f"picture.{name.split('.')[-1]}").write_bytes(data)


def load_picture(folder: Path) -> Any:
    found = load_image(only(folder))
    assert found.dtype == torch.float32 and found.isfinite().all() and 0 <= found.min() and found.max() <= 1
    return list(found.shape)


def load_brush_image(folder: Path) -> Any:
    load_grey(only(folder))
    return TexturedBrush.from_image(only(folder)).fingerprint


def make_large(folder: Path) -> None:
    """Without those that libvips refuses."""
    for name, data in pictures():
        kind, suffix = name.split(".")
        if suffix in ("png", "jpeg", "tiff", "webp", "gif") and kind not in ("float", "lab", "lzma", "zstd"):
            (new(folder, name) / f"picture.{suffix}").write_bytes(data)


def load_large(folder: Path) -> Any:
    """By libvips, as pictures are read that do not fit into memory."""
    photo = open_photo(only(folder), limit=0)
    return list(load_image(only(folder)).shape if photo is None else photo.shrunk(16).shape)


def make_drawings(folder: Path) -> None:
    stops = '<stop stop-color="#f40"/><stop offset="50%" stop-color="red" stop-opacity=".5"/>'
    shapes = '<path d="M1 1C9 0 9 9 2 9Z" fill="url(#g)" stroke="blue" stroke-miterlimit="9"/><circle r="3" id="c"/>'
    bodies = {
        "linear": f'<linearGradient id="g" x2="5%" spreadMethod="reflect">{stops}</linearGradient>{shapes}',
        "radial": f'<radialGradient id="h">{stops}</radialGradient><radialGradient id="g" fx=".4" href="#h"/>{shapes}',
        "groups": f'<style>path{{opacity:.5}}</style><g opacity=".5">{shapes}<use href="#c" x="4"/></g>',
    }
    for name, body in bodies.items():
        text = f'<svg xmlns="http://www.w3.org/2000/svg" width="12" height="9" viewBox="0 0 12 9">{body}</svg>'
        (new(folder, name) / "drawing.svg").write_text(text)


def load_drawing(folder: Path) -> Any:
    found = read_svg(only(folder))
    shown = found.render(8) if max(found.width, found.height) < 100 * min(found.width, found.height) else None
    assert shown is None or shown.isfinite().all()
    return [found.width, found.height, found.points, found.fill]


def make_tables(folder: Path) -> None:
    for suffix in ("csv", "json"):
        table = Summary(new(folder, suffix) / f"summary.{suffix}")
        table.rows = [Row("a.jpg", "a.png", "painted", 20.5, 1.5, 30), Row("b,\n.jpg", "", "failed", error="no photo")]
        table.write()


def load_table(folder: Path) -> Any:
    """Also writes it again."""
    path = only(folder)
    rows = read_summary(path)
    table = Summary(path, keep=True)
    table.write()
    return [[name, row.status, row.strokes] for name, row in rows.items()]


LOADERS: Mapping[str, Loader] = {
    loader.name: loader
    for loader in (
        Loader("stroke files", make_paintings, load_painting, checked=True, share=8),
        Loader("stroke files, older", make_older_paintings, load_painting, share=8),
        Loader("SNP stroke files", make_snp, load_snp, share=8),
        Loader("brush descriptions", make_descriptions, load_description),
        Loader("search checkpoints", make_searches, load_search, checked=True),
        Loader("search checkpoints, older", make_older_searches, load_search),
        Loader("training checkpoints", make_trainings, load_training, checked=True),
        Loader("training checkpoints, older", make_older_trainings, load_training),
        Loader("vector shards", make_vectors, load_vectors, checked=True),
        Loader("tar shards", make_tars, load_tars, checked=True),
        Loader("renderers", make_renderers, load_renderer, checked=True),
        Loader("renderers, older", older(make_renderers), load_renderer),
        Loader("style networks", make_styles, load_styles, checked=True),
        Loader("style networks, older", older(make_styles), load_styles),
        Loader("feature weights", make_weights, load_weights, share=6),
        Loader("pictures", make_pictures, load_picture, share=30),
        Loader("brush images", make_large, load_brush_image, share=8),
        Loader("large pictures", make_large, load_large, share=6),
        Loader("summary tables", make_tables, load_table),
        Loader("SVG files", make_drawings, load_drawing, share=12),
    )
}
