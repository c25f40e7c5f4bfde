import pytest


@pytest.fixture
def noise(tmp_path):
    """Makes pictures of noise of these names, in a folder of their own."""
    from PIL import Image

    def make(folder, names):
        (tmp_path / folder).mkdir()
        paths = []
        for k, name in enumerate(names):
            paths.append(tmp_path / folder / f"{name}.png")
            Image.effect_noise((64, 64), 40 + 9 * k).convert("RGB").save(paths[-1])
        return sorted(paths)

    return make
