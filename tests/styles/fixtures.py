import pytest
import torch
from torch import nn

from neuralpaint.images.io import save_image, to_pil


def picture(kind, size=(40, 56)):
    """Waves of colour, different for each kind."""
    generator = torch.Generator().manual_seed(kind)
    coarse = torch.rand(1, 3, 5, 7, generator=generator)
    return nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 1)[0]


@pytest.fixture
def fill():
    """Creates a folder of images with these names."""

    def call(folder, names, size=(40, 56)):
        folder.mkdir()
        for kind, name in enumerate(names):
            save_image(to_pil(picture(kind, size)), folder / f"{name}.png")
        return folder

    return call


@pytest.fixture
def photos(fill, tmp_path):
    return fill(tmp_path / "photos", [f"photo{k:02d}" for k in range(12)])


@pytest.fixture
def paintings(fill, tmp_path):
    return fill(tmp_path / "paintings", ["Green Lilies", "red_house"])


@pytest.fixture
def folder(tmp_path):
    """An untrained style network."""
    from neuralpaint.styles import StyleNetwork
    from neuralpaint.styles.pretrained import save_style_network

    torch.manual_seed(0)
    network = StyleNetwork(["sea", "rose", "straw", "night"], "light")
    for norm in network.norms():
        nn.init.normal_(norm.gamma, 1, 0.3)
        nn.init.normal_(norm.beta, 0, 0.3)
    save_style_network(network, tmp_path / "net", training={"steps": 16})
    return tmp_path / "net"
