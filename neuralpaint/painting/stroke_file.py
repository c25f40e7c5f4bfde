"""Stroke files: paintings as safetensors with a JSON header, validated when read."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import save as to_safetensors

from neuralpaint.brushes import TexturedBrush, get_brush
from neuralpaint.brushes.described import described_brush
from neuralpaint.painting.finish import Finish
from neuralpaint.utils import schema
from neuralpaint.utils.checksums import check_checksum, with_checksum
from neuralpaint.utils.files import atomic_write, check_readable
from neuralpaint.utils.loading import BadFile, parse_json, reading, reason
from neuralpaint.utils.validation import MAX_SIZE

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

FORMAT = "neuralpaint.painting"
VERSION = 1
_HEADER = "painting"  # a single key, because safetensors does not keep several in order
_TENSORS = ("strokes", "texture.alpha", "texture.ridge")
# The fields of files that hold no checksum.
_OLDER = ("format", "version", "brush", "aspect", "canvas", "size", "metadata", "engine_brush")
_CHECK = schema.fields(
    {
        "brush": schema.text(),
        "aspect": schema.listed(schema.number(0, 1e6), 2, 2),
        "canvas": schema.either(schema.text(), schema.listed(schema.number(0, 1), 3, 3)),
        "size": schema.whole(1, MAX_SIZE),
        "metadata": schema.items,
    }
)


def write_painting(painting: Painting, path: str | os.PathLike) -> None:
    """Writes a stroke file: see `Painting.save`."""
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "brush": painting.brush.name,
        "aspect": painting.aspect,
        "canvas": painting.background,
        "size": painting.size,
        "metadata": painting.metadata,
    }
    if painting.finish != Finish():
        header["finish"] = painting.finish.as_dict()
    if painting.brush.engine:
        held = [list(pair) for pair in painting.brush.held]
        header["engine_brush"] = {"kind": painting.brush.kind, "parameters": painting.brush.parameters, "held": held}
    tensors = {"strokes": painting.strokes.cpu()}
    if painting.alpha is not None:
        tensors["alpha"] = painting.alpha
    if isinstance(painting.brush, TexturedBrush):
        tensors["texture.alpha"] = torch.from_numpy(painting.brush.alpha.copy())
        tensors["texture.ridge"] = torch.from_numpy(painting.brush.ridge.copy())
    try:
        facts = json.loads(json.dumps(header, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"metadata must be JSON-serializable: {error}") from error
    data = to_safetensors(tensors, {_HEADER: json.dumps(with_checksum(facts, tensors), sort_keys=True)})
    with atomic_write(path) as file:
        file.write(data)


def read_painting(path: str | os.PathLike) -> dict[str, Any]:
    """Reads the arguments for `Painting` from a stroke file. Raises as `Painting.load`."""
    check_readable(path)
    with reading(path, "is not a neuralpaint stroke file, or it is truncated"):
        with safe_open(os.fspath(path), framework="pt") as file:
            text = (file.metadata() or {}).get(_HEADER)
            if text is None:
                raise _not_ours(path, "it has no painting header")
            header = _parsed(text, path)
            _check_header(header, path)
            # Cloned, because they would otherwise stay memory-mapped to the file.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (not a mapping)
    with reading(path, "is damaged"):
        check_checksum(header, tensors, _OLDER)
    try:
        _CHECK(header, "")
        finish = Finish.from_dict(header["finish"]) if "finish" in header else Finish()
        strokes, alpha, ridge = (tensors.get(name) for name in _TENSORS)
        if strokes is None or strokes.dtype != torch.float32:
            raise ValueError("it has no float32 tensor 'strokes'")
        if "engine_brush" in header:
            brush = described_brush(header["brush"], header["engine_brush"])
            if not brush.engine:
                raise ValueError(f"brush {brush.name!r} in its header is not an engine's")
        elif alpha is None or ridge is None:
            brush = get_brush(header["brush"])
        elif alpha.dtype != torch.uint8 or ridge.dtype != torch.uint8:
            raise ValueError("the texture of its brush is not uint8")
        else:
            brush = TexturedBrush(name=header["brush"], alpha=alpha.numpy(), ridge=ridge.numpy())
    except ValueError as error:
        raise BadFile(f"{path}: {error}") from error
    fields: dict[str, Any] = {"strokes": strokes, "brush": brush, "background": header["canvas"], "finish": finish}
    fields["alpha"] = tensors.get("alpha")
    return fields | {name: header[name] for name in ("aspect", "size", "metadata")}


def _parsed(text: str, path: str | os.PathLike) -> Any:
    try:
        return parse_json(text)
    except (ValueError, RecursionError) as error:
        raise _not_ours(path, f"its header is damaged: {reason(error)}") from error


def _not_ours(path: str | os.PathLike, detail: str) -> BadFile:
    return BadFile(f"{path} is not a neuralpaint stroke file: {detail}")


def _check_header(header: Any, path: str | os.PathLike) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise _not_ours(path, "it has another format")
    version = header.get("version")
    if not isinstance(version, int) or version < 1:
        raise _not_ours(path, f"its version is {schema.shown(version)}")
    if version > VERSION:
        raise BadFile(
            f"{path} has version {schema.shown(version)}, this neuralpaint reads up to {VERSION}: update neuralpaint"
        )
