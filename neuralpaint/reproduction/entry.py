"""What can be reproduced: an `Entry` for each figure, what its code gets, and what it gives back."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.utils.validation import unknown_name

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from neuralpaint.losses.features import Features

SCALES = ("small", "paper")
"""Minutes on two cores, or the sizes of the paper, for a GPU."""

PAPERS = {
    "snp": "Zou et al., Stylized Neural Painting, CVPR 2021",
    "styles": "Dumoulin et al., A Learned Representation for Artistic Style, ICLR 2017",
}
"""The papers by the names that the command line has for them."""


def _no_progress(stage: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Request:
    """What the code of an entry gets.

    Attributes:
        scale: one of `SCALES`.
        device: where to compute.
        photos: files of photos, sorted by name; for entries that need them.
        styles: files of paintings, sorted by name; for entries that need them.
        features: the network that styles are compared by; for entries that need it.
        progress: called with a stage, and how much of it is done, of how much.
    """

    scale: str
    device: torch.device
    photos: Sequence[Path] = ()
    styles: Sequence[Path] = ()
    features: Features | None = None
    progress: Callable[[str, int, int], None] = _no_progress


@dataclass(frozen=True)
class Outcome:
    """What the code of an entry gives back.

    Attributes:
        picture: the figure.
        finding: one sentence: what we found.
        agrees: whether that is what the paper says.
        rows: the table of the figure's numbers, the same columns in each row.
        curves: the curves that are drawn, by name.
        settings: what the numbers depend on.
    """

    picture: Image.Image
    finding: str
    agrees: bool
    rows: Sequence[Mapping[str, str | float]]
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A figure of a paper that can be reproduced.

    Attributes:
        paper: one of `PAPERS`.
        figures: the figures of the paper that it stands for.
        title: a line.
        claim: one sentence, in our words: what the paper says.
        code: "module:function" of a function of a `Request` that returns an `Outcome`; imported when it is run.
        needs: which of a request's "photos", "styles" and "features" it uses.
    """

    paper: str
    figures: tuple[int, ...]
    title: str
    claim: str
    code: str
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The stem of its files, such as "snp-figure-7"."""
        return f"{self.paper}-figure-{self.figures[0]}"

    @property
    def label(self) -> str:
        """Such as "snp, figures 4 and 5"."""
        plural = "s" if len(self.figures) > 1 else ""
        return f"{self.paper}, figure{plural} {' and '.join(map(str, self.figures))}"

    def run(self, request: Request) -> Outcome:
        """Computes the figure. ValueError if the request lacks what it needs, or a file cannot be used."""
        for need in self.needs:
            if not getattr(request, need):
                raise ValueError(f"{self.label} needs {need}: give them in the request")
        module, function = self.code.split(":")
        return getattr(importlib.import_module(module), function)(request)


def choose(
    entries: Sequence[Entry], figures: Sequence[int] = (), paper: str | None = None, everything: bool = False
) -> list[Entry]:
    """The entries of these figures, of this paper, or all.

    Raises:
        ValueError: the paper is unknown, a figure cannot be reproduced, or nothing is chosen.
    """
    if paper is not None and paper not in PAPERS:
        raise ValueError(unknown_name("paper", paper, list(PAPERS)))
    if not figures and paper is None and not everything:
        raise ValueError("choose what to reproduce: --figure N, --paper NAME or --all (--list shows what there is)")
    if everything and (figures or paper is not None):
        raise ValueError("--all does not go with --figure or --paper: leave it out")
    of_paper = [entry for entry in entries if paper in (None, entry.paper)]
    known = sorted({figure for entry in of_paper for figure in entry.figures})
    for figure in figures:
        if figure not in known:
            of = f" of {paper}" if paper else ""
            raise ValueError(
                f"--figure {figure}{of} cannot be reproduced: choose from {', '.join(map(str, known))} "
                "(--list says what they are)"
            )
    return [entry for entry in of_paper if not figures or set(figures) & set(entry.figures)]
