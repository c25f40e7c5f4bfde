"""Presets: the search method and how much work it does."""

from __future__ import annotations

from dataclasses import dataclass

from neuralpaint.utils.validation import check_positive, check_weight, check_whole, unknown_name


@dataclass(frozen=True)
class Preset:
    """Settings of a search.

    The "joint" method adds strokes coarse to fine and moves all of them together; "blocks" is the progressive search of
    SNP §3.3, block by block with the strokes of coarser grids frozen.

    Attributes:
        name: used in messages and files.
        method: "joint" or "blocks".
        stages: joint: number of coarse-to-fine levels; blocks: the finest grid is stages × stages.
        rounds: joint: number of rounds in which the strokes of a level are added.
        steps: gradient steps per level (joint), or per stroke of a block (blocks).
        reseeds: joint: how often the least important strokes are moved to where the error is large.
        refine: joint: steps of the refinement of all strokes.
        polish: joint: steps of the last refinement, at the photo's own resolution or up to 1.6 times that of `refine`.
        block_pixels: joint: working pixels along one finest block; blocks: pixels along every block.
        learning_rate: of the first step of a level; lengths in units of the level's block, other parameters in their
            own units.
        softness: joint: edge width in pixels at the start of a level; 1 at its end.
        l1, l2, transport: loss weights.
        prefix: joint: from the first reseed on, the weight of the loss of unfinished paintings: those of the first 10,
            25, 50 and 75 % of the strokes.

    Raises:
        TypeError, ValueError: a setting has the wrong type or is out of range; the message names it.
    """

    name: str
    method: str = "joint"
    stages: int = 5
    rounds: int = 2
    steps: int = 100
    reseeds: int = 0
    refine: int = 150
    polish: int = 0
    block_pixels: int = 40
    learning_rate: float = 0.04
    softness: float = 2.0
    l1: float = 0.0
    l2: float = 1.0
    transport: float = 0.0
    prefix: float = 0.05

    def __post_init__(self) -> None:
        if self.method not in ("joint", "blocks"):
            raise ValueError(f"method must be 'joint' or 'blocks', got {self.method!r}")
        for name, low in (
            ("stages", 1),
            ("rounds", 1),
            ("steps", 1),
            ("block_pixels", 1),
            ("reseeds", 0),
            ("refine", 0),
            ("polish", 0),
        ):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), low))
        for name in ("learning_rate", "softness"):
            check_positive(name, getattr(self, name))
        for name in ("l1", "l2", "transport", "prefix"):
            check_weight(name, getattr(self, name))


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("fast", stages=4, rounds=1, steps=30, reseeds=8, refine=50, polish=20, block_pixels=36),
        Preset("balanced", stages=4, rounds=1, steps=36, reseeds=14, refine=70, polish=50),
        Preset("best", stages=5, rounds=1, steps=80, reseeds=40, refine=200, polish=150, block_pixels=56),
        # SNP §4.1: 128² blocks, 20 steps per stroke, RMSprop with rate 0.01, β_ℓ1 = 1, β_ot = 0.1.
        Preset(
            "paper",
            method="blocks",
            steps=20,
            refine=0,
            block_pixels=128,
            learning_rate=0.01,
            softness=1.0,
            l1=1.0,
            l2=0.0,
            transport=0.1,
        ),
    )
}


def get_preset(preset: str | Preset) -> Preset:
    """Looks up a preset by name; a `Preset` is returned unchanged.

    Raises:
        ValueError: if the name is unknown.
        TypeError: if it is neither a name nor a `Preset`.
    """
    if isinstance(preset, Preset):
        return preset
    if not isinstance(preset, str):
        raise TypeError(f"preset must be a name or a Preset, got {type(preset).__name__}")
    if preset not in PRESETS:
        raise ValueError(unknown_name("preset", preset, list(PRESETS)))
    return PRESETS[preset]
