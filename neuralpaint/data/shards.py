"""Stroke sets on disk: the index and the vector shards."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor

from neuralpaint.brushes import Brush, TexturedBrush, get_brush
from neuralpaint.data.parameters import ENDLESS, MAX_SEED, RandomParameters, brush_identity
from neuralpaint.utils import schema
from neuralpaint.utils.checksums import check_checksum, with_checksum
from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.loading import BadFile, parse_json, read_json, reading
from neuralpaint.utils.schema import shown
from neuralpaint.utils.validation import check_whole, unknown_name

FORMAT, VERSION = "neuralpaint.strokes", 1
INDEX, TEXTURE = "index.json", "brush.safetensors"
SUFFIXES = {"vector": ".safetensors", "webdataset": ".tar"}
MAX_SHARD = 10_000_000
_HEADER = "strokes"  # a single key, because safetensors does not keep several in order
_CHUNK = 16384
_CHECK = schema.fields(
    {
        "brush": schema.text(),
        "fingerprint": schema.text(),
        "count": schema.whole(1, ENDLESS),
        "seed": schema.whole(0, MAX_SEED),
        "layout": schema.text(),
        "size": schema.whole(1, 65536),
        "shard_size": schema.whole(1, MAX_SHARD),
    }
)


# The fields of an index without a checksum.
_FIELDS = (
    *("format", "version", "layout", "brush", "fingerprint", "parameters"),
    *("seed", "count", "size", "shard_size", "shards"),
)


class DamagedShard(BadFile):
    """A shard is truncated or damaged and must be rewritten. The message names the file."""


@dataclass(frozen=True)
class StrokeSet:
    """Describes the strokes in a folder and their format: the contents of its index.

    Attributes:
        brush: the brush of the strokes.
        count: number of strokes in all shards.
        seed: as in `neuralpaint.data.StrokeDataset`.
        layout: "vector" (parameters in .safetensors files) or "webdataset" (images and parameters in .tar files).
        size: image size in pixels; for vector shards, the default size for drawing.
        shard_size: strokes per shard; the last may have fewer.
    """

    brush: Brush
    count: int
    seed: int = 0
    layout: str = "vector"
    size: int = 128
    shard_size: int = 100_000

    def __post_init__(self) -> None:
        if self.layout not in SUFFIXES:
            raise ValueError(unknown_name("format", str(self.layout), list(SUFFIXES)))
        for name, low, high in (
            ("count", 1, ENDLESS),
            ("seed", 0, MAX_SEED),
            ("size", 1, 65536),
            ("shard_size", 1, MAX_SHARD),
        ):
            check_whole(name, getattr(self, name), low, high)

    @property
    def shards(self) -> int:
        return -(-self.count // self.shard_size)

    def name(self, number: int) -> str:
        """The file name of a shard."""
        return f"strokes-{number:06d}{SUFFIXES[self.layout]}"

    def strokes(self, number: int) -> range:
        """The indices of the strokes in a shard."""
        first = number * self.shard_size
        return range(first, min(first + self.shard_size, self.count))

    def facts(self) -> dict[str, Any]:
        """The contents of the index, JSON-serializable."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "layout": self.layout,
            **brush_identity(self.brush),
            "parameters": list(self.brush.parameters),
            "seed": self.seed,
            "count": self.count,
            "size": self.size,
            "shard_size": self.shard_size,
            "shards": self.shards,
        }

    def save(self, folder: Path) -> None:
        """Writes the index, and the texture of a custom brush."""
        if isinstance(self.brush, TexturedBrush):
            parts = {name: torch.from_numpy(getattr(self.brush, name).copy()) for name in ("alpha", "ridge")}
            with atomic_write(folder / TEXTURE, follow=False) as file:
                file.write(to_safetensors(parts))
        with atomic_write(folder / INDEX, follow=False) as file:
            file.write(json.dumps(with_checksum(self.facts()), indent=1).encode() + b"\n")

    @classmethod
    def load(cls, folder: Path) -> StrokeSet:
        """Reads the index of a folder.

        Raises:
            ValueError: the index is missing, damaged, from a newer version, or for an unknown brush.
        """
        path = folder / INDEX
        if not path.is_file():
            why = f"it has no {INDEX}" if folder.is_dir() else "there is no such folder"
            raise BadFile(f"{folder} contains no stroke set: {why}")
        with reading(path, "is damaged"):
            facts = read_json(path)
        _check_version(facts, path)
        with reading(path, "is damaged"):
            check_checksum(facts, None, _FIELDS)
        try:
            _CHECK(facts, "")
            brush = _brush(folder, facts)
            return cls(brush, *(facts[name] for name in ("count", "seed", "layout", "size", "shard_size")))
        except ValueError as error:
            raise BadFile(f"{path}: {error}") from error

    def difference(self, other: StrokeSet) -> str | None:
        """The first difference from another set, such as "seed 1, not 0"; None if they are equal."""
        mine, theirs = self.facts(), other.facts()
        for name, value in mine.items():
            if theirs[name] != value:
                return f"{name.replace('_', ' ')} {theirs[name]}, not {value}"
        return None

    def check_whole(self, folder: Path) -> None:
        """Raises ValueError unless all shards exist and are vector shards. Does not open them."""
        if self.layout != "vector":
            raise ValueError(f"{folder} contains .tar shards: read them with the webdataset library (docs/data.md)")
        there = {path.name for path in folder.iterdir()}
        missing = next((name for name in map(self.name, range(self.shards)) if name not in there), None)
        if missing is not None:
            lacking = self.shards - sum(name.startswith("strokes-") and name.endswith(".safetensors") for name in there)
            raise ValueError(
                f"{folder}: {lacking} of {self.shards} shards are missing, first {missing}: "
                "write them with `neuralpaint strokes --resume`"
            )


