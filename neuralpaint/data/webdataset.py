"""Tar shards in webdataset format: foreground, alpha and parameters of each stroke."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from neuralpaint.data.dataset import StrokeDataset
from neuralpaint.data.parameters import RandomParameters, StrokeBatch
from neuralpaint.data.shards import DamagedShard, StrokeSet
from neuralpaint.utils.checksums import file_digest
from neuralpaint.utils.children import for_loader
from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.loading import MAX_JSON, BadFile, check_length, reading

_BATCH = 64
_BLOCK = 512  # bytes per tar block: a header takes one, and contents are padded to whole blocks
_NPY, _NPY_HEADER = b"\x93NUMPY", 4096  # how a .npy file begins, and bytes before its numbers, at most
SUMS = "SHA256SUMS"
_SUM = re.compile(r"([0-9a-f]{64})  (strokes-\d+\.tar)")
_SUFFIXES = ("foreground.png", "alpha.png", "stroke.npy")
Files = dict[str, bytes]


class _Encoded(Dataset[list[tuple[int, Files]]]):
    """Encoded strokes of a range, drawn and compressed in the loader's workers."""

    def __init__(self, plan: StrokeSet) -> None:
        parameters = RandomParameters(plan.brush, None, plan.seed)
        self.strokes = StrokeDataset.of(parameters, size=plan.size, dtype=torch.uint8)

    def __getitem__(self, part: range) -> list[tuple[int, Files]]:
        return list(
            zip(part, encode(self.strokes.draw(torch.arange(part.start, part.stop, device="cpu"))), strict=True)
        )


def samples(plan: StrokeSet, shards: Iterable[range], workers: int = 0) -> Iterator[tuple[int, Files]]:
    """Yields (index, {suffix: data}) for the strokes of these shards, in order: PNG images, and the parameters as a
    .npy array, float32 `[P]`. Encoded in `workers` processes, or in this process if 0."""
    parts = (numbers[at : at + _BATCH] for numbers in shards for at in range(0, len(numbers), _BATCH))
    loader = DataLoader(
        _Encoded(plan),
        batch_size=None,
        sampler=parts,
        num_workers=workers,
        worker_init_fn=for_loader(),
        generator=torch.Generator("cpu"),
    )
    with torch.device("cpu"):  # where the loader draws a seed for its workers, whatever the host's default
        batches = iter(loader)
    for found in batches:
        yield from found


def encode(batch: StrokeBatch) -> Iterator[Files]:
    """The files of each stroke of a batch: foreground and alpha as PNG, the parameters as .npy."""
    for strokes, foreground, alpha in zip(
        batch.strokes.numpy(), batch.foreground.permute(0, 2, 3, 1).numpy(), batch.alpha[:, 0].numpy(), strict=True
    ):
        yield dict(zip(_SUFFIXES, (_png(foreground), _png(alpha), _npy(strokes)), strict=True))


