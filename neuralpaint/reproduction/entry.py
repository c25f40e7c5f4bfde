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
        content: files of photos to train on; for entries that need them.
        features: the network that styles are compared by; for entries that need it.
        updates: training steps, instead of those of the scale; None for those.
        renderers: a folder of renderers that `train-renderer` has made, BRUSH-NETWORK each, to show instead of training
            some; None to train them.
        work: where trainings are kept, and continued if they are there; None for a folder that is removed.
        progress: called with a stage, and how much of it is done, of how much.
    """

    scale: str
    device: torch.device
    photos: Sequence[Path] = ()
    styles: Sequence[Path] = ()
    content: Sequence[Path] = ()
    features: Features | None = None
    updates: int | None = None
    renderers: Path | None = None
    work: Path | None = None
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
    """A figure or table of a paper that can be reproduced.

    Attributes:
        paper: one of `PAPERS`.
        figures: the figures of the paper that it stands for.
        title: a line.
        claim: one sentence, in our words: what the paper says.
        code: "module:function" of a function of a `Request` that returns an `Outcome`; imported when it is run.
        needs: which of a request's "photos", "styles", "content" and "features" it uses.
        tables: the tables of the paper that it stands for.
        note: a sentence on what it is that is reproduced, where the paper itself was not at hand.
    """

    paper: str
    figures: tuple[int, ...]
    title: str
    claim: str
    code: str
    needs: tuple[str, ...] = ()
    tables: tuple[int, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        """The stem of its files, such as "snp-figure-7"."""
        return f"{self.paper}-figure-{self.figures[0]}"

    @property
    def label(self) -> str:
        """Such as "snp, figures 4 and 5"."""
        return f"{self.paper}, {called(self.figures, self.tables)}"

    def run(self, request: Request) -> Outcome:
        """Computes the figure. ValueError if the request lacks what it needs, or a file cannot be used."""
        for need in self.needs:
            if not getattr(request, need):
                raise ValueError(f"{self.label} needs {need}: give them in the request")
        module, function = self.code.split(":")
        return getattr(importlib.import_module(module), function)(request)


def called(figures: Sequence[int], tables: Sequence[int] = ()) -> str:
    """Such as "table 1, figures 13 and 14"."""
    parts = []
    for what, numbers in (("table", tables), ("figure", figures)):
        if numbers:
            parts.append(f"{what}{'s' if len(numbers) > 1 else ''} {' and '.join(map(str, numbers))}")
    return ", ".join(parts)


def choose(
    entries: Sequence[Entry],
    figures: Sequence[int] = (),
    paper: str | None = None,
    everything: bool = False,
    tables: Sequence[int] = (),
) -> list[Entry]:
    """The entries of these figures and tables, of this paper, or all.

    Raises:
        ValueError: the paper is unknown, a figure or table cannot be reproduced, or nothing is chosen.
    """
    if paper is not None and paper not in PAPERS:
        raise ValueError(unknown_name("paper", paper, list(PAPERS)))
    if not figures and not tables and paper is None and not everything:
        raise ValueError(
            "choose what to reproduce: --figure N, --table N, --paper NAME or --all (--list shows what there is)"
        )
    if everything and (figures or tables or paper is not None):
        raise ValueError("--all does not go with --figure, --table or --paper: leave it out")
    of_paper = [entry for entry in entries if paper in (None, entry.paper)]
    for option, wanted in (("figure", figures), ("table", tables)):
        known = sorted({number for entry in of_paper for number in getattr(entry, f"{option}s")})
        for number in wanted:
            if number not in known:
                of = f" of {paper}" if paper else ""
                raise ValueError(
                    f"--{option} {number}{of} cannot be reproduced: choose from "
                    f"{', '.join(map(str, known)) or 'the figures'} (--list says what they are)"
                )
    if not figures and not tables:
        return of_paper
    return [entry for entry in of_paper if set(figures) & set(entry.figures) or set(tables) & set(entry.tables)]
