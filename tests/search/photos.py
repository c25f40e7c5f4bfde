"""Small photos and presets for fast searches."""

import torch

from neuralpaint.search import Preset

NAMES = ["oil", "watercolor", "marker", "tape", "pixel", "round", "flat"]

# All that a joint search does (levels, portions, reseeds, refinement), in few and small steps.
JOINT = Preset("small joint", stages=3, rounds=2, steps=12, reseeds=1, refine=12, block_pixels=16)
BLOCKS = Preset(
    "small blocks", method="blocks", stages=3, steps=5, block_pixels=24, learning_rate=0.01, l1=1, l2=0, transport=0.1
)
METHODS = [JOINT, BLOCKS]


def grid(height, width):
    """Pixel centres in units: (y, x), each `[height, width]`."""
    shorter = min(height, width)
    y, x = (torch.arange(side).add(0.5) / shorter for side in (height, width))
    return torch.meshgrid(y, x, indexing="ij")


def disc_photo(height=48, width=48):
    """`[3, height, width]`: an orange disc with a clean edge on a smooth gradient."""
    y, x = grid(height, width)
    tall, wide = height / min(height, width), width / min(height, width)
    ground = torch.stack([0.2 + 0.6 * x / wide, 0.3 + 0.5 * y / tall, 0.7 - 0.4 * x / wide])
    distance = torch.hypot(x - 0.6 * wide, y - 0.4 * tall)
    matte = torch.sigmoid((0.22 - distance) * min(height, width))
    return ground * (1 - matte) + matte * torch.tensor([0.9, 0.5, 0.1]).view(3, 1, 1)


def stripes(size=48, count=4):
    """`[3, size, size]`: vertical stripes, dark and light."""
    _, x = grid(size, size)
    light = ((x * count * 2).long() % 2).float()
    return torch.stack([0.1 + 0.8 * light, 0.2 + 0.5 * light, 0.4 - 0.2 * light])


def waves(size, seed):
    """`[3, size, size]`: one smooth wave per channel, with random direction and phase."""
    generator = torch.Generator().manual_seed(seed)
    y, x = grid(size, size)
    angles, phases = 2 * torch.pi * torch.rand(2, 3, 1, 1, generator=generator)
    return 0.5 + 0.4 * torch.sin(5 * (x * angles.cos() + y * angles.sin()) + phases)


def saved(painting, folder):
    """The bytes of the stroke file of a painting."""
    painting.save(folder / "painting.safetensors")
    return (folder / "painting.safetensors").read_bytes()
