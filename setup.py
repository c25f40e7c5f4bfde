"""Builds neuralpaint's native code: the libraries of kernels, by CMake, and the small module neuralpaint._C.

The libraries lie in neuralpaint/lib, one for each level of processor; Python opens the best that its processor can run
(neuralpaint/_extension.py). They keep to LibTorch's stable ABI: one build serves every torch from 2.10 on.

Environment variables:
    NEURALPAINT_ARCH      levels to build, such as "x86-64-v2,x86-64-v3"; "native": for this machine alone; unset: all
    NEURALPAINT_CUDA      1 builds the CUDA library or fails, 0 leaves it out; unset: builds it if torch has CUDA and a
                          fitting nvcc is found
    TORCH_CUDA_ARCH_LIST  CUDA architectures (default: 8.0, 9.0 and PTX for newer ones)
    CXX                   the C++ compiler: GCC 11 or Clang 14, or newer
    MAX_JOBS              compilations at a time
    NEURALPAINT_BUILD     CMake's folder (default: build/kernels-, the platform, the compiler, cpu or cuda)
"""

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

import cuda_toolkit  # noqa: E402

OLDEST_TORCH = (2, 10)
LEVELS = {"x86_64": ["x86-64-v2", "x86-64-v3", "x86-64-v4"], "aarch64": ["aarch64"]}


def fail(message):
    sys.exit(f"neuralpaint: {message}")


def torch_folder():
    """The installed torch, whose headers and library the build needs. It is not imported, which takes seconds."""
    found = importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        fail("the build needs torch: `pip install torch` first, or leave out --no-build-isolation")
    version = importlib.metadata.version("torch")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_TORCH:
        fail(f"the build needs torch {OLDEST_TORCH[0]}.{OLDEST_TORCH[1]} or newer, but {version} is installed")
    return Path(next(iter(found.submodule_search_locations))), version


def machine():
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())


def levels():
    every = LEVELS.get(machine(), ["generic"])
    wish = os.environ.get("NEURALPAINT_ARCH", "").replace(",", " ").split()
    for level in wish:
        if level not in [*every, "native"]:
            fail(f"NEURALPAINT_ARCH has {level!r}, but takes {', '.join(every)} or native on this machine")
    return wish or every


def compiler():
    return os.environ.get("CXX") or "c++"


