# neuralpaint and all it needs.
#
#     docker build -t neuralpaint .
#     docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" neuralpaint paint photo.jpg -o painting.png
#
# With CUDA kernels, of a CUDA version that PyTorch is published for (x86-64):
#
#     docker build -t neuralpaint:cuda --build-arg CUDA=13.0 .
#     docker run --rm --gpus all -v "$PWD:/work" neuralpaint:cuda paint photo.jpg -o painting.png
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS torch
ARG CUDA=
ARG TORCH="torch>=2.10"
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/neuralpaint
ENV PATH=/opt/neuralpaint/bin:$PATH
RUN channel=cpu; [ -z "$CUDA" ] || channel="cu$(echo "$CUDA" | tr -d .)"; \
    pip install "$TORCH" --index-url "https://download.pytorch.org/whl/$channel"

FROM torch AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && \
    if [ -n "$CUDA" ]; then \
        python -c "from urllib.request import urlretrieve as get; get('https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/cuda-keyring_1.1-1_all.deb', '/tmp/keyring.deb')" && \
        dpkg -i /tmp/keyring.deb && apt-get update && version=$(echo "$CUDA" | tr . -) && \
        apt-get install -y --no-install-recommends "cuda-nvcc-$version" "cuda-cudart-dev-$version"; \
    fi && rm -rf /var/lib/apt/lists/*
RUN pip install "setuptools>=77" "cmake>=3.25" ninja pybind11
COPY . /source
RUN if [ -n "$CUDA" ]; then export NEURALPAINT_CUDA=1 CUDA_HOME="/usr/local/cuda-$CUDA"; else export NEURALPAINT_CUDA=0; fi; \
    pip wheel --no-build-isolation --no-deps -w /wheel /source

FROM torch
RUN --mount=type=bind,from=build,source=/wheel,target=/wheel pip install /wheel/*.whl && \
    python -c 'from neuralpaint.extension import build_facts; print(build_facts())'
ENV HF_HOME=/tmp/huggingface
WORKDIR /work
ENTRYPOINT ["neuralpaint"]
