"""Random generators of their own: the global one belongs to the host program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode


def generator_of(*key: int) -> torch.Generator:
    """A generator seeded by `key`; different keys give independent numbers."""
    words = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator("cpu").manual_seed(int(words[0] >> np.uint64(1)))


class OwnRandom(TorchDispatchMode):
    """A context in which random numbers on the CPU, as of `torch.nn.init`, come from a generator of its own.

    They are those that follow `torch.manual_seed(seed)`. Only for this thread; the global generator stays as it is.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.generator = torch.Generator("cpu").manual_seed(seed)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded in func.tags and named.get("generator") is None:
            named["generator"] = self.generator
            if all(argument.name != "generator" for argument in func._schema.arguments):
                own = "generator" if func._overloadname == "default" else f"{func._overloadname}_generator"
                func = getattr(func.overloadpacket, own)  # rand, randint and the like have another overload for it
        return func(*args, **named)
