"""Old paths of modules: they work until version 0.3, with a DeprecationWarning that says where the names are now."""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
import warnings

# A command imports this before it can take care of Ctrl-C, so typing and importlib.abc stay out: they take 20 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader, MetaPathFinder
    from typing import Any

    class _Finder(MetaPathFinder, Loader):
        pass

else:
    _Finder = object

# Old module: where its names are now.
MOVED: dict[str, tuple[str, ...]] = {
    "benchmark": ("roofline",),
    "benchmark.cases": ("roofline.cases",),
    "benchmark.limits": ("roofline.limits",),
    "benchmark.machine": ("utils.machine",),
    "benchmark.run": ("roofline.run",),
    "benchmark.timing": ("roofline.timing",),
    "benchmark.work": ("roofline.work",),
    "brushes.brush": ("brushes.base", "brushes.registry", "brushes"),
    "checks": ("utils.validation",),
    "data.measure": ("roofline.dataset",),
    "data.tar": ("data.webdataset",),
    "data.write": ("data.writer",),
    "devices": ("utils.device",),
    "extension": ("_extension",),
    "features": ("losses.features",),
    "features.base": ("losses.features.base",),
    "features.efficientnet": ("losses.features.efficientnet",),
    "features.gram": ("losses.features.gram",),
    "features.vgg": ("losses.features.vgg",),
    "files": ("utils.files",),
    "largeimage": ("images.streaming",),
    "memory": ("utils.memory",),
    "modelfiles": ("utils.model_files",),
    "ops.reference_composite": ("ops.reference",),
    "ops.reference_sinkhorn": ("ops.reference",),
    "pages": ("utils.page_cache",),
    "pooling": ("images.resample",),
    "profiling": ("utils.profiling",),
    "renderers.baselines": ("renderers.networks.baselines",),
    "renderers.coordinate": ("renderers.networks.coordinate",),
    "renderers.dual_pathway": ("renderers.networks.dual_pathway",),
    "renderers.geometry": ("brushes.geometry",),
    "renderers.network": ("renderers.networks.base", "renderers.networks.registry"),
    "search.descent": ("search.optim.descent",),
    "search.initial": ("search.seeding", "images.resample"),
    "search.large": ("search.memory", "search.problem"),
    "search.optimize": ("search.optim.adam",),
    "search.parts": ("search.regions", "search.problem"),
    "search.progress": ("search.runner",),
    "search.ranges": ("search.optim.limits",),
    "search.replay": ("search.optim.cuda_graph",),
    "search.windows": ("search.windowed", "search.regions"),
    "strokes": ("painting.painting", "painting.stroke_file"),
    "styles.add": ("training.styles.add",),
    "styles.loss": ("training.styles.objective",),
    "styles.paintings": ("training.styles.dataset",),
    "styles.report": ("training.styles.report",),
    "styles.settings": ("training.styles.settings",),
    "styles.train": ("training.styles.trainer",),
    "training.metrics": ("training.renderers.metrics",),
    "training.pictures": ("training.renderers.pictures",),
    "training.report": ("training.renderers.report", "utils.machine"),
    "training.schedule": ("training.renderers.settings",),
    "training.source": ("training.renderers.source", "utils.random"),
    "training.trainer": ("training.renderers.trainer",),
    "workers": ("parallel",),
    "workers.base": ("parallel.base",),
    "workers.cluster": ("parallel.ray",),
    "workers.processes": ("parallel.processes", "utils.machine"),
}
_PREFIX = "neuralpaint."


class _MovedModule(types.ModuleType):
    """Looks its names up where they are now."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):
            for home in MOVED[self.__name__.removeprefix(_PREFIX)]:
                module = importlib.import_module(_PREFIX + home)
                if hasattr(module, name):
                    return getattr(module, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


class MovedFinder(_Finder):
    """Finds the old paths, after all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        old = fullname.removeprefix(_PREFIX)
        if old == fullname or old not in MOVED:
            return None
        package = any(other.startswith(f"{old}.") for other in MOVED)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _MovedModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        homes = " and ".join(_PREFIX + home for home in MOVED[module.__name__.removeprefix(_PREFIX)])
        # The level of the importing code differs from one Python to the next: the message names the module.
        warnings.warn(f"{module.__name__} has moved to {homes}", DeprecationWarning, stacklevel=2)


def install() -> None:
    """Makes the old paths importable."""
    if not any(isinstance(finder, MovedFinder) for finder in sys.meta_path):
        sys.meta_path.append(MovedFinder())
