"""Random generators seeded by keys."""

from __future__ import annotations

import numpy as np
import torch


def generator_of(*key: int) -> torch.Generator:
    """A generator seeded by `key`; different keys give independent numbers."""
    words = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator("cpu").manual_seed(int(words[0] >> np.uint64(1)))
