"""Weights in the layout of VGG-19's, random: what a loss does with features can be tested without the real ones."""

import torch
from safetensors.torch import save_file

_LAYERS = ((0, 64), (2, 64), (5, 128), (7, 128), (10, 256))


def save_vgg(path, convolutions=5, seed=0):
    """Writes the first convolutions; returns the path."""
    generator = torch.Generator().manual_seed(seed)
    state, before = {}, 3
    for index, width in _LAYERS[:convolutions]:
        deviation = (2 / (9 * before)) ** 0.5
        state[f"features.{index}.weight"] = torch.randn(width, before, 3, 3, generator=generator) * deviation
        state[f"features.{index}.bias"] = 0.1 * torch.randn(width, generator=generator)
        before = width
    save_file(state, path)
    return path
