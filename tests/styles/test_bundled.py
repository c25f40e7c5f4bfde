import pytest
import torch

from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.utils.model_files import BUNDLED


@pytest.mark.parametrize("name, least", [("light", 20), ("paper", 11)])
def test_a_bundled_network_has_many_painters(name, least):
    network = load_style_network(name)
    painters = {"-".join(style.split("-")[: 2 if style.startswith("van-") else 1]) for style in network.names}
    assert len(painters) >= least and sum(style.startswith("monet-") for style in network.names) <= 8
    assert (BUNDLED / f"styles-{name}" / "model.safetensors").stat().st_size <= 8 << 20
    y, x = torch.meshgrid(torch.linspace(0, 1, 48), torch.linspace(0, 1, 64), indexing="ij")
    photo = torch.stack([x, 0.5 * y, 1 - x])[None]
    with torch.no_grad():
        pictures = network(photo, torch.eye(len(network.names)))
    means = pictures.mean((2, 3))
    assert torch.pdist(means).min() > 0.005  # no two styles have quite the same colours
    assert pictures.flatten(1).std(1).min() > 0.02


def test_every_style_has_a_thumbnail_that_may_be_shown():
    names = set(load_style_network("light").names)
    have = {file.stem for file in (BUNDLED / "styles-light" / "thumbnails").iterdir()}
    assert have == names