def write_tar(file: BinaryIO, found: Iterable[tuple[int, Files]]) -> None:
    """Writes a shard. The output is deterministic."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for number, files in found:
            for suffix, data in files.items():
                member = tarfile.TarInfo(_member(number, suffix))
                member.size, member.mode = len(data), 0o644
                tar.addfile(member, io.BytesIO(data))


def check_tar(folder: Path, plan: StrokeSet, number: int, checksum: str | None = None) -> None:
    """Checks a whole shard: by its SHA-256 or, if that is not known, file by file.

    Raises:
        DamagedShard: the shard is truncated or damaged.
        ValueError: the shard is missing, or contains other strokes.
    """
    path, numbers = folder / plan.name(number), plan.strokes(number)
    first = numbers.start
    if not path.exists():
        raise BadFile(f"{path} is missing: write it with `neuralpaint strokes --resume`")
    with reading(path, "is damaged or truncated", kind=DamagedShard):
        with open(path, "rb") as file:
            size = 2 * _BLOCK + file.seek(-2 * _BLOCK, io.SEEK_END)
            # An archive ends with two zero blocks, padded to a record; no file in it ends in that many zeros.
            ended = not any(file.read()) and size % tarfile.RECORDSIZE == 0
        wanted = RandomParameters(plan.brush, None, plan.seed).take(torch.tensor([first], device="cpu"))[0].numpy()
        stroke = _first_stroke(path, _member(first, "stroke.npy"), wanted.tobytes())
    if not ended:
        raise DamagedShard(f"{path} is truncated")
    if not stroke:
        raise BadFile(f"{path} belongs to another set: it does not begin with stroke {first} of this set")
    with reading(path, "is damaged", kind=DamagedShard):
        if checksum is None:
            _check_members(path, plan, numbers)
        elif file_digest(path) != checksum:
            raise ValueError(f"its SHA-256 is not that in {SUMS}")


def read_sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each shard by its name, as noted in a folder; empty if nothing is.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / SUMS
    if not path.exists():
        return {}
    with reading(path, "is damaged", "delete it, and the shards are checked without it"):
        check_length(path.stat().st_size, MAX_JSON)
        found = {}
        for line in path.read_text("ascii").splitlines():
            match = _SUM.fullmatch(line)
            if match is None or match[2] in found:
                raise ValueError(f"{line[:40]!r}")
            found[match[2]] = match[1]
        return found


def write_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Notes the SHA-256 of each shard, as `sha256sum` does; `sha256sum -c SHA256SUMS` checks them."""
    with atomic_write(folder / SUMS, follow=False) as file:
        file.write("".join(f"{value}  {name}\n" for name, value in sorted(sums.items())).encode())


def _check_members(path: Path, plan: StrokeSet, numbers: range) -> None:
    """Raises ValueError unless an archive contains the strokes of these numbers, with pictures whose own checksums
    match."""
    wanted = RandomParameters(plan.brush, None, plan.seed).take(torch.arange(numbers.start, numbers.stop, device="cpu"))
    most, length = 4 * plan.size**2 + _NPY_HEADER, path.stat().st_size
    with tarfile.open(path, mode="r:") as tar:
        for number, stroke in zip(numbers, wanted.numpy(), strict=True):
            for suffix in _SUFFIXES:
                member, name = tar.next(), _member(number, suffix)
                if member is None or member.name != name or not member.isreg() or member.issparse():
                    raise ValueError(f"{name} is missing")
                if member.size > most or member.offset_data + member.size > length:
                    raise ValueError(f"{name} is too large")
                data = tar.extractfile(member).read()  # type: ignore[union-attr] # None for folders only
                if suffix == "stroke.npy" and data != _npy(stroke):
                    raise ValueError(f"{name} has other parameters")
                if suffix != "stroke.npy":
                    _check_png(data, plan.size)
        if tar.next() is not None:
            raise ValueError("it contains more")


def _check_png(data: bytes, size: int) -> None:
    with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
        if picture.size != (size, size):
            raise ValueError(f"a picture has {picture.width}x{picture.height} pixels")
        picture.verify()  # compares the checksums of its chunks


def _first_stroke(path: Path, name: str, wanted: bytes) -> bool:
    """Whether a .npy file of this name with these numbers is among the first three files of an archive."""
    with tarfile.open(path, mode="r:") as tar:
        for member in (tar.next() for _ in range(3)):
            if member is None or member.name != name:
                continue
            if not member.isreg() or member.issparse() or member.size > len(wanted) + _NPY_HEADER:
                raise ValueError(f"{name} is a link, or too large")
            content = tar.extractfile(member)
            data = b"" if content is None else content.read()
            return data.startswith(_NPY) and data.endswith(wanted)
    return False


def bytes_per_stroke(plan: StrokeSet) -> float:
    """Bytes per stroke of a tar shard, estimated from the first strokes."""
    numbers = range(min(plan.count, 4 * _BATCH))
    blocks = sum(1 + -(-len(data) // _BLOCK) for _, files in samples(plan, [numbers]) for data in files.values())
    return blocks * _BLOCK / len(numbers)


def _member(number: int, suffix: str) -> str:
    return f"{number:012d}.{suffix}"


def _png(picture: np.ndarray) -> bytes:
    data = io.BytesIO()
    # Images are mostly empty: run-length encoding is the fastest, and gives the smallest files among fast methods.
    Image.fromarray(picture).save(data, "PNG", compress_type=zlib.Z_RLE)
    return data.getvalue()


def _npy(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=False)
    return data.getvalue()
