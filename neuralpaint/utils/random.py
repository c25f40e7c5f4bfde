"""Generators whose numbers depend on a key alone."""

from __future__ import annotations

import numpy as np
import torch


def generator_of(*key: int) -> torch.Generator:
    """A generator whose numbers have nothing to do with those of any other key."""
    words = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))
