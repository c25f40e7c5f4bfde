#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "common/shapes.h"
#include "common/texture.h"

// Each stroke alone on its own canvas; layouts and meaning as in cpu/rasterize.h. Deterministic: no atomics.
namespace neuralpaint::cuda {

// Bytes of device memory that launch_rasterize needs beside its arguments.
template <typename T>
int64_t rasterize_workspace(int kind, int64_t count);

template <typename T>
void launch_rasterize(const T* strokes, int64_t count, int kind, const TextureAtlas& atlas, int height, int width,
                      T softness, Output output, void* foreground, void* alpha, void* workspace, cudaStream_t stream);

template <typename T>
int64_t rasterize_backward_workspace(int kind, int64_t count, int height, int width);

template <typename T>
void launch_rasterize_backward(const T* grad_foreground, const T* grad_alpha, const T* strokes, int64_t count, int kind,
                               const TextureAtlas& atlas, int height, int width, T softness, T* grad, void* workspace,
                               cudaStream_t stream);

}  // namespace neuralpaint::cuda
