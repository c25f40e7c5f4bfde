"""Builds the extension neuralpaint._C: the CPU kernels always, the CUDA kernels where they can be built.

Environment variables:
    NEURALPAINT_CUDA      1 builds with CUDA or fails, 0 builds without; unset: with CUDA where it can be built
    NEURALPAINT_ARCH      -march= of the CPU code, such as x86-64-v3 for a portable wheel; empty: the compiler's
                          default; unset: this machine's
    TORCH_CUDA_ARCH_LIST  CUDA architectures (default: 8.0, 9.0 and PTX for newer ones)
    MAX_JOBS              compilations at a time
"""

import os
import platform
import sys
import sysconfig
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

import cuda_toolkit  # noqa: E402

try:
    import torch
except ModuleNotFoundError:
    sys.exit("neuralpaint: the build needs torch: `pip install torch` first, or leave out --no-build-isolation")

MACOS = sys.platform == "darwin"


def sources(*patterns):
    os.chdir(ROOT)
    return sorted(path.as_posix() for pattern in patterns for path in Path("csrc").glob(pattern))


def use_cuda():
    """Whether to build the CUDA kernels. Exits with what is missing if they are asked for and can't be built."""
    wish = os.environ.get("NEURALPAINT_CUDA", "")
    if wish not in ("", "0", "1"):
        sys.exit(f"neuralpaint: NEURALPAINT_CUDA is {wish!r}, but takes 0 or 1")
    if wish == "0":
        return False

    nvcc = cuda_toolkit.find_nvcc()
    missing = None
    if not torch.version.cuda:
        missing = f"torch {torch.__version__} is built without CUDA: install a CUDA build of torch"
    elif nvcc is None:
        missing = f"nvcc is not found: {cuda_toolkit.HOW_TO_GET_NVCC}"
    else:
        major, minor = cuda_toolkit.nvcc_version(nvcc)
        if major != int(torch.version.cuda.split(".")[0]):
            missing = f"nvcc {major}.{minor} does not fit torch, which is built with CUDA {torch.version.cuda}"
    if missing and wish == "1":
        sys.exit(f"neuralpaint: NEURALPAINT_CUDA=1, but {missing}")
    if missing:
        print(f"neuralpaint: no CUDA kernels: {missing}", file=sys.stderr)
        return False

    # torch derives the toolkit's folder from nvcc's path, which fails where nvcc is a wrapper script.
    os.environ.setdefault("CUDA_HOME", str(cuda_toolkit.toolkit_root(nvcc)))
    os.environ.setdefault("TORCH_CUDA_ARCH_LIST", "8.0;9.0+PTX")
    return True


def cpu_flags():
    # No -ffast-math: NaN checks must work. These two drop only errno and the floating-point exception flags.
    flags = ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fvisibility=hidden"]
    apple_silicon = MACOS and platform.machine() == "arm64"
    arch = os.environ.get("NEURALPAINT_ARCH")
    if arch is None:
        flags.append("-mcpu=native" if apple_silicon else "-march=native")
    elif arch:
        flags.append(f"-march={arch}")
    if MACOS:
        flags.append("-Wno-unknown-pragmas")
        os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")  # one architecture: these flags fit only one
    else:
        # At compile time only. Linking would name the system's OpenMP runtime; left open, the symbols bind to the
        # runtime that torch has loaded, so torch.set_num_threads holds for these kernels too.
        flags.append("-fopenmp")
    return flags


WITH_CUDA = use_cuda()

from torch.utils.cpp_extension import BuildExtension, CppExtension, CUDAExtension  # noqa: E402


class BuildInTree(BuildExtension):
    """Keeps object files under build/, so that every way to build (pip, editable or not) recompiles only changes."""

    def finalize_options(self):
        super().finalize_options()
        name = f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}-{'cuda' if WITH_CUDA else 'cpu'}"
        self.build_temp = str(ROOT / "build" / name)


def extension():
    cuda = sources("cuda/*.cu", "torch/cuda*.cpp")
    cpu = [path for path in sources("cpu/*.cpp", "torch/*.cpp") if path not in cuda]
    common = {"name": "neuralpaint._C", "include_dirs": [str(ROOT / "csrc")], "depends": sources("**/*.h", "**/*.cuh")}
    # No -std: torch adds the one that its headers need.
    if not WITH_CUDA:
        return CppExtension(sources=cpu, extra_compile_args={"cxx": cpu_flags()}, **common)
    # torch's own flags switch the operators of half and bfloat16 off.
    operators = [f"-U__CUDA_NO_{t}__" for t in ("HALF_OPERATORS", "HALF_CONVERSIONS", "HALF2_OPERATORS")]
    nvcc = [*cuda_toolkit.NVCC_FLAGS, *operators, "-U__CUDA_NO_BFLOAT16_CONVERSIONS__"]
    return CUDAExtension(
        sources=cpu + cuda,
        define_macros=[("WITH_CUDA", None)],
        extra_compile_args={"cxx": cpu_flags(), "nvcc": nvcc},
        **common,
    )


setup(ext_modules=[extension()], cmdclass={"build_ext": BuildInTree})
