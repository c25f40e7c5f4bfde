"""Stand-ins for packages that SNP imports and that may be missing. They hold only what it then calls; the rest raises.

Runs inside the subprocess, which has SNP's folder and nothing of ours on its path.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import numpy as np


class _Missing(ModuleType):
    """A module whose missing names are errors when called, not when imported."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"{self.__name__}.{name}: install {self.__name__.split('.')[0]}, the stand-in has no {name}"
        )


def _to_tensor(picture: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1)))


def _imsave(path: str, picture: np.ndarray, **_: Any) -> None:
    import cv2

    picture = np.asarray(picture)
    if picture.dtype != np.uint8:
        picture = (picture.clip(0, 1) * 255).astype(np.uint8)
    cv2.imwrite(path, np.ascontiguousarray(picture[..., ::-1]))


def _structural_similarity(*_: Any, **__: Any) -> float:
    raise NotImplementedError("install scikit-image for SSIM")


_NAMES: dict[str, dict[str, Any]] = {
    "torchvision": {},
    "torchvision.transforms": {},
    "torchvision.transforms.functional": {"to_tensor": _to_tensor},
    "torchvision.models": {},
    "torchvision.utils": {},
    "matplotlib": {},
    "matplotlib.pyplot": {"imsave": _imsave},
    "skimage": {},
    "skimage.metrics": {"structural_similarity": _structural_similarity},
}


def install() -> list[str]:
    """Puts a stand-in in the place of each package that is not installed; returns their names."""
    absent = [name for name in _NAMES if "." not in name and importlib.util.find_spec(name) is None]
    for name, contents in _NAMES.items():
        if name.split(".")[0] in absent:
            module = _Missing(name)
            module.__path__ = []  # type: ignore[attr-defined]  # a package: submodules can be imported
            module.__dict__.update(contents)
            sys.modules[name] = module
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], child, module)
    return absent
