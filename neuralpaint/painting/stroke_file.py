"""Stroke files: paintings as safetensors with a JSON header, validated when read."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors

from neuralpaint.brushes import Brush, TexturedBrush, get_brush
from neuralpaint.brushes.engine import engine_brush
from neuralpaint.utils.files import atomic_write, check_readable

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

FORMAT = "neuralpaint.painting"
VERSION = 1
_HEADER = "painting"  # a single key, because safetensors does not keep several in order


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
    if painting.brush.engine:
        held = [list(pair) for pair in painting.brush.held]
        header["engine_brush"] = {"kind": painting.brush.kind, "parameters": painting.brush.parameters, "held": held}
    tensors = {"strokes": painting.strokes.cpu()}
    if isinstance(painting.brush, TexturedBrush):
        tensors["texture.alpha"] = torch.from_numpy(painting.brush.alpha.copy())
        tensors["texture.ridge"] = torch.from_numpy(painting.brush.ridge.copy())
    try:
        text = json.dumps(header, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"metadata must be JSON-serializable: {error}") from error
    data = to_safetensors(tensors, metadata={_HEADER: text})
    with atomic_write(path) as file:
        file.write(data)


def read_painting(path: str | os.PathLike) -> dict[str, Any]:
    """Reads the arguments for `Painting` from a stroke file. Raises as `Painting.load`."""
    check_readable(path)
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            text = (file.metadata() or {}).get(_HEADER)
            if text is None:
                raise _not_ours(path, "it has no painting header")
            header = json.loads(text)
            _check_header(header, path)
            # Cloned, because they would otherwise stay memory-mapped to the file.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
    except PermissionError as error:
        raise ValueError(f"{path} cannot be read: permission denied") from error
    except (SafetensorError, OSError, RecursionError) as error:
        raise _not_ours(path, f"or it is truncated ({' '.join(str(error).split())})") from error
    except json.JSONDecodeError as error:
        raise _not_ours(path, "its header is damaged") from error
    try:
        strokes = tensors.pop("strokes", None)
        if strokes is None or strokes.dtype != torch.float32:
            raise ValueError("it has no float32 tensor 'strokes'")
        alpha, ridge = tensors.get("texture.alpha"), tensors.get("texture.ridge")
        if "engine_brush" in header:
            brush = _engine_brush(str(header["brush"]), header["engine_brush"])
        elif alpha is None or ridge is None:
            brush = get_brush(header["brush"])
        else:
            brush = TexturedBrush(name=str(header["brush"]), alpha=alpha.numpy(), ridge=ridge.numpy())
        fields: dict[str, Any] = {"strokes": strokes, "brush": brush}
        fields["background"] = header["canvas"]
        return fields | {name: header[name] for name in ("aspect", "size", "metadata")}
    except KeyError as error:
        raise ValueError(f"{path}: the header has no {error}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _engine_brush(name: str, spec: Any) -> Brush:
    """The brush of engine strokes, from the header of a stroke file."""
    try:
        kind, parameters = int(spec["kind"]), tuple(map(str, spec["parameters"]))
        held = tuple((int(index), float(value)) for index, value in spec["held"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("the engine brush in its header is damaged") from error
    if parameters[-1:] != ("a",):
        raise ValueError("its engine's brush has no opacity")
    return engine_brush(name, kind, parameters, held)


def _not_ours(path: str | os.PathLike, detail: str) -> ValueError:
    return ValueError(f"{path} is not a neuralpaint stroke file: {detail}".replace(": or ", ", or "))


def _check_header(header: Any, path: str | os.PathLike) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise _not_ours(path, "it has another format")
    version = header.get("version")
    if not isinstance(version, int) or version < 1:
        raise _not_ours(path, f"its version is {version!r}")
    if version > VERSION:
        raise ValueError(f"{path} has version {version}, this neuralpaint reads up to {VERSION}: update neuralpaint")