def compiler_version():
    try:
        text = subprocess.run([*compiler().split(), "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"no C++ compiler: {error}; install GCC 11 or Clang 14, or set CXX")
    return text.splitlines()[0].replace('"', "")


def native_features():
    """What `native` code may use, by the compiler's own macros. The import checks them (csrc/python/processor.cpp)."""
    known = set(re.findall(r'\{"(\w+)",', (ROOT / "csrc/python/processor.cpp").read_text()))
    flag = "-mcpu=native" if machine() == "aarch64" else "-march=native"
    command = [*compiler().split(), flag, "-dM", "-E", "-x", "c++", os.devnull]
    macros = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted(known & {name.strip("_") for name in re.findall(r"#define (\w+)", macros)})


def cuda_reason(torch):
    """Why the CUDA library is not built; "" if it is. Exits with what is missing if it is asked for."""
    wish = os.environ.get("NEURALPAINT_CUDA", "")
    if wish not in ("", "0", "1"):
        fail(f"NEURALPAINT_CUDA is {wish!r}, but takes 0 or 1")
    if wish == "0":
        return "it was built with NEURALPAINT_CUDA=0"
    nvcc = cuda_toolkit.find_nvcc()
    found = re.search(r"^cuda\b.*= '(\d+)", (torch / "version.py").read_text(), re.MULTILINE)
    if nvcc is None:
        missing = f"nvcc was not found when it was built: {cuda_toolkit.HOW_TO_GET_NVCC}"
    elif wish == "1":
        return ""
    elif found is None:
        missing = "it was built with a torch that has no CUDA"
    elif int(found[1]) != cuda_toolkit.nvcc_version(nvcc)[0]:
        missing = f"nvcc is of CUDA {cuda_toolkit.nvcc_version(nvcc)[0]}, but torch of CUDA {found[1]}"
    else:
        return ""
    if wish == "1":
        fail(f"NEURALPAINT_CUDA=1, but {missing}")
    return missing


def cuda_architectures():
    """CMake's list of what TORCH_CUDA_ARCH_LIST names, such as 80-real;90 for "8.0;9.0+PTX"."""
    wish = os.environ.get("TORCH_CUDA_ARCH_LIST", "8.0;9.0+PTX").replace(",", " ").replace(";", " ").split()
    names = [re.fullmatch(r"(\d+)\.(\d+)([af]?)(\+PTX)?", name) for name in wish]
    if not names or None in names:
        fail("TORCH_CUDA_ARCH_LIST takes compute capabilities, such as 8.0;9.0+PTX")
    return ";".join(f"{n[1]}{n[2]}{n[3]}{'' if n[4] else '-real'}" for n in names)


TORCH, TORCH_VERSION = torch_folder()
NO_CUDA = cuda_reason(TORCH)


class BuildKernels(build_ext):
    """Builds the libraries before the module, in a folder of their own, so that another Python finds them built."""

    def run(self):
        self.force = True  # setuptools does not see that a macro has changed
        target = Path(self.build_lib).resolve() / "neuralpaint" / "lib"
        self.build_libraries(target)
        super().run()
        if self.inplace:
            in_source = ROOT / "neuralpaint" / "lib"
            shutil.rmtree(in_source, ignore_errors=True)
            shutil.copytree(target, in_source)

    def build_libraries(self, target):
        name = re.sub(r"\W+", "_", Path(compiler().split()[-1]).name)
        folder = f"build/kernels-{sysconfig.get_platform()}-{name}-{'cpu' if NO_CUDA else 'cuda'}"
        build = ROOT / (os.environ.get("NEURALPAINT_BUILD") or folder)
        options = {
            "CMAKE_BUILD_TYPE": "Release",
            "NEURALPAINT_CUDA": "OFF" if NO_CUDA else "ON",
            "NEURALPAINT_LEVELS": ";".join(levels()),
            "NEURALPAINT_OUTPUT": build / "lib",
            "NEURALPAINT_TESTS": "OFF",
            "NEURALPAINT_TORCH": TORCH,
        }
        environment = dict(os.environ)
        if not NO_CUDA:
            options["CMAKE_CUDA_ARCHITECTURES"] = cuda_architectures()
            options["CMAKE_CUDA_COMPILER"] = nvcc = cuda_toolkit.find_nvcc()
            runtime = cuda_toolkit.runtime_library(nvcc)
            if runtime:  # CMake and nvcc look for libcudart.so in lib64 alone
                options["CUDA_CUDART"] = options["CUDA_cudart_LIBRARY"] = runtime
                paths = [str(runtime.parent), environment.get("LIBRARY_PATH")]
                environment["LIBRARY_PATH"] = os.pathsep.join(filter(None, paths))
        if sys.platform == "darwin":
            options["CMAKE_OSX_ARCHITECTURES"] = platform.machine()
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        jobs = os.environ.get("MAX_JOBS") or str(os.cpu_count() or 1)
        shutil.rmtree(build / "lib", ignore_errors=True)
        try:
            defines = [f"-D{key}={value}" for key, value in options.items()]
            subprocess.run(["cmake", "-S", ROOT, "-B", build, *generator, *defines], check=True, env=environment)
            subprocess.run(["cmake", "--build", build, "--parallel", jobs], check=True, env=environment)
        except FileNotFoundError:
            fail("the build needs cmake: `pip install cmake ninja` first, or leave out --no-build-isolation")
        except subprocess.CalledProcessError as error:
            fail(f"the kernels were not built: {' '.join(map(str, error.cmd))} failed; its messages are above")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(build / "lib", target)


def module():
    try:
        import pybind11

        headers = pybind11.get_include()
    except ModuleNotFoundError:
        headers = str(TORCH / "include")  # torch ships them too
    facts = {
        "COMPILER": compiler_version(),
        "CUDA": NO_CUDA,
        "LEVELS": ",".join(levels()),
        "NATIVE_FEATURES": ",".join(native_features()) if "native" in levels() else "",
        "TORCH": TORCH_VERSION,
    }
    return Extension(
        "neuralpaint._C",
        sources=["csrc/python/module.cpp", "csrc/python/processor.cpp"],
        depends=["csrc/python/processor.h"],
        include_dirs=["csrc", headers],
        define_macros=[(f"NEURALPAINT_{name}", f'"{value}"') for name, value in facts.items()],
        extra_compile_args=["-std=c++17", "-O2", "-g0", "-fvisibility=hidden", "-Wall", "-Wextra"],
        extra_link_args=["-s"] if sys.platform == "linux" else [],
        language="c++",
    )


if sys.platform == "darwin":
    os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")  # as the libraries: one architecture
os.chdir(ROOT)
setup(ext_modules=[module()], cmdclass={"build_ext": BuildKernels})
