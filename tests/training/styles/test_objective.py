import pytest
import torch

from neuralpaint.losses.features import VGG19Features
from neuralpaint.training.styles.objective import StyleObjective, StyleTable, roughness


@pytest.fixture(scope="module")
def features(vgg_file):
    return VGG19Features(vgg_file)


def paintings():
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(3, 40, 48, generator=generator) * shade for shade in (1.0, 0.4)]


@pytest.mark.parametrize("kind", ["gram", "covariance"])
def test_a_painting_has_no_style_loss_against_itself_and_some_against_another(features, kind):
    first, second = paintings()
    table = StyleTable(features, [first, second], kind=kind)
    losses = table(torch.stack([first, first, second]), torch.tensor([0, 1, 1]))
    assert losses[0] < 1e-6 and losses[2] < 1e-6
    assert losses[1] > 0.05


@pytest.mark.parametrize("kind", ["gram", "covariance"])
def test_a_photo_has_no_content_loss_against_itself(features, kind):
    first, second = paintings()
    objective = StyleObjective(StyleTable(features, [second], kind=kind))
    photo = first[None]
    content, style = objective(photo, photo, torch.tensor([0]))
    assert content.item() < 1e-6 and style.item() > 0.05
    content, style = objective(photo, second[None], torch.tensor([0]))
    assert content.item() > 0.01 and style.item() < 1e-6


def test_going_down_the_style_loss_brings_the_style(features):
    first, second = paintings()
    table = StyleTable(features, [second])
    picture, index = first[None].clone().requires_grad_(), torch.tensor([0])
    before = table(picture, index).item()
    optimizer = torch.optim.Adam([picture], 0.05)
    for _ in range(12):
        optimizer.zero_grad()
        table(picture, index).sum().backward()
        optimizer.step()
    assert table(picture, index).item() < 0.5 * before


def test_layers_that_are_not_there_are_an_error(features):
    with pytest.raises(ValueError, match="kind must be one of 'covariance', 'gram', got 'mean'"):
        StyleTable(features, paintings(), kind="mean")
    with pytest.raises(ValueError, match="layers"):
        StyleTable(features, paintings(), layers={1.0: (9,)})
    with pytest.raises(ValueError, match="layers"):
        StyleTable(features, paintings(), layers={1.0: ()})
    with pytest.raises(ValueError, match="paintings"):
        StyleTable(features, [])


def test_a_weave_is_rough_and_a_ramp_is_not():
    board = (torch.arange(8)[:, None] + torch.arange(6)) % 2
    ramp = torch.linspace(0, 1, 6).expand(8, 6)
    pictures = torch.stack([board.float(), ramp, torch.ones(8, 6)])[:, None].expand(-1, 3, -1, -1)
    torch.testing.assert_close(roughness(pictures), torch.tensor([2.0, 0.04, 0.0]))
