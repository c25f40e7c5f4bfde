#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

// Sequential soft blending on the GPU; layouts and meaning as in cpu/composite.h. Deterministic: no atomics.
namespace neuralpaint::cuda {

template <typename T>
void launch_composite(const T* canvas, const T* foreground, const T* alpha, T* output, int64_t batch, int64_t strokes,
                      int64_t pixels, cudaStream_t stream);

// Elements of T that launch_composite_backward needs to keep canvases in.
int64_t composite_workspace(int64_t batch, int64_t strokes, int64_t pixels);

template <typename T>
void launch_composite_backward(const T* grad, const T* canvas, const T* foreground, const T* alpha, T* grad_canvas,
                               T* grad_foreground, T* grad_alpha, T* workspace, int64_t batch, int64_t strokes,
                               int64_t pixels, cudaStream_t stream);

}  // namespace neuralpaint::cuda
