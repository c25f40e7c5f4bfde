"""The registry of exporters: which file a painting is written to by which function, by the suffix of the file."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.painting.exporters.settings import OutputSettings

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting


@dataclass(frozen=True)
class Exporter:
    """Writes paintings to one kind of file. Its code is imported on first use.

    Attributes:
        kind: its name, and the field of `OutputSettings` that holds its settings.
        suffixes: of its files, lower case, with the dot. One of two parts, such as .anim.webp, goes before .webp.
        writer: "module:function", called with the painting, the path and the settings; `painting.size` is the size to
            draw at. It writes the file whole or not at all, and raises ValueError or WriteError of one line.
        checker: "module:function", called with the path, height and width in pixels and the settings before anything is
            painted; raises ValueError if such a file cannot be written. It must not import torch.
        library: module of an optional library that it needs, and `extra`, the extra of the package that installs it.
        reports: whether its writer takes a callback as a fourth argument, for (done, total) of its work.
        engines: whether it can write paintings whose strokes an engine draws.
    """

    kind: str
    suffixes: tuple[str, ...]
    writer: str
    checker: str = ""
    library: str = ""
    extra: str = ""
    reports: bool = False
    engines: bool = False

    def write(
        self,
        painting: Painting,
        path: str | os.PathLike,
        settings: OutputSettings,
        callback: Callable[[int, int], None] | None = None,
    ) -> Any:
        """Writes a painting, drawn at `painting.size`, and calls `callback` with (done, total) meanwhile if the writer
        `reports`. Returns what the writer tells about the file."""
        more = (callback,) if self.reports else ()
        return _function(self.writer)(painting, path, getattr(settings, self.kind, None), *more)

    def check(self, path: str | os.PathLike, height: int, width: int, settings: OutputSettings) -> None:
        """Raises ValueError if a painting of that size in pixels cannot be written."""
        if self.checker:
            _function(self.checker)(path, height, width, getattr(settings, self.kind, None))

    def check_library(self, path: str | os.PathLike) -> None:
        """Raises ValueError, naming the extra, if the library that it needs is not installed."""
        if not self.library:
            return
        try:
            importlib.import_module(self.library)
        except (ImportError, OSError) as error:  # OSError: a shared library of it is missing
            reason = " ".join(str(error).split())
            raise ValueError(
                f"{path} needs the package {self.library}: pip install 'neuralpaint[{self.extra}]' ({reason})"
            ) from None


_EXPORTERS: dict[str, Exporter] = {}


def register(exporter: Exporter) -> Exporter:
    """Makes the exporter the one for its suffixes. Returns it."""
    for suffix in exporter.suffixes:
        if suffix in _EXPORTERS:
            raise ValueError(f"there is an exporter for {suffix} already")
        _EXPORTERS[suffix] = exporter
    return exporter


def export_suffixes(engines: bool = False) -> tuple[str, ...]:
    """All suffixes that a painting can be written to; with `engines`, also if an engine draws its strokes."""
    return tuple(suffix for suffix, exporter in _EXPORTERS.items() if exporter.engines or not engines)


def export_suffix(path: str | os.PathLike) -> str:
    """The suffix that decides the exporter of a path, lower case: of two parts if there is an exporter for both. Empty
    if there is none."""
    parts = [part.lower() for part in Path(path).suffixes]
    return next((suffix for suffix in ("".join(parts[-2:]), "".join(parts[-1:])) if suffix in _EXPORTERS), "")


def find_exporter(path: str | os.PathLike) -> Exporter:
    """The exporter for the suffix of a path.

    Raises:
        ValueError: there is none for it, or the optional library that it needs is not installed.
    """
    suffix = export_suffix(path)
    if not suffix:
        given = f"the suffix {Path(path).suffix!r}" if Path(path).suffix else "no suffix"
        raise ValueError(f"cannot write to {path}: {given}; use one of {' '.join(_EXPORTERS)}")
    exporter = _EXPORTERS[suffix]
    exporter.check_library(path)
    return exporter


def check_distinct(paths: Sequence[Path]) -> None:
    """Raises ValueError if two of the paths are one file."""
    seen: dict[str, Path] = {}
    for path in paths:
        name = os.path.realpath(path)
        if name in seen:
            raise ValueError(f"{path} is given twice: each output needs a file of its own")
        seen[name] = path


def _function(address: str) -> Callable[..., Any]:
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)