def write_shard(path: Path, plan: StrokeSet, number: int) -> None:
    """Writes one vector shard. Raises WriteError."""
    numbers, parameters = plan.strokes(number), RandomParameters(plan.brush, None, plan.seed)
    strokes = torch.empty(len(numbers), plan.brush.num_parameters, dtype=torch.float32, device="cpu")
    for at in range(0, len(numbers), _CHUNK):
        part = numbers[at : at + _CHUNK]
        strokes[at : at + len(part)] = parameters.take(torch.arange(part.start, part.stop, device="cpu"))
    facts = _shard_facts(plan, numbers) | {"sha256": _digest(strokes)}
    data = to_safetensors({"strokes": strokes}, metadata={_HEADER: json.dumps(facts)})
    with atomic_write(path, follow=False) as file:
        file.write(data)


def read_shard(folder: Path, plan: StrokeSet, number: int) -> Tensor:
    """The strokes of a vector shard, float32 `[n, P]`, memory-mapped.

    Raises:
        DamagedShard: the shard is truncated or damaged.
        ValueError: the shard is missing, or from another version or set.
    """
    path, numbers = folder / plan.name(number), plan.strokes(number)
    if not path.exists():
        raise BadFile(f"{path} is missing: write it with `neuralpaint strokes --resume`")
    with reading(path, "is damaged or truncated", kind=DamagedShard), safe_open(path, framework="pt") as file:
        facts = parse_json((file.metadata() or {}).get(_HEADER, "null"))
        strokes = file.get_tensor("strokes") if "strokes" in file.keys() else None  # noqa: SIM118 (not a mapping)
    _check_version(facts, path)
    wanted = _shard_facts(plan, numbers)
    for name, value in wanted.items():
        if facts.get(name) != value:
            other = shown(facts.get(name)).strip("'")
            raise BadFile(f"{path} belongs to another set: {name} {other}, not {value}")
    if strokes is None or strokes.dtype != torch.float32 or strokes.shape != (len(numbers), plan.brush.num_parameters):
        raise DamagedShard(f"{path} is damaged: its header does not match its strokes")
    # Older files have no checksum, and no other fields either.
    if facts["sha256"] != _digest(strokes) if "sha256" in facts else set(facts) - set(wanted):
        raise DamagedShard(f"{path} is damaged: its checksum does not match its strokes")
    return strokes


def _shard_facts(plan: StrokeSet, numbers: range) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        **brush_identity(plan.brush),
        "parameters": list(plan.brush.parameters),
        "seed": plan.seed,
        "first": numbers.start,
        "count": len(numbers),
    }


def _digest(strokes: Tensor) -> str:
    """SHA-256 digest of the strokes of a shard."""
    return hashlib.sha256(strokes.numpy().data).hexdigest()


def _check_version(facts: Any, path: Path) -> None:
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise BadFile(f"{path} does not belong to a stroke set: it has another format")
    if facts.get("version") != VERSION:
        raise BadFile(f"{path} has version {shown(facts.get('version'))}, this neuralpaint reads {VERSION}")


def _brush(folder: Path, facts: dict[str, Any]) -> Brush:
    name, path = facts["brush"], folder / TEXTURE
    if path.exists():
        with reading(path, "is damaged"), safe_open(path, framework="np") as file:
            brush: Brush = TexturedBrush(name, alpha=file.get_tensor("alpha"), ridge=file.get_tensor("ridge"))
    else:
        brush = get_brush(name)
    if brush.fingerprint != facts["fingerprint"]:
        raise ValueError(f"brush {name!r} has different parameters or another texture than when the set was written")
    return brush


class ShardParameters:
    """Strokes from a folder written by `neuralpaint strokes`. Shards are memory-mapped.

    Args:
        folder: contains the vector shards and their index.

    Raises:
        ValueError: the folder contains no stroke set, or one that is incomplete or from a newer version. Shards that
            are damaged or belong to another set are reported on first use.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        from neuralpaint.data.shards import StrokeSet

        self.folder = Path(folder)
        self.set = StrokeSet.load(self.folder)
        self.set.check_whole(self.folder)
        self.brush, self.count = self.set.brush, self.set.count
        self._mapped: dict[int, Tensor] = {}

    def __getstate__(self) -> Mapping[str, Any]:
        return self.__dict__ | {"_mapped": {}}  # each worker process maps them itself

    @property
    def identity(self) -> dict[str, Any]:
        return {**brush_identity(self.brush), "seed": self.set.seed}

    def take(self, index: Tensor) -> Tensor:
        here = index.cpu()
        number = here.div(self.set.shard_size, rounding_mode="floor")
        strokes = torch.empty(len(here), self.brush.num_parameters, dtype=torch.float32, device="cpu")
        for k in number.unique().tolist():
            rows = number == k
            strokes[rows] = self._shard(k)[here[rows] - k * self.set.shard_size]
        return strokes.to(index.device)

    def _shard(self, number: int) -> Tensor:
        if number not in self._mapped:
            from neuralpaint.data.shards import read_shard

            self._mapped[number] = read_shard(self.folder, self.set, number)
        return self._mapped[number]
